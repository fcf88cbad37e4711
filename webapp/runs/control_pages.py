"""Start a run, stop it."""

from __future__ import annotations

from flask import Blueprint, Flask, abort, request
from flask.typing import ResponseReturnValue

from webapp.extensions import runtime
from webapp.runs import lifecycle, queries
from webapp.runs.counts import counts
from webapp.store.statuses import ResultStatus, RunStatus
from webapp.web import presses, questions
from webapp.web.gate import viewer

control = Blueprint("run_control", __name__)


def init_app(app: Flask) -> None:
    app.register_blueprint(control)


@control.post("/runs/<int:run_id>/sending")
def start(run_id: int) -> ResponseReturnValue:
    """Start. Above the limit the number of mails is shown and asked about once; and again if it has grown."""
    with runtime().database.reading() as session:
        run = queries.run(session, viewer(), run_id) or abort(404)
        counted = counts(session, run_id)
    mails = counted.by_status[ResultStatus.READY] + counted.by_status[ResultStatus.DEFERRED]
    waits = run.status in (RunStatus.CREATED, RunStatus.STOPPED)
    asked = request.form.get("seen", 0, type=int) if request.form.get("asked") else 0
    if waits and mails > max(asked, runtime().settings.confirm_above):
        return questions.ask("runs/ask_start.html", run=run, mails=mails, back=f"/runs/{run_id}")
    return _press(run_id, lambda session: lifecycle.start(session, runtime().bell, run_id, viewer()))


@control.post("/runs/<int:run_id>/sending/stop")
def stop(run_id: int) -> ResponseReturnValue:
    """Stop: once this has answered, no further mail goes out but what is on the wire."""
    return _press(run_id, lambda session: lifecycle.stop(session, run_id, viewer()))


def _press(run_id: int, verb: presses.Verb) -> ResponseReturnValue:
    page = presses.came_from((f"/runs/{run_id}", "/runs", "/"))
    try:
        return presses.once(lambda session: (page, verb(session)))
    except lifecycle.NotFound:
        abort(404)
    except lifecycle.Refused as refusal:
        return presses.refused(str(refusal), page)
