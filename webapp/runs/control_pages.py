"""Make a run, start it, stop it."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Flask, abort, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from webapp.extensions import runtime
from webapp.runs import lifecycle, queries
from webapp.runs.counts import counts
from webapp.runs.forms import NewRunForm, last_month
from webapp.runs.selection import Choice, Preview, preview
from webapp.store.statuses import ResultStatus, RunStatus
from webapp.store.types import now
from webapp.web import presses, questions
from webapp.web.gate import MAY_NOT, viewer

control = Blueprint("run_control", __name__)


def init_app(app: Flask) -> None:
    app.register_blueprint(control)


@dataclass(frozen=True)
class Dialog:
    """The form as it was filled in; choice and preview only if it holds together."""

    form: NewRunForm
    choice: Choice | None = None
    preview: Preview | None = None
    status: int = 200


@control.get("/runs/new")
def new() -> ResponseReturnValue:
    """The dialog. What the address names is filled in already."""
    if not viewer().may_send:
        abort(403, MAY_NOT)
    with runtime().database.reading() as session:
        given = request.args if request.args else None
        dialog = fill_in(session, given) if given else Dialog(_form(session, None))
        for field in dialog.form:
            field.errors = ()
        return _page(session, dialog, 200)


@control.get("/runs/preview")
def show_preview() -> ResponseReturnValue:
    """The numbers, while the form is being filled in."""
    with runtime().database.reading() as session:
        dialog = fill_in(session, request.args)
        return render_template("runs/_preview.html", dialog=dialog, form=dialog.form)


@control.post("/runs/preview")
def show_preview_in_page() -> ResponseReturnValue:
    """The same for browsers without script: the whole page, with what is wrong told at the fields."""
    with runtime().database.reading() as session:
        dialog = fill_in(session, request.form)
        return _page(session, dialog, dialog.status)


@control.post("/runs")
def create() -> ResponseReturnValue:
    """Makes the run, and starts it if so asked.

    The set must be the one that the preview showed, and a start above the limit must have been confirmed; if
    not, the numbers are shown and asked about once more. Nothing is created before."""
    start = bool(request.form.get("start"))
    with runtime().database.reading() as session:
        dialog = fill_in(session, request.form)
        if dialog.choice is None or dialog.preview is None:
            return _page(session, dialog, dialog.status)
        if why := _must_ask(dialog.preview, start):
            return render_template("runs/confirm.html", dialog=dialog, form=dialog.form, start=start, why=why)
    return _create(dialog.form, dialog.choice, dialog.preview, start)


@control.post("/runs/<int:run_id>/sending")
def start(run_id: int) -> ResponseReturnValue:
    """Start. Above the limit the number of mails is shown and asked about once."""
    with runtime().database.reading() as session:
        run = queries.run(session, viewer(), run_id) or abort(404)
        counted = counts(session, run_id)
    mails = counted.by_status[ResultStatus.READY] + counted.by_status[ResultStatus.DEFERRED]
    waits = run.status in (RunStatus.CREATED, RunStatus.STOPPED)
    if waits and mails > runtime().settings.confirm_above and not request.form.get("asked"):
        return questions.ask("runs/ask_start.html", run=run, mails=mails, back=f"/runs/{run_id}")
    return _press(run_id, lambda session: lifecycle.start(session, runtime().bell, run_id, viewer()))


@control.post("/runs/<int:run_id>/sending/stop")
def stop(run_id: int) -> ResponseReturnValue:
    """Stop: once this has answered, no further mail goes out but what is on the wire."""
    return _press(run_id, lambda session: lifecycle.stop(session, run_id, viewer()))


def fill_in(session: Session, given: MultiDict[str, str]) -> Dialog:
    """Checks what was filled in and, if all of it holds, looks up what a run would take."""
    form = _form(session, given)
    valid = form.validate()  # type: ignore[no-untyped-call]
    if form.cluster.errors:
        return Dialog(form, status=422)
    cluster_id = queries.cluster_id(session, viewer(), form.cluster.data.strip())
    if cluster_id is None:
        # Whether it exists and must not be seen, or does not exist, is told nobody who is bound to clusters.
        form.cluster.errors = (_unknown_cluster(session, form.cluster.data.strip()),)
        return Dialog(form, status=404 if viewer().clusters else 422)
    if not valid:
        return Dialog(form, status=422)
    choice = form.choice(cluster_id)
    return Dialog(form, choice, preview(session, choice, viewer()))


def _unknown_cluster(session: Session, given: str) -> str:
    like = [tag for tag in queries.cluster_tags(session, viewer()) if given.lower() in tag.lower()][:3]
    hint = f" Did you mean {' or '.join(f'“{tag}”' for tag in like)}?" if like else ""
    return f"There is no customer cluster “{given}”.{hint}"


def _form(session: Session, given: MultiDict[str, str] | None) -> NewRunForm:
    first, last = last_month(now().astimezone().date())
    form = NewRunForm(
        given,
        period_from=first,
        period_to=last,
        include_children=True,
        bcc_domains=runtime().settings.bcc_domains,
    )
    form.definition.choices = queries.definitions(session)
    return form


def _page(session: Session, dialog: Dialog, status: int) -> ResponseReturnValue:
    tags = queries.cluster_tags(session, viewer())
    return render_template("runs/new.html", dialog=dialog, form=dialog.form, cluster_tags=tags), status


def _must_ask(seen: Preview, start: bool) -> str:
    """Why the person is asked once more; empty if there is no need.

    Create without a preview seen is no promise broken: nothing goes out, and the run's page shows the
    numbers."""
    promised = request.form.get("fingerprint", "")
    if promised and promised != seen.fingerprint:
        return "changed"
    if not start or request.form.get("confirmed") == seen.fingerprint:
        return ""
    if not promised:
        return "unseen"
    return "many" if seen.ready > runtime().settings.confirm_above else ""


def _create(form: NewRunForm, choice: Choice, seen: Preview, start: bool) -> ResponseReturnValue:
    def effect(session: Session) -> tuple[str, presses.Said]:
        run = lifecycle.create(
            session,
            runtime().bell,
            choice,
            name=form.name.data or "",
            bcc=form.addresses,
            viewer=viewer(),
            promised=seen.fingerprint,
            start=start,
        )
        said = "Created. It starts as soon as the list is made." if start else "Created. Nothing is sent yet."
        return f"/runs/{run.id}", said

    try:
        return presses.once(effect)
    except lifecycle.NotFound:
        abort(404)
    except lifecycle.Refused as refusal:
        return presses.refused(str(refusal), "/runs/new")


def _press(run_id: int, verb: presses.Verb) -> ResponseReturnValue:
    page = presses.came_from((f"/runs/{run_id}", "/runs", "/"))
    try:
        return presses.once(lambda session: (page, verb(session)))
    except lifecycle.NotFound:
        abort(404)
    except lifecycle.Refused as refusal:
        return presses.refused(str(refusal), page)
