"""One result, as a page and as a drawer over the list: reading only. Its actions are in action_pages.py, its
mail in mail_pages.py."""

from __future__ import annotations

from flask import Blueprint, abort, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from webapp.results import history
from webapp.results.detail import ResultDetail
from webapp.results.explanation import explain, offers_todays_version
from webapp.results.filter_forms import filter_in
from webapp.results.mail_pages import addresses, mail_in_address, not_whole, visible
from webapp.results.neighbours import ListPosition, list_position
from webapp.results.queries import Filter
from webapp.results.suspect_documents import suspects
from webapp.store.db import db
from webapp.store.runs import Attempt, Result
from webapp.store.statuses import ResultStatus, RunStatus
from webapp.web import htmx
from webapp.web.access_control import viewer
from webapp.web.query_args import address
from webapp.web.view_flags import background_poll

one = Blueprint("one_result", __name__)


def capital(words: str) -> str:
    """The words with a capital first letter."""
    return words[:1].upper() + words[1:]


@one.get("/results/<int:result_id>")
def result(result_id: int) -> ResponseReturnValue:
    """One result with its mail and its history; over the list (htmx) as a drawer."""
    template = "results/_drawer.html" if htmx.in_dialog() else "results/show.html"
    found = visible(db.session, result_id)
    return render_template(template, **_shown(db.session, found), **_on_the_way(db.session, found))


@one.get("/results/<int:result_id>/live")
@background_poll
def live(result_id: int) -> ResponseReturnValue:
    """The parts of the page, or of the drawer, that may have changed."""
    return render_template("results/_live.html", **_shown(db.session, visible(db.session, result_id)))


def _on_the_way(session: Session, found: ResultDetail) -> dict[str, object]:
    """The position of the result in the list that the address names, and its neighbours."""
    chosen = filter_in(request.args)
    try:
        stands = list_position(session, viewer(), found.run, found.result, chosen)
    except ValueError:
        abort(404)
    return {"place": stands, "place_words": _place_words(stands, chosen)}


def _shown(session: Session, found: ResultDetail) -> dict[str, object]:
    """What page, drawer and live answer show of the result."""
    chosen = filter_in(request.args)
    shown = mail_in_address(session, found)
    doubted = suspects(session, found.run, [Result.id == found.result.id])
    args = {"status": chosen.status, "reason": chosen.reason, "q": chosen.search, "sort": chosen.order}
    return {
        "one": found,
        "run": found.run,
        "line": found.line,
        "result": found.result,
        "chosen": chosen,
        "list_query": address("", **args),
        "mail": shown,
        "let_go": _let_go(found) if shown.attempt is None else None,
        "not_whole": not_whole(shown),
        "suspects": doubted,
        "explanation": explain(
            found.result,
            RunStatus(found.run.status),
            has_suspects=bool(doubted),
            only_rehearsed=found.only_rehearsed,
        ),
        "todays_version": offers_todays_version(
            ResultStatus(found.result.status), changed_since=found.changed_since
        ),
        "happenings": history.history_of(session, found),
        **addresses(found, shown, args),
    }


def _let_go(found: ResultDetail) -> Attempt | None:
    """The last attempt, if its mail is no longer kept."""
    return next((attempt for attempt in found.attempts if attempt.rebuild_data_deleted_at), None)


def _place_words(stands: ListPosition, chosen: Filter) -> str:
    """1 of 3 unconfirmed"""
    if not stands.words or chosen.search:
        return f"{stands.words} found".strip() if stands.words else ""
    return f"{stands.words} {chosen.status or ('skipped' if chosen.reason else '')}".strip()
