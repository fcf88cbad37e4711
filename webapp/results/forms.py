"""What a form on the page of a run asks for: which of its results, and what the person has seen of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import abort, request
from sqlalchemy import ColumnElement

from webapp.access import visible_to
from webapp.lifecycle import runs
from webapp.results import filters
from webapp.results.bulk import BulkSelection
from webapp.results.filter_forms import filter_in
from webapp.store.db import db
from webapp.store.runs import Result, Run
from webapp.store.types import instant
from webapp.web import form_posts, htmx
from webapp.web.access_control import to_change, viewer
from webapp.web.query_args import address, id_in, ids_in

TICKED_MAX = 200
"""A page has 50 rows. More are selected by the filter."""


@dataclass(frozen=True)
class BulkRequest:
    """A form that was sent to change results of a run. `back` is the page to show next; `seen` how many
    results the filter matched when the person selected everything; `is_confirmed`: the page has asked, and
    this is the answer."""

    run: Run
    selection: BulkSelection
    conditions: list[ColumnElement[bool]]
    back: str
    seen: int | None
    is_confirmed: bool

    @property
    def visible(self) -> list[ColumnElement[bool]]:
        """The conditions for those of the results that this person may see."""
        return [*self.conditions, visible_to(viewer(), Result)]

    def has_grown(self, count: int) -> bool:
        """Whether the filter matches more results by now than the person saw when selecting everything."""
        return self.selection.result_ids is None and self.seen is not None and count > self.seen


def bulk_request(run_id: int, default_status: str = "") -> BulkRequest:
    """The request in the form. `default_status` applies if everything is selected and the filter names no
    status. Ends the request with 404 if this person may not see the run, or for an unknown filter, and with
    403 if they only see the run."""
    selection = _selection(run_id, default_status)
    return BulkRequest(
        run=to_change(runs.run(db.session, viewer(), run_id)),
        selection=selection,
        conditions=_conditions(selection),
        back=_back(run_id),
        seen=id_in(request.form.get("seen", "")),
        is_confirmed=bool(request.form.get("asked")),
    )


def _selection(run_id: int, default_status: str) -> BulkSelection:
    """The row whose button was pressed, else everything that matches the filter, else the ticked rows.

    Without JavaScript the box "Select all on this page" ticks no row: then it stands for the rows on
    screen."""
    form = request.form
    as_of, may_come_twice = _instant(form.get("as_of", "")), form.get("twice", type=int)
    if form.get("only"):
        ids = ids_in([form["only"]])
    elif form.get("all"):
        shown = filter_in(form)
        status = shown.status or default_status
        return BulkSelection(run_id, None, status, shown.reason, shown.search, as_of, may_come_twice)
    elif form.get("page"):
        ids = ids_in(form.get("rows", "").split("-"))
    else:
        ids = ids_in(form.getlist("id"))
    if len(ids) > TICKED_MAX:
        abort(400, f"Select at most {TICKED_MAX} rows, or select all that match.")
    return BulkSelection(run_id, tuple(ids), as_of=as_of, may_come_twice=may_come_twice)


def _instant(text: str) -> datetime | None:
    try:
        return instant(text) if text else None
    except ValueError:
        abort(400)


def _conditions(selection: BulkSelection) -> list[ColumnElement[bool]]:
    if selection.result_ids is not None:
        return [Result.run_id == selection.run_id, Result.id.in_(selection.result_ids)]
    try:
        return filters.matching(selection.run_id, selection.status, selection.reason, selection.search)
    except ValueError:
        abort(404)


def _back(run_id: int) -> str:
    """The page of the run with its filter, or the page of the result that the form was on. If either is on
    screen, it stays there."""
    if htmx.is_htmx() and form_posts.is_on((f"/runs/{run_id}", "/results/")):
        return htmx.page_on_screen()
    result_id = id_in(request.form.get("from_result", ""))
    page = f"/runs/{run_id}" if result_id is None else f"/results/{result_id}"
    return address(page, **filter_args())


def filter_args() -> dict[str, str]:
    """The filter under which the form was sent, as addresses and forms carry it."""
    shown = filter_in(request.form)
    return {"status": shown.status, "reason": shown.reason, "q": shown.search, "sort": shown.order}
