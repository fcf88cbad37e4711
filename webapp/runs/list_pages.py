"""The start page, the list of runs, and archiving a run."""

from __future__ import annotations

from flask import Blueprint, abort, render_template, request
from flask.typing import ResponseReturnValue

from webapp.definitions import queries as definitions_queries
from webapp.runs import archive as archiving
from webapp.runs import overview, queries
from webapp.runs.queries import RunFilter
from webapp.store import keyset
from webapp.store.db import db
from webapp.store.statuses import RunStatus
from webapp.web import form_posts
from webapp.web.access_control import viewer
from webapp.web.htmx import wants_piece
from webapp.web.query_args import address, edge_in, id_in, ids_in
from webapp.web.view_flags import background_poll

run_list = Blueprint("run_list", __name__)


@run_list.get("/")
def start_page() -> ResponseReturnValue:
    """An overview, and the runs that need attention or are in progress."""
    return render_template(
        "runs/overview.html",
        overview=overview.overview(db.session, viewer()),
        lines=overview.need_a_person(db.session, viewer()),
        any_run=any(queries.states(db.session, viewer()).values()),
    )


@run_list.get("/runs")
def index() -> ResponseReturnValue:
    """The runs, newest first; as a fragment only the table."""
    run_filter = _filter()
    try:
        page = queries.runs(db.session, viewer(), run_filter, edge_in(request.args))
    except ValueError:
        abort(404)
    states = queries.states(db.session, viewer())
    context = {"page": page, "shown": run_filter, "states": states, "list_url": _url(run_filter)}
    if wants_piece():
        return render_template("runs/_list.html", fresh_chips=True, **context)
    return render_template(
        "runs/index.html",
        overview=overview.overview(db.session, viewer()),
        definitions=definitions_queries.definitions(db.session),
        any_run=any(states.values()),
        **context,
    )


@run_list.get("/runs/live")
@background_poll
def live() -> ResponseReturnValue:
    """The progress of the runs on screen, named by `runs`: small elements, each swapped by its id."""
    ids = ids_in(request.args.get("runs", "").split("-"))[: 2 * keyset.PAGE_SIZE]
    lines = queries.some_runs(db.session, viewer(), ids)
    goes_on = any(line.run.status in (RunStatus.CREATING, RunStatus.RUNNING) for line in lines)
    return render_template("runs/_list_live.html", lines=lines, goes_on=goes_on)


@run_list.post("/runs/<int:run_id>/archive")
def archive(run_id: int) -> ResponseReturnValue:
    """Take a run out of the list."""
    return _apply(run_id, lambda session: archiving.archive(session, run_id, viewer()))


@run_list.post("/runs/<int:run_id>/archive/undo")
def unarchive(run_id: int) -> ResponseReturnValue:
    """Put a run back into the list."""
    return _apply(run_id, lambda session: archiving.unarchive(session, run_id, viewer()))


def _apply(run_id: int, verb: form_posts.FormVerb) -> ResponseReturnValue:
    page = form_posts.origin_page((f"/runs/{run_id}", "/runs", "/"))
    return form_posts.apply_once(lambda session: (page, verb(session)), back=page)


def _filter() -> RunFilter:
    given = request.args
    return RunFilter(
        state=given.get("state", ""),
        definition=id_in(given.get("definition", "")),
        problem=given.get("problem", ""),
        search=given.get("q", "")[:200],
    )


def _url(run_filter: RunFilter) -> str:
    """The address of the list with this filter, without a cursor."""
    definition = "" if run_filter.definition is None else str(run_filter.definition)
    return address(
        "/runs",
        state=run_filter.state,
        definition=definition,
        problem=run_filter.problem,
        q=run_filter.search,
    )
