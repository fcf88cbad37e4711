"""The forms that change results: one row, the ticked rows, or everything that matches the filter."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from webapp.definitions.versions import content_of
from webapp.extensions import runtime
from webapp.results import actions, bulk_words, queries, resend
from webapp.results.bulk import BulkOutcome
from webapp.results.bulk_words import ActionWords, outcome_words
from webapp.results.forms import BulkRequest, bulk_request
from webapp.results.suspect_documents import checked_until, suspects
from webapp.store.db import db
from webapp.store.runs import Result
from webapp.store.statuses import SENDABLE, ResultStatus, RunStatus
from webapp.store.types import now
from webapp.translation import N_, _
from webapp.web import confirmations, form_posts, user_limits
from webapp.web.access_control import viewer

results = Blueprint("results", __name__)

OUT_OF_DATE = N_("This page does not say what it showed. Reload it, and press Send again there.")
BulkVerb = Callable[[Session], BulkOutcome]
StatusCounts = dict[ResultStatus, int]


@results.post("/runs/<int:run_id>/results/send-again")
def send_again(run_id: int) -> ResponseReturnValue:
    """Send again. Asks once if a customer may have the mail already. In the list it also asks which version
    to use if the definition has changed since the run was created: that may be what fixes a failure."""
    asked = bulk_request(run_id)
    matched = _statuses(asked)
    twice, as_of = queries.asked_about(db.session, viewer(), asked.run, asked.conditions)
    may_ask_version = not asked.picked.is_confirmed and not request.form.get("from_result")
    if (
        (twice and not asked.picked.is_confirmed)
        or asked.picked.has_grown(sum(matched.values()))
        or (may_ask_version and _definition_has_changed(asked))
    ):
        return _question("results/confirm_resend.html", asked, matched, as_of, twice=twice)
    confirmed = asked.picked.is_confirmed and bool(request.form.get("confirmed"))
    if confirmed and asked.selection.as_of is None:
        return form_posts.refuse(_(OUT_OF_DATE), asked.back)
    user_limits.count(user_limits.SEND_AGAIN, "send again")
    todays_version = bool(request.form.get("todays_version"))
    return _apply(
        bulk_words.SEND_AGAIN,
        asked,
        lambda session: resend.send_again(
            session,
            runtime().queue,
            asked.selection,
            viewer(),
            confirmed=confirmed,
            todays_version=todays_version,
        ),
    )


@results.post("/runs/<int:run_id>/results/remove")
def remove(run_id: int) -> ResponseReturnValue:
    """Remove. Ticked rows are removed at once, with Undo; everything that matches only after a question."""
    asked = bulk_request(run_id)
    if asked.selection.result_ids is None:
        as_of = _last_change(asked)
        matched = _statuses(asked)
        if not asked.picked.is_confirmed or asked.picked.has_grown(sum(matched.values())):
            return _question("results/confirm_remove.html", asked, matched, as_of)
    return _apply(
        bulk_words.REMOVE,
        asked,
        lambda session: actions.remove(session, asked.selection, viewer()),
        undo=True,
    )


@results.post("/runs/<int:run_id>/results/let-pass")
def let_pass(run_id: int) -> ResponseReturnValue:
    """Let documents pass that do not mention their invoice. Asks once: such a mail cannot be recalled."""
    asked = bulk_request(run_id)
    as_of = max(_last_change(asked), checked_until(db.session, asked.run, asked.visible) or now())
    matched = _statuses(asked)
    if not asked.picked.is_confirmed or asked.picked.has_grown(sum(matched.values())):
        return _question("results/confirm_release.html", asked, matched, as_of)
    return _apply(
        bulk_words.LET_PASS,
        asked,
        lambda session: resend.release_documents(session, runtime().queue, asked.selection, viewer()),
    )


@results.post("/runs/<int:run_id>/results/put-back")
def put_back(run_id: int) -> ResponseReturnValue:
    """Put back what was removed; what is to be sent is checked again. Asks if a finished run would then send
    without a Start, or if more results have been removed than were selected."""
    asked = bulk_request(run_id, default_status=ResultStatus.REMOVED)
    as_of = _last_change(asked)
    matched = _statuses(asked)
    to_send = 0 if asked.picked.is_confirmed else _would_be_sent(asked)
    if to_send or asked.picked.has_grown(sum(matched.values())):
        return _question("results/confirm_put_back.html", asked, matched, as_of, to_send=to_send)
    return _apply(
        bulk_words.PUT_BACK,
        asked,
        lambda session: actions.put_back(session, runtime().queue, asked.selection, viewer()),
    )


@results.post("/runs/<int:run_id>/results/mark-sent")
def mark_sent(run_id: int) -> ResponseReturnValue:
    """A person knows that an unconfirmed mail arrived."""
    asked = bulk_request(run_id)
    return _apply(
        bulk_words.MARK_SENT,
        asked,
        lambda session: actions.confirm_sent(session, asked.selection, viewer()),
    )


@results.post("/runs/<int:run_id>/results/mark-bounced")
def mark_bounced(run_id: int) -> ResponseReturnValue:
    """A person knows that a sent mail came back."""
    asked = bulk_request(run_id)
    return _apply(
        bulk_words.MARK_BOUNCED,
        asked,
        lambda session: actions.mark_bounced(session, asked.selection, viewer()),
    )


def _statuses(asked: BulkRequest) -> StatusCounts:
    return queries.statuses_of(db.session, viewer(), asked.conditions)


def _last_change(asked: BulkRequest) -> datetime:
    """When the selected results last changed. A confirmation covers them as they were then; what changes
    later stays as it is."""
    return queries.last_change(db.session, viewer(), asked.conditions) or now()


def _would_be_sent(asked: BulkRequest) -> int:
    """How many of these results a finished run would send, or check again, if they were put back."""
    if asked.run.status != RunStatus.FINISHED:
        return 0
    would_be_sent = Result.removed_from.in_((*SENDABLE, ResultStatus.SKIPPED))
    statuses = queries.statuses_of(db.session, viewer(), [*asked.conditions, would_be_sent])
    return sum(statuses.values())


def _definition_has_changed(asked: BulkRequest) -> bool:
    """Whether the definition differs from the version that the run keeps."""
    return content_of(db.session, asked.run.definition) != asked.run.version.content


def _question(
    template: str, asked: BulkRequest, matched: StatusCounts, as_of: datetime | None, **more: object
) -> ResponseReturnValue:
    return confirmations.ask(
        template,
        run=asked.run,
        picked=asked.picked,
        found=matched,
        back=asked.back,
        as_of=as_of,
        suspects=suspects(db.session, asked.run, asked.visible),
        **more,
    )


def _apply(
    words: ActionWords, asked: BulkRequest, verb: BulkVerb, *, undo: bool = False
) -> ResponseReturnValue:
    selection, back = asked.selection, asked.back
    if selection.result_ids == ():
        return form_posts.refuse(_("No row is selected. Select at least one."), back)

    def effect(session: Session) -> tuple[str, form_posts.Flash]:
        outcome = verb(session)
        flash: dict[str, object] = {"words": outcome_words(words, outcome), "undo": None}
        if undo and outcome.changed and selection.result_ids is not None:
            action = f"/runs/{selection.run_id}/results/put-back"
            flash["undo"] = {"action": action, "ids": list(outcome.ids), "back": asked.picked.asked.args}
        return back, flash

    return form_posts.apply_once(effect, back=back)
