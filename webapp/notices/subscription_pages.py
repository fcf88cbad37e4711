"""The buttons by which a user is told of one run, or of the runs of one plan, and not any more."""

from __future__ import annotations

from flask import Blueprint, Flask, abort
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from webapp.notices.subscriptions import choose_for_plan, choose_for_run, is_told_of_plan, is_told_of_run
from webapp.store.db import db
from webapp.store.plans import Plan
from webapp.store.runs import Run
from webapp.users import accounts
from webapp.web import form_posts, sessions
from webapp.web.access_control import viewer
from webapp.web.form_posts import Flash
from webapp.web.view_flags import allow_viewers

subscriptions = Blueprint("subscriptions", __name__)


def init_app(app: Flask) -> None:
    """Register the buttons, and say to the pages of runs and plans which of them to show."""
    app.add_template_global(is_told, "is_told_of")
    app.register_blueprint(subscriptions)


def is_told(subject: Run | Plan) -> bool:
    """Whether the person of this request is told of this run, or of the runs of this plan."""
    user = sessions.current() or abort(401)
    if isinstance(subject, Run):
        return is_told_of_run(db.session, user.id, subject)
    return is_told_of_plan(db.session, user.id, subject)


@subscriptions.post("/runs/<int:run_id>/notices")
@allow_viewers
def begin_of_run(run_id: int) -> ResponseReturnValue:
    """Tell me when it finishes."""
    return _choose_for_run(run_id, wanted=True)


@subscriptions.post("/runs/<int:run_id>/notices/end")
@allow_viewers
def end_of_run(run_id: int) -> ResponseReturnValue:
    """Stop telling me."""
    return _choose_for_run(run_id, wanted=False)


@subscriptions.post("/plans/<int:plan_id>/notices")
@allow_viewers
def begin_of_plan(plan_id: int) -> ResponseReturnValue:
    """Tell me about its runs."""
    return _choose_for_plan(plan_id, wanted=True)


@subscriptions.post("/plans/<int:plan_id>/notices/end")
@allow_viewers
def end_of_plan(plan_id: int) -> ResponseReturnValue:
    """Stop telling me about its runs."""
    return _choose_for_plan(plan_id, wanted=False)


def _choose_for_run(run_id: int, *, wanted: bool) -> ResponseReturnValue:
    page = f"/runs/{run_id}"

    def effect(session: Session) -> tuple[str, Flash]:
        user = accounts.find(session, viewer().name)
        return page, choose_for_run(session, user, run_id, wanted=wanted)

    return form_posts.apply_once(effect, back=page)


def _choose_for_plan(plan_id: int, *, wanted: bool) -> ResponseReturnValue:
    page = f"/plans/{plan_id}"

    def effect(session: Session) -> tuple[str, Flash]:
        user = accounts.find(session, viewer().name)
        return page, choose_for_plan(session, user, plan_id, wanted=wanted)

    return form_posts.apply_once(effect, back=page)
