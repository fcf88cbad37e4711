"""The page on which a person says when a run sends."""

from __future__ import annotations

from flask import Blueprint, abort, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from webapp import notation
from webapp.extensions import runtime
from webapp.lifecycle import runs as lifecycle_runs
from webapp.lifecycle import scheduling
from webapp.runs.forms import WindowForm
from webapp.store.db import db
from webapp.store.runs import Run
from webapp.store.statuses import RunStatus
from webapp.store.types import now
from webapp.web import form_posts
from webapp.web.access_control import refuse_unless, to_change, viewer

run_window = Blueprint("run_window", __name__)


@run_window.get("/runs/<int:run_id>/window")
def show(run_id: int) -> ResponseReturnValue:
    """The form, with the times as they are."""
    run = _run(run_id)
    form = WindowForm(start_at=run.start_at, send_until=run.send_until)  # type: ignore[no-untyped-call]
    return _form(run, form)


@run_window.post("/runs/<int:run_id>/window")
def change(run_id: int) -> ResponseReturnValue:
    """Change the times."""
    run, form = _run(run_id), WindowForm(request.form)  # type: ignore[no-untyped-call]
    if not form.validate():  # type: ignore[no-untyped-call]
        return _form(run, form, status=422)

    def effect(session: Session) -> tuple[str, form_posts.Flash]:
        queue, start_at, send_until = runtime().queue, form.start_at.data, form.send_until.data
        words = scheduling.change_window(session, queue, run_id, viewer(), start_at, send_until)
        return f"/runs/{run_id}", words

    return form_posts.apply_once(effect, on_refusal=lambda why: _form(run, form, why, 422))


def _run(run_id: int) -> Run:
    """The run in the address. Ends the request with 404, or with 403 for a person who may not have it
    send."""
    run = to_change(lifecycle_runs.run(db.session, viewer(), run_id) or abort(404))
    refuse_unless(viewer().may_send)
    return run


def _form(run: Run, form: WindowForm, wrong: str = "", status: int = 200) -> ResponseReturnValue:
    shown = {
        "may_wait": run.status in (RunStatus.CREATING, RunStatus.CREATED),
        "time_zone": notation.zone_words(notation.local(now())),
    }
    return render_template("runs/window.html", run=run, form=form, wrong=wrong, **shown), status
