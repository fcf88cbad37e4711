"""The report of a run: its results as CSV or as a workbook."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from flask import Blueprint, abort, request
from flask.typing import ResponseReturnValue

from webapp.audit import audit
from webapp.extensions import runtime
from webapp.lifecycle import runs
from webapp.results import export, filters
from webapp.results.forms import asked_results, filter_of
from webapp.store.db import db
from webapp.web.access_control import viewer
from webapp.web.downloads import Rows, table_file
from webapp.web.query_args import address

reports = Blueprint("run_report", __name__)


@reports.get("/runs/<int:run_id>/report.csv")
def report_csv(run_id: int) -> ResponseReturnValue:
    """The results of the run that match the filter of the address, one per line; without a filter all of
    them, removed ones too."""
    return _report(run_id, "csv")


@reports.get("/runs/<int:run_id>/report.xlsx")
def report_xlsx(run_id: int) -> ResponseReturnValue:
    """The same as a workbook."""
    return _report(run_id, "xlsx")


def _report(run_id: int, kind: str) -> ResponseReturnValue:
    database, who, chosen = runtime().database, viewer(), filter_of(asked_results(run_id))
    run = runs.run(db.session, who, run_id) or abort(404)
    try:
        filters.matching(run.id, chosen.status, chosen.reason)
    except ValueError:
        abort(404)

    def table() -> Iterator[tuple[Rows, Sequence[str]]]:
        with database.reading() as session:
            lines = export.results(session, who, run, chosen.status, chosen.reason, chosen.search)
            yield export.sheet(session, run.id, lines) if kind == "xlsx" else (lines, export.RESULT_COLUMNS)

    with db.writing() as session:
        audit(session, who.name, "download report", run, address("", **request.args.to_dict()))
    parts = ["mailrun-run", str(run.id), chosen.status, chosen.reason]
    return table_file(kind, table, "-".join(part for part in parts if part))
