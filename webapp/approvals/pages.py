"""The page of a run that waits for a second person, and the limits in the settings. Registers the room."""

from __future__ import annotations

from dataclasses import asdict
from decimal import Decimal

from flask import Blueprint, Flask, abort, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from webapp import audit
from webapp.approvals import limits
from webapp.approvals.deciders import deciders
from webapp.approvals.limits import ApprovalLimits
from webapp.approvals.mails_to_read import mails_to_read
from webapp.edits import fingerprint
from webapp.extensions import runtime
from webapp.lifecycle import approvals, approving
from webapp.lifecycle.approval_limits import limits as limits_of
from webapp.lifecycle.approval_limits import volume, why_needed
from webapp.lifecycle.counts import counts
from webapp.lifecycle.mail_digests import list_digest, mail_digests
from webapp.lifecycle.rights import cannot_approve
from webapp.lifecycle.runs import run as visible_run
from webapp.oddities.pages import shown_of_run
from webapp.runs import queries
from webapp.runs.approval_note import decision_words
from webapp.runs.progress import progress
from webapp.store.approvals import RunApproval
from webapp.store.db import db
from webapp.store.runs import Run
from webapp.store.statuses import Decision
from webapp.translation import _
from webapp.web import form_posts
from webapp.web.access_control import sees_whole, viewer
from webapp.web.form_posts import Flash
from webapp.web.view_flags import allow_viewers

run_approval = Blueprint("run_approval", __name__)
LIMITS = "/settings/approval"


def init_app(app: Flask) -> None:
    """Register the pages."""
    app.jinja_env.globals["decision_words"] = decision_words
    app.register_blueprint(run_approval)


@run_approval.get("/runs/<int:run_id>/approval")
def show(run_id: int) -> ResponseReturnValue:
    """What a person decides on: the list, its numbers, mails to read. Leads to the run if no approval was
    ever asked for, or if this person sees a part of it: numbers and mails of all stand here."""
    run = _visible(run_id)
    asked = approvals.latest(db.session, run_id) if sees_whole(run) else None
    return _page(run, asked) if asked else redirect(f"/runs/{run_id}")


@run_approval.post("/runs/<int:run_id>/approval")
@allow_viewers
def decide(run_id: int) -> ResponseReturnValue:
    """Approve or reject. Who may is decided in lifecycle/approving.py."""
    run, form = _visible(run_id), request.form
    back = f"/runs/{run_id}/approval"

    def effect(session: Session) -> tuple[str, Flash]:
        if form.get("decision") == "reject":
            return f"/runs/{run.id}", approving.reject(session, run.id, viewer(), form.get("reason", ""))
        seen, note = form.get("seen", ""), form.get("note", "")
        said = approving.approve(session, runtime().queue, run.id, viewer(), seen, note)
        return f"/runs/{run.id}", said

    return form_posts.apply_once(effect, back=back)


def _visible(run_id: int) -> Run:
    """The run in the address. Ends the request with 404 if there is none that this person may see."""
    return visible_run(db.session, viewer(), run_id) or abort(404)


def _page(run: Run, asked: RunApproval) -> ResponseReturnValue:
    session, counted = db.session, counts(db.session, run.id)
    waits = asked.decision == Decision.WAITING
    return make_response(
        render_template(
            "approvals/show.html",
            run=run,
            asked=asked,
            waits=waits,
            counts=counted,
            going=progress(counted),
            sums={currency: Decimal(amount) for currency, amount in asked.sums.items()},
            why=why_needed(limits_of(session, run.definition_id), volume(session, run.id)),
            has_changed=waits and list_digest(mail_digests(session, run)) != asked.digest,
            cannot=cannot_approve(run, asked, viewer()) if waits else "",
            about=queries.about(session, viewer(), run, counted, is_whole=True),
            mails=mails_to_read(session, run, viewer(), request.args.get("draw", 0, type=int)),
            draw=request.args.get("draw", 0, type=int) + 1,
            deciders=deciders(session, run, asked),
            **(shown_of_run(session, viewer(), run) if waits else {}),
            changes=audit.latest(session, f"run {run.id}"),
            changes_of=f"run {run.id}",
            changes_title=_("What has happened"),
        )
    )


@run_approval.get(LIMITS)
def show_limits() -> ResponseReturnValue:
    """The limits above which a run waits for a second person."""
    _for_administrators()
    return _limits_page(limits.stored(db.session))


@run_approval.post(LIMITS)
def change_limits() -> ResponseReturnValue:
    """Change them."""
    _for_administrators()
    form = request.form
    typed = ApprovalLimits(
        form.get("mails", ""), form.get("amount", ""), limits.ids_of(form.getlist("definitions"))
    )

    def effect(session: Session) -> tuple[str, Flash]:
        changed = limits.change(session, viewer(), typed, form.get("seen", ""))
        return LIMITS, _("Saved. It holds at the next Start.") if changed else _("Nothing has changed.")

    return form_posts.apply_once(effect, on_refusal=lambda why: _limits_page(typed, why, 422))


def _for_administrators() -> None:
    if not viewer().manages_users:
        abort(403, _(limits.FOR_ADMINS))


def _limits_page(shown: ApprovalLimits, wrong: str = "", status: int = 200) -> ResponseReturnValue:
    page = render_template(
        "approvals/limits.html",
        shown=shown,
        seen=fingerprint(asdict(limits.stored(db.session))),
        wrong=wrong,
        definitions=limits.definitions(db.session),
        approvers=limits.approvers(db.session),
    )
    return make_response(page, status)
