"""The report of a run: its results as CSV."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Blueprint, abort, request
from flask.typing import ResponseReturnValue

from webapp.audit import audit
from webapp.csv_export import csv_lines
from webapp.extensions import runtime
from webapp.lifecycle import runs
from webapp.results import export, filters
from webapp.results.filter_forms import filter_in
from webapp.store.db import db
from webapp.web.access_control import viewer
from webapp.web.downloads import csv_file
from webapp.web.query_args import address

reports = Blueprint("run_report", __name__)


@reports.get("/runs/<int:run_id>/report.csv")
def report_csv(run_id: int) -> ResponseReturnValue:
    """The results of the run that match the filter of the address, one per line; without a filter all of
    them, removed ones too."""
    database, who, result_filter = runtime().database, viewer(), filter_in(request.args)
    run = runs.run(db.session, who, run_id) or abort(404)
    try:
        filters.matching(run.id, result_filter.status, result_filter.reason)
    except ValueError:
        abort(404)

    def lines() -> Iterator[str]:
        with database.reading() as session:
            rows = export.results(
                session, who, run, result_filter.status, result_filter.reason, result_filter.search
            )
            yield from csv_lines(rows, export.RESULT_COLUMNS)

    with db.writing() as session:
        audit(session, who.name, "download report", run, address("", **request.args.to_dict()))
    parts = ["mailrun-run", str(run.id), result_filter.status, result_filter.reason]
    return csv_file(lines(), "-".join(part for part in parts if part))
