"""The pages of plans: the list, one plan with its dates, a new one. Registers the room."""

from __future__ import annotations

from collections.abc import Callable
from zoneinfo import ZoneInfo

from flask import Blueprint, Flask, abort, make_response, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from webapp import audit
from webapp.cluster_paths import cluster_tags
from webapp.extensions import runtime
from webapp.plans import editing, queries, words
from webapp.plans.dates import UNKNOWN_HERE, is_overdue, rule_of, unknown_words
from webapp.plans.forms import PlanForm, form_of, new_form
from webapp.plans.month_grid import dates_shown, month_grids
from webapp.plans.owners import subject
from webapp.plans.spans import invoice_period
from webapp.store.db import db
from webapp.store.plans import OccurrenceState, Plan, PlanPeriod
from webapp.store.types import now
from webapp.translation import _
from webapp.web import confirmations, form_posts
from webapp.web.access_control import refuse_unless, viewer
from webapp.web.form_posts import Flash, refuse

plans = Blueprint("plans", __name__)
DATES_SHOWN = 12


def init_app(app: Flask) -> None:
    """Register the pages, and give their templates the words of this room."""
    app.jinja_env.globals["plan_words"] = words
    app.register_blueprint(plans)


@plans.get("/plans")
def index() -> ResponseReturnValue:
    """All plans that this person may see."""
    return render_template("plans/index.html", lines=queries.plan_lines(db.session, viewer()))


@plans.get("/plans/new")
def new() -> ResponseReturnValue:
    """The form of a new plan."""
    refuse_unless(viewer().may_change)
    return _form(None, new_form())


@plans.post("/plans")
def create() -> ResponseReturnValue:
    """Store a new plan."""
    form = PlanForm(request.form)
    if not form.validate():  # type: ignore[no-untyped-call]
        return _form(None, form, status=422)

    def effect(session: Session) -> tuple[str, Flash]:
        plan = editing.add(session, viewer(), form.fields())
        return f"/plans/{plan.id}", _("Saved. It makes its runs in your name.")

    return form_posts.apply_once(effect, on_refusal=lambda why: _form(None, form, why, 422))


@plans.get("/plans/<int:plan_id>")
def show(plan_id: int) -> ResponseReturnValue:
    """One plan: its form, its next dates, and what became of the last ones."""
    plan = _visible(plan_id)
    return _form(plan, form_of(plan))


@plans.post("/plans/<int:plan_id>")
def change(plan_id: int) -> ResponseReturnValue:
    """Change a plan; who saves it is its owner."""
    plan, form = _visible(plan_id), PlanForm(request.form)
    if not form.validate():  # type: ignore[no-untyped-call]
        return _form(plan, form, status=422)

    def effect(session: Session) -> tuple[str, Flash]:
        changed = editing.change(session, viewer(), plan_id, form.fields(), request.form.get("seen", ""))
        return f"/plans/{plan_id}", _("Saved.") if changed else _("Nothing has changed.")

    return form_posts.apply_once(effect, on_refusal=lambda why: _form(plan, form, why, 422))


@plans.post("/plans/<int:plan_id>/pause")
def pause(plan_id: int) -> ResponseReturnValue:
    """Make no runs until it is resumed."""
    return _apply(plan_id, editing.pause)


@plans.post("/plans/<int:plan_id>/resume")
def resume(plan_id: int) -> ResponseReturnValue:
    """Wait for the next date again."""
    return _apply(plan_id, editing.resume)


@plans.post("/plans/<int:plan_id>/delete")
def delete(plan_id: int) -> ResponseReturnValue:
    """Delete the plan."""

    def effect(session: Session) -> tuple[str, Flash]:
        return "/plans", editing.delete(session, viewer(), plan_id)

    return form_posts.apply_once(effect, back=f"/plans/{plan_id}")


@plans.post("/plans/<int:plan_id>/run")
def make_now(plan_id: int) -> ResponseReturnValue:
    """Make a run now, once it was asked whether to: it may start by itself."""
    if viewer().may_send and not request.form.get("asked"):
        plan = _visible(plan_id)
        try:
            day = now().astimezone(ZoneInfo(plan.time_zone)).date()
        except UNKNOWN_HERE as unknown:
            return refuse(unknown_words(unknown), f"/plans/{plan_id}")
        period = invoice_period(PlanPeriod(plan.period), day)
        return confirmations.ask(
            "plans/confirm_run.html", here="Plans", plan=plan, period=period, back=f"/plans/{plan_id}"
        )

    def effect(session: Session) -> tuple[str, Flash]:
        made = editing.make_now(session, runtime(), viewer(), plan_id)
        if made.state == OccurrenceState.HELD:
            return f"/plans/{plan_id}", _("No run was made. Why not stands under “Past dates”.")
        return f"/runs/{made.run_id}", _("Created by its plan.")

    return form_posts.apply_once(effect, back=f"/plans/{plan_id}")


def _apply(plan_id: int, verb: Callable[..., str]) -> ResponseReturnValue:
    def effect(session: Session) -> tuple[str, Flash]:
        return f"/plans/{plan_id}", verb(session, viewer(), plan_id)

    return form_posts.apply_once(effect, back=f"/plans/{plan_id}")


def _visible(plan_id: int) -> Plan:
    """The plan in the address. Ends the request with 404 if there is none that this person may see."""
    return queries.plan(db.session, viewer(), plan_id) or abort(404)


def _form(plan: Plan | None, form: PlanForm, wrong: str = "", status: int = 200) -> ResponseReturnValue:
    """The page of a plan, or of one that does not exist yet."""
    session = db.session
    shown: dict[str, object] = {"plan": plan, "form": form, "wrong": wrong, "may_save": viewer().may_send}
    shown["clusters"] = cluster_tags(session, viewer())
    if plan is not None:
        rule = rule_of(plan)
        try:
            dates = dates_shown(rule, DATES_SHOWN, now())
        except UNKNOWN_HERE:
            dates = []  # the plan is paused, and says why
        shown |= {
            "when": words.when(rule),
            "seen": request.form.get("seen") or editing.seen_of(plan),
            "dates": [
                (
                    each,
                    invoice_period(PlanPeriod(plan.period), each.nominal),
                    words.holidays_before(rule, each),
                )
                for each in dates
            ],
            "months": month_grids(rule, dates, now()),
            "history": queries.history(session, viewer(), plan),
            "runs_made": queries.runs_made(session, viewer(), plan),
            "is_overdue": is_overdue(plan),
            "changes": audit.latest(session, subject(plan)),
            "changes_of": subject(plan),
        }
    return make_response(render_template("plans/show.html", **shown), status)
