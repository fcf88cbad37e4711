"""One result, as a page and as a drawer over the list; read only. Its buttons are in action_pages.py, and its
mail in mail_pages.py."""

from __future__ import annotations

from flask import Blueprint, abort, render_template
from flask.typing import ResponseReturnValue

from webapp.access import only_looked_at
from webapp.bounces import listing as returned_mails
from webapp.results import history
from webapp.results.detail import ResultDetail
from webapp.results.explanation import Today, explain, offers_todays_version
from webapp.results.forms import asked_results, filter_of
from webapp.results.labels import status_words
from webapp.results.mail_pages import addresses, mail_in_address, not_whole, visible
from webapp.results.neighbours import ListPosition, list_position
from webapp.results.queries import Filter
from webapp.results.suspect_documents import suspects
from webapp.store.db import db
from webapp.store.runs import Attempt, Result
from webapp.store.statuses import ResultStatus, RunStatus
from webapp.translation import _
from webapp.web import htmx
from webapp.web.access_control import sees_whole, viewer
from webapp.web.view_flags import background_poll

one = Blueprint("one_result", __name__)


@one.get("/results/<int:result_id>")
def result(result_id: int) -> ResponseReturnValue:
    """One result with its mail and its history; over the list (htmx) as a drawer."""
    template = "results/_drawer.html" if htmx.in_dialog() else "results/show.html"
    found = visible(result_id)
    return render_template(template, **_shown(found), **_position(found))


@one.get("/results/<int:result_id>/live")
@background_poll
def live(result_id: int) -> ResponseReturnValue:
    """The parts of the page, or of the drawer, that may have changed."""
    return render_template("results/_live.html", **_shown(visible(result_id)))


def _position(found: ResultDetail) -> dict[str, object]:
    """Where the result is in the list that the address names, and the next and previous one."""
    chosen = filter_of(asked_results(found.run.id))
    try:
        position = list_position(db.session, viewer(), found.run, found.result, chosen)
    except ValueError:
        abort(404)
    return {"place": position, "place_words": _position_words(position, chosen)}


def _shown(found: ResultDetail) -> dict[str, object]:
    """What the page, the drawer and the live answer show of the result."""
    asked, is_whole = asked_results(found.run.id), sees_whole(found.run)
    mail = mail_in_address(found)
    damage = not_whole(mail)
    doubted = suspects(db.session, found.run, [Result.id == found.result.id])
    return {
        "may_act": is_whole and viewer().may_change,
        "only_looked_at": "" if is_whole else only_looked_at(found.run),
        "one": found,
        "run": found.run,
        "line": found.line,
        "result": found.result,
        "asked": asked,
        "list_query": asked.query,
        "mail": mail,
        "let_go": _last_deleted(found) if mail.attempt is None else None,
        "not_whole": damage,
        "suspects": doubted,
        "explanation": explain(
            found.result,
            RunStatus(found.run.status),
            Today(bool(doubted), found.only_rehearsed, found.can_be_sent_now),
        ),
        "todays_version": offers_todays_version(
            ResultStatus(found.result.status), changed_since=found.changed_since
        ),
        "returned": returned_mails.of_result(db.session, found.result.id),
        "happenings": history.history_of(db.session, found),
        **addresses(found, mail, asked.args),
    }


def _last_deleted(found: ResultDetail) -> Attempt | None:
    """The last attempt whose mail is no longer kept."""
    return next((attempt for attempt in found.attempts if attempt.rebuild_data_deleted_at), None)


def _position_words(position: ListPosition, chosen: Filter) -> str:
    """1 of 3 unconfirmed"""
    if not position.words:
        return ""
    if chosen.search:
        return _("%(position)s found", position=position.words)
    if chosen.status or chosen.reason:
        status = status_words(chosen.status or ResultStatus.SKIPPED)
        return _("%(position)s %(status)s", position=position.words, status=status)
    return position.words
