"""The table of results on the page of a run, under the filter of the address."""

from __future__ import annotations

from typing import TypeAlias

from flask import abort

from webapp.keyset import Counted
from webapp.results import filters, labels, queries
from webapp.results.fixes import Fix
from webapp.results.forms import asked_results, filter_of, filter_words
from webapp.results.orders import ORDERS, order_named
from webapp.results.queries import Filter
from webapp.results.rows import ResultRow
from webapp.runs.fix_links import fix_these
from webapp.store.db import db
from webapp.store.runs import Result, Run
from webapp.store.statuses import ResultStatus
from webapp.store.types import now
from webapp.translation import N_, _
from webapp.web.access_control import viewer
from webapp.web.lists import ListColumn, ListView

View: TypeAlias = ListView[ResultRow]

RESULT_COLUMNS = (
    ListColumn(N_("Customer"), ""),
    ListColumn(N_("Invoice"), "amount"),
    ListColumn(N_("Recipient")),
    ListColumn(N_("Attached")),
    ListColumn(N_("Status")),
    ListColumn(N_("Attempts"), numeric=True),
    ListColumn(N_("Changed"), "changed", numeric=True),
    ListColumn(N_("Actions"), spoken=True),
)


def table(run: Run) -> dict[str, object]:
    """The table of results under the filter that the address names."""
    asked = asked_results(run.id)
    chosen = filter_of(asked)
    try:
        known = queries.kept_count(db.session, viewer(), run.id, chosen)
        page, matching = asked.read(
            lambda edge: queries.results(db.session, viewer(), run, chosen, edge, known)
        )
    except ValueError:
        abort(404)
    is_by_name = order_named(asked.sort).column is Result.sort_name
    titles = [title for title in (filter_words(chosen), run.name) if title]
    view: View = ListView(
        asked,
        page,
        Counted(matching),
        RESULT_COLUMNS,
        ORDERS,
        _("result"),
        _("results"),
        can=_changeable(run, chosen) if asked.everything and matching else {},
        named=(lambda row: row.name) if is_by_name else None,
        way="",
        file=_("The report (CSV)"),
    )
    return {
        "run": run,
        "list": view,
        "chosen": chosen,
        "fix": None if chosen.search else _fix(run, chosen, matching),
        "page_title": " · ".join(titles),
        "since": now().timestamp(),
    }


def _fix(run: Run, chosen: Filter, matching: int) -> Fix | None:
    """Where the results that are shown are fixed, if they are of one kind."""
    if chosen.reason:
        return fix_these(run, ResultStatus.SKIPPED, chosen.reason, matching)
    return fix_these(run, chosen.status, "", matching) if chosen.status else None


def _changeable(run: Run, chosen: Filter) -> dict[str, int]:
    """For each bulk button, how many of the results that match it would change."""
    conditions = filters.matching(run.id, chosen.status, chosen.reason, chosen.search)
    found = queries.statuses_of(db.session, viewer(), conditions, as_they_are=True)
    return {
        "send-again": sum(found.get(status, 0) for status in labels.MAY_SEND_AGAIN),
        "remove": sum(found.get(status, 0) for status in labels.MAY_REMOVE),
        "put-back": found.get(ResultStatus.REMOVED, 0),
        "let-pass": found.get(ResultStatus.SKIPPED, 0),
    }
