"""The start page, the list of runs, and the archive of old runs."""

from __future__ import annotations

from flask import Blueprint, abort, render_template, request
from flask.typing import ResponseReturnValue

from webapp.definitions import queries as definitions_queries
from webapp.errors import NotFound, Refused
from webapp.runs import archive as archiving
from webapp.runs import overview, queries
from webapp.runs.queries import RunFilter
from webapp.store import keyset
from webapp.store.db import db
from webapp.store.statuses import RunStatus
from webapp.web import form_posts
from webapp.web.access_control import viewer
from webapp.web.htmx import wants_piece
from webapp.web.query_args import address, edge_in, ids_in
from webapp.web.view_flags import background_poll

run_list = Blueprint("run_list", __name__)


@run_list.get("/")
def start_page() -> ResponseReturnValue:
    """The state of things, and the runs that need attention."""
    return render_template(
        "runs/overview.html",
        overview=overview.overview(db.session, viewer()),
        lines=overview.need_a_person(db.session, viewer()),
        any_run=any(queries.states(db.session, viewer()).values()),
    )


@run_list.get("/runs")
def index() -> ResponseReturnValue:
    """The runs, newest first; as a fragment of the page only the table."""
    shown = _shown()
    try:
        page = queries.runs(db.session, viewer(), shown, edge_in(request.args))
    except ValueError:
        abort(404)
    states = queries.states(db.session, viewer())
    found = {"page": page, "shown": shown, "states": states, "list_url": _url(shown)}
    if wants_piece():
        return render_template("runs/_list.html", fresh_chips=True, **found)
    return render_template(
        "runs/index.html",
        overview=overview.overview(db.session, viewer()),
        definitions=definitions_queries.definitions(db.session),
        any_run=any(states.values()),
        **found,
    )


@run_list.get("/runs/live")
@background_poll
def live() -> ResponseReturnValue:
    """The progress of the runs on screen (named by `runs`): leaves of the page, each with its id."""
    ids = ids_in(request.args.get("runs", "").split("-"))[: 2 * keyset.PAGE_SIZE]
    lines = queries.some_runs(db.session, viewer(), ids)
    goes_on = any(line.run.status in (RunStatus.CREATING, RunStatus.RUNNING) for line in lines)
    return render_template("runs/_list_live.html", lines=lines, goes_on=goes_on)


@run_list.post("/runs/<int:run_id>/archive")
def archive(run_id: int) -> ResponseReturnValue:
    """Archive a run."""
    return _press(lambda session: archiving.archive(session, run_id, viewer()), run_id)


@run_list.post("/runs/<int:run_id>/archive/undo")
def unarchive(run_id: int) -> ResponseReturnValue:
    """Return it to the list."""
    return _press(lambda session: archiving.unarchive(session, run_id, viewer()), run_id)


def _press(verb: form_posts.FormVerb, run_id: int) -> ResponseReturnValue:
    page = form_posts.origin_page((f"/runs/{run_id}", "/runs", "/"))
    try:
        return form_posts.apply_once(lambda session: (page, verb(session)))
    except NotFound:
        abort(404)
    except Refused as refusal:
        return form_posts.refuse(str(refusal), page)


def _shown() -> RunFilter:
    given = request.args
    definition = ids_in([given.get("definition", "")])
    return RunFilter(
        state=given.get("state", ""),
        definition=definition[0] if definition else None,
        problem=given.get("problem", ""),
        search=given.get("q", "")[:200],
    )


def _url(shown: RunFilter) -> str:
    """The address of the list that shows these, without a cursor."""
    definition = "" if shown.definition is None else str(shown.definition)
    return address("/runs", state=shown.state, definition=definition, problem=shown.problem, q=shown.search)
