"""What a person does to results: one row, the selected rows, or everything that the filter matches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from flask import Blueprint, abort, request
from flask.typing import ResponseReturnValue
from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from webapp.access import visible_to
from webapp.definitions.versions import content_of
from webapp.errors import NotFound, Refused
from webapp.extensions import runtime
from webapp.lifecycle import runs
from webapp.results import actions, filters, resend
from webapp.results import queries as results_queries
from webapp.results.bulk import BulkOutcome, BulkSelection
from webapp.results.filter_forms import filter_in
from webapp.results.suspect_documents import checked_until, suspects
from webapp.store.db import db
from webapp.store.runs import Result, Run
from webapp.store.statuses import SENDABLE, ResultStatus, RunStatus
from webapp.store.types import instant, now
from webapp.web import confirmations, form_posts, htmx
from webapp.web.access_control import viewer
from webapp.web.query_args import address, ids_in

results = Blueprint("results", __name__)

BulkVerb = Callable[[Session], BulkOutcome]


@results.post("/runs/<int:run_id>/results/send-again")
def send_again(run_id: int) -> ResponseReturnValue:
    """Send again. Asks for confirmation if a customer may already have the mail, and in the list also which
    version to use, if the definition has changed since the run was created: what made mails fail may have
    been fixed."""
    chosen = chosen_in_form(run_id)
    asked = bool(request.form.get("asked"))
    found = _statuses(run_id, chosen)
    twice, as_of = _asked_about(run_id, chosen)
    in_the_list = not (asked or request.form.get("from_result"))
    if (twice and not asked) or _has_grown(chosen, found) or (in_the_list and _changed_since(run_id)):
        return _question("results/confirm_resend.html", run_id, chosen, found, as_of, twice=twice)
    confirmed = asked and bool(request.form.get("confirmed"))
    todays = bool(request.form.get("todays_version"))
    return _press(
        "Will be sent again:",
        chosen,
        lambda session: resend.send_again(
            session, runtime().queue, chosen, viewer(), confirmed=confirmed, todays_version=todays
        ),
    )


@results.post("/runs/<int:run_id>/results/remove")
def remove(run_id: int) -> ResponseReturnValue:
    """Remove: selected rows at once, with Undo; everything that matches after a confirmation."""
    chosen = chosen_in_form(run_id)
    if chosen.result_ids is None:
        as_of = _last_change(run_id, chosen)
        found = _statuses(run_id, chosen)
        if not request.form.get("asked") or _has_grown(chosen, found):
            return _question("results/confirm_remove.html", run_id, chosen, found, as_of)
    return _press("Removed", chosen, lambda session: actions.remove(session, chosen, viewer()), undo=True)


@results.post("/runs/<int:run_id>/results/let-pass")
def let_pass(run_id: int) -> ResponseReturnValue:
    """Release documents that do not name their invoice. Asks for confirmation: such a mail cannot be
    recalled."""
    chosen = chosen_in_form(run_id)
    as_of = max(_last_change(run_id, chosen), _checked_until(run_id, chosen))
    found = _statuses(run_id, chosen)
    if not request.form.get("asked") or _has_grown(chosen, found):
        return _question("results/confirm_release.html", run_id, chosen, found, as_of)
    return _press(
        "Let pass:",
        chosen,
        lambda session: resend.release_documents(session, runtime().queue, chosen, viewer()),
    )


@results.post("/runs/<int:run_id>/results/put-back")
def put_back(run_id: int) -> ResponseReturnValue:
    """Put back what was removed; what is to be sent is re-checked. Asks for confirmation if a finished run
    would send again without a Start, or if another person has removed more than were selected."""
    chosen = chosen_in_form(run_id)
    if chosen.result_ids is None:
        chosen = replace(chosen, status=chosen.status or ResultStatus.REMOVED)
    as_of = _last_change(run_id, chosen)
    found = _statuses(run_id, chosen)
    to_send = 0 if request.form.get("asked") else _would_go_out(run_id, chosen)
    if to_send or _has_grown(chosen, found):
        return _question("results/confirm_put_back.html", run_id, chosen, found, as_of, to_send=to_send)
    return _press(
        "Put back",
        chosen,
        lambda session: actions.put_back(session, runtime().queue, chosen, viewer()),
    )


@results.post("/runs/<int:run_id>/results/mark-sent")
def mark_sent(run_id: int) -> ResponseReturnValue:
    """A person knows that an unconfirmed mail arrived."""
    chosen = chosen_in_form(run_id)
    return _press("Marked as sent:", chosen, lambda session: actions.confirm_sent(session, chosen, viewer()))


@results.post("/runs/<int:run_id>/results/mark-bounced")
def mark_bounced(run_id: int) -> ResponseReturnValue:
    """A person knows that a sent mail came back."""
    chosen = chosen_in_form(run_id)
    return _press(
        "Marked as bounced:", chosen, lambda session: actions.mark_bounced(session, chosen, viewer())
    )


MOST_TICKED = 200
"""A page has 50 rows; larger selections use the filter."""


def chosen_in_form(run_id: int) -> BulkSelection:
    """What a form post is about: the row whose button was pressed, else everything that matches, else the
    selected rows.

    Without script the box "Select all on this page" selects none: then the rows on screen are meant."""
    form = request.form
    seen: dict[str, Any] = {
        "as_of": _instant(form.get("as_of", "")),
        "may_come_twice": form.get("twice", type=int),
    }
    if form.get("only"):
        ids = ids_in([form["only"]])
    elif form.get("all"):
        shown = filter_in(form)
        return BulkSelection(run_id, None, shown.status, shown.reason, shown.search, **seen)
    elif form.get("page"):
        ids = ids_in(form.get("rows", "").split("-"))
    else:
        ids = ids_in(form.getlist("id"))
    if len(ids) > MOST_TICKED:
        abort(400, f"Tick at most {MOST_TICKED} rows, or select all that match.")
    return BulkSelection(run_id, result_ids=tuple(ids), **seen)


def _instant(text: str) -> datetime | None:
    try:
        return instant(text) if text else None
    except ValueError:
        abort(400)


def _conditions(chosen: BulkSelection) -> list[ColumnElement[bool]]:
    try:
        if chosen.result_ids is None:
            return filters.matching(chosen.run_id, chosen.status, chosen.reason, chosen.search)
    except ValueError:
        abort(404)
    return [Result.run_id == chosen.run_id, Result.id.in_(chosen.result_ids)]


def _statuses(run_id: int, chosen: BulkSelection) -> dict[ResultStatus, int]:
    _visible(db.session, run_id)
    return results_queries.statuses_of(db.session, viewer(), _conditions(chosen))


def _last_change(run_id: int, chosen: BulkSelection) -> datetime:
    """When what is selected has changed last: a yes is for that, and for nothing that changes later."""
    _visible(db.session, run_id)
    return results_queries.last_change(db.session, viewer(), _conditions(chosen)) or now()


def _asked_about(run_id: int, chosen: BulkSelection) -> tuple[int, datetime | None]:
    run = _visible(db.session, run_id)
    return results_queries.asked_about(db.session, viewer(), run, _conditions(chosen))


def _checked_until(run_id: int, chosen: BulkSelection) -> datetime:
    """When the last of the documents was found suspect: later findings have not been seen."""
    run = _visible(db.session, run_id)
    return checked_until(db.session, run, [*_conditions(chosen), visible_to(viewer(), Result)]) or now()


def _would_go_out(run_id: int, chosen: BulkSelection) -> int:
    """How many of these a finished run would send, or re-check, if they were put back."""
    if _visible(db.session, run_id).status != RunStatus.FINISHED:
        return 0
    would_go = Result.removed_from.in_((*SENDABLE, ResultStatus.SKIPPED))
    return sum(results_queries.statuses_of(db.session, viewer(), [*_conditions(chosen), would_go]).values())


def _has_grown(chosen: BulkSelection, found: dict[ResultStatus, int]) -> bool:
    """Whether the filter matches more by now than the number the person saw when it was selected."""
    seen = ids_in([request.form.get("seen", "")])
    return chosen.result_ids is None and bool(seen) and sum(found.values()) > seen[0]


def _changed_since(run_id: int) -> bool:
    """Whether the definition is another one than the run keeps."""
    run = _visible(db.session, run_id)
    return content_of(db.session, run.definition) != run.version.content


def _question(
    template: str,
    run_id: int,
    chosen: BulkSelection,
    found: dict[ResultStatus, int],
    as_of: datetime | None = None,
    **more: object,
) -> ResponseReturnValue:
    run = _visible(db.session, run_id)
    shown = {"run": run, "chosen": chosen, "found": found, "back": _back(run_id), "as_of": as_of, **more}
    held = suspects(db.session, run, [*_conditions(chosen), visible_to(viewer(), Result)])
    return confirmations.ask(template, suspects=held, **shown)


def _visible(session: Session, run_id: int) -> Run:
    return runs.run(session, viewer(), run_id) or abort(404)


def _back(run_id: int) -> str:
    """The page with the filter under which the button was pressed; for a result's own page, that. What is on
    screen of this run stays there."""
    if htmx.is_htmx() and form_posts.is_on((f"/runs/{run_id}", "/results/")):
        return htmx.page_on_screen()
    if (from_result := request.form.get("from_result", "")).isdecimal():
        return address(f"/results/{from_result[:18]}", **_kept())
    return address(f"/runs/{run_id}", **_kept())


def _kept() -> dict[str, str]:
    """The filter under which the button was pressed, as an address or a form carries it."""
    shown = filter_in(request.form)
    return {"status": shown.status, "reason": shown.reason, "q": shown.search, "sort": shown.order}


def _press(
    done_word: str, chosen: BulkSelection, verb: BulkVerb, *, undo: bool = False
) -> ResponseReturnValue:
    back = _back(chosen.run_id)
    if chosen.result_ids == ():
        return form_posts.refuse("No row is ticked. Tick some rows first.", back)
    _conditions(chosen)

    def effect(session: Session) -> tuple[str, form_posts.Flash]:
        done = verb(session)
        said: dict[str, object] = {"words": _words(done_word, done), "undo": None}
        if undo and done.changed and chosen.result_ids is not None:
            action = f"/runs/{chosen.run_id}/results/put-back"
            said["undo"] = {"action": action, "ids": list(done.ids), "back": _kept()}
        return back, said

    try:
        return form_posts.apply_once(effect)
    except NotFound:
        abort(404)
    except Refused as refusal:
        return form_posts.refuse(str(refusal), back)


def _words(done_word: str, done: BulkOutcome) -> str:
    """Removed 3. 2 not changed: being sent right now."""
    kept = [f"{n:,} not changed: {why}." for why, n in done.unchanged.items()]
    return " ".join([f"{done_word} {done.changed:,}.", *kept])
