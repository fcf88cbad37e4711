"""Start and stop a run."""

from __future__ import annotations

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from webapp.extensions import runtime
from webapp.lifecycle import approvals, runs
from webapp.lifecycle.counts import counts
from webapp.store.db import db
from webapp.store.statuses import ResultStatus, RunStatus
from webapp.web import confirmations, form_posts
from webapp.web.access_control import to_change, viewer

control = Blueprint("run_control", __name__)


@control.post("/runs/<int:run_id>/sending")
def start(run_id: int) -> ResponseReturnValue:
    """Start. Above a number of mails the page asks for confirmation, and again if the number has grown."""
    run = to_change(runs.run(db.session, viewer(), run_id))
    counted = counts(db.session, run_id)
    mails = counted.by_status[ResultStatus.READY] + counted.by_status[ResultStatus.DEFERRED]
    can_start = run.status in (RunStatus.CREATED, RunStatus.STOPPED)
    confirmed = request.form.get("seen", 0, type=int) if request.form.get("asked") else 0
    if can_start and mails > max(confirmed, runtime().settings.confirm_above):
        needed = approvals.why_not_yet(db.session, run)
        return confirmations.ask(
            "runs/confirm_start.html", run=run, mails=mails, needed=needed, back=f"/runs/{run_id}"
        )
    return _apply(run_id, lambda session: runs.start(session, runtime().queue, run_id, viewer()))


@control.post("/runs/<int:run_id>/sending/stop")
def stop(run_id: int) -> ResponseReturnValue:
    """Stop. Once this has answered, only mails already being handed over still go out."""
    return _apply(run_id, lambda session: runs.stop(session, run_id, viewer()))


def _apply(run_id: int, verb: form_posts.FormVerb) -> ResponseReturnValue:
    page = form_posts.origin_page((f"/runs/{run_id}", "/runs", "/"))
    return form_posts.apply_once(lambda session: (page, verb(session)), back=page)
