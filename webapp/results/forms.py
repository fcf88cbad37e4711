"""What the address of a list of results asks for, and what a form on it: which of the results, and what the
person has seen of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import abort, request
from sqlalchemy import ColumnElement
from werkzeug.datastructures import MultiDict

from webapp.access import visible_to
from webapp.lifecycle import runs
from webapp.results import filters
from webapp.results.bulk import BulkSelection
from webapp.results.labels import reason_words
from webapp.results.orders import ORDERS
from webapp.results.queries import Filter
from webapp.store.db import db
from webapp.store.runs import Result, Run
from webapp.store.types import instant
from webapp.translation import capital, translated
from webapp.web import form_posts, htmx
from webapp.web.access_control import to_change, viewer
from webapp.web.lists import ListRequest, Picked, list_request, picked
from webapp.web.query_args import address, id_in

FILTERS = ("status", "reason")


def asked_results(run_id: int, args: MultiDict[str, str] | None = None) -> ListRequest:
    """The list of this run's results that the address, or `args` of a form, asks for."""
    return list_request(f"/runs/{run_id}", FILTERS, ORDERS, args)


def filter_of(asked: ListRequest) -> Filter:
    """The filter of the list."""
    given = asked.filters
    return Filter(status=given["status"], reason=given["reason"], search=asked.search, order=asked.sort)


def filter_words(chosen: Filter) -> str:
    """The filter in the title of the page: Failed, “petersen”"""
    narrowed = translated(chosen.status.capitalize()) or capital(reason_words(chosen.reason))
    return ", ".join(filter(None, (narrowed, f"“{chosen.search}”" if chosen.search else "")))


@dataclass(frozen=True)
class BulkRequest:
    """A form that was sent to change results of a run: what was picked in the list, and the selection that it
    stands for. `back` is the page to show next."""

    run: Run
    picked: Picked
    selection: BulkSelection
    conditions: list[ColumnElement[bool]]
    back: str

    @property
    def visible(self) -> list[ColumnElement[bool]]:
        """The conditions for those of the results that this person may see."""
        return [*self.conditions, visible_to(viewer(), Result)]


def bulk_request(run_id: int, default_status: str = "") -> BulkRequest:
    """The request in the form. `default_status` applies if everything is selected and the filter names no
    status. Ends the request with 404 if this person may not see the run, or for an unknown filter, and with
    403 if they only see the run."""
    chosen = picked(f"/runs/{run_id}", FILTERS, ORDERS)
    selection = _selection(run_id, chosen, default_status)
    return BulkRequest(
        run=to_change(runs.run(db.session, viewer(), run_id)),
        picked=chosen,
        selection=selection,
        conditions=_conditions(selection),
        back=_back(chosen),
    )


def _selection(run_id: int, chosen: Picked, default_status: str) -> BulkSelection:
    form = request.form
    as_of, may_come_twice = _instant(form.get("as_of", "")), form.get("twice", type=int)
    if chosen.ids is not None:
        return BulkSelection(run_id, chosen.ids, as_of=as_of, may_come_twice=may_come_twice)
    shown = filter_of(chosen.asked)
    status = shown.status or default_status
    return BulkSelection(run_id, None, status, shown.reason, shown.search, as_of, may_come_twice)


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


def _back(chosen: Picked) -> str:
    """The page of the run with its filter, or the page of the result that the form was on. If either is on
    screen, it stays there."""
    asked = chosen.asked
    if htmx.is_htmx() and form_posts.is_on((asked.path, "/results/")):
        return htmx.page_on_screen()
    result_id = id_in(request.form.get("from_result", ""))
    return asked.url() if result_id is None else address(f"/results/{result_id}", **asked.args)
