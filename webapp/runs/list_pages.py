"""The start page, the list of runs, and archiving a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from flask import Blueprint, abort, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from webapp import audit, keyset, notation
from webapp.access import Viewer
from webapp.definitions import queries as definitions_queries
from webapp.extensions import runtime
from webapp.runs import archive as archiving
from webapp.runs import export, overview, queries
from webapp.runs.first_steps import first_steps
from webapp.runs.queries import ORDERS, RunFilter, RunLine
from webapp.store.db import db
from webapp.store.statuses import RunStatus
from webapp.translation import N_, _, ngettext
from webapp.web import confirmations, form_posts
from webapp.web.access_control import viewer
from webapp.web.downloads import Rows, table_file
from webapp.web.htmx import is_htmx, page_on_screen, piece_of_list, wants_piece
from webapp.web.lists import ColumnHead, ListColumn, ListRequest, ListView, list_request, picked
from webapp.web.query_args import id_in, ids_in
from webapp.web.view_flags import background_poll

run_list = Blueprint("run_list", __name__)

PATH = "/runs"
FILTERS = ("state", "definition", "problem")
COLUMNS = (
    ListColumn(N_("Run")),
    ListColumn(N_("Cluster and period")),
    ListColumn(N_("State")),
    ListColumn(N_("Progress")),
    ListColumn(N_("Problems")),
    ListColumn(N_("Started")),
    ListColumn(N_("Actions"), spoken=True),
)


@run_list.get("/")
def start_page() -> ResponseReturnValue:
    """An overview, and the runs that need attention or are in progress."""
    return render_template(
        "runs/overview.html",
        overview=overview.overview(db.session, viewer()),
        lines=overview.need_a_person(db.session, viewer()),
        for_approval=overview.for_approval(db.session, viewer()),
        heads=[ColumnHead(column.label, spoken=column.spoken) for column in COLUMNS],
        any_run=(any_run := any(queries.states(db.session, viewer()).values())),
        steps=[] if any_run else first_steps(db.session, viewer()),
    )


@run_list.get("/runs")
def index() -> ResponseReturnValue:
    """The runs, newest first; as a fragment only what filters and pages change."""
    asked = list_request(PATH, FILTERS, ORDERS)
    shown = _filter(asked)
    try:
        count = queries.number_of(db.session, viewer(), shown)
        page, count = asked.read(lambda edge: (queries.runs(db.session, viewer(), shown, edge), count))
    except ValueError:
        abort(404)
    view: ListView[RunLine] = ListView(
        asked,
        page,
        count,
        COLUMNS,
        ORDERS,
        _("run"),
        _("runs"),
        way=_("newest first"),
        turns=(_("Newer"), _("Older")),
    )
    states = queries.states(db.session, viewer())
    context = {"list": view, "shown": shown, "states": states}
    if wants_piece():
        return piece_of_list(render_template("runs/_list.html", is_piece=True, **context), view.here)
    return render_template(
        "runs/index.html",
        overview=overview.overview(db.session, viewer()),
        definitions=definitions_queries.definitions(db.session),
        any_run=any(states.values()),
        steps=[] if any(states.values()) else first_steps(db.session, viewer()),
        **context,
    )


@run_list.get("/runs.csv")
def save_csv() -> ResponseReturnValue:
    """The runs under the filter of the address, one per line."""
    return _saved("csv")


@run_list.get("/runs.xlsx")
def save_workbook() -> ResponseReturnValue:
    """The same as a workbook."""
    return _saved("xlsx")


def _saved(kind: str) -> ResponseReturnValue:
    asked, who, database = list_request(PATH, FILTERS, ORDERS), viewer(), runtime().database
    shown = _filter(asked)
    try:
        queries.conditions(who, shown)
    except ValueError:
        abort(404)

    def table() -> Iterator[tuple[Rows, Sequence[str]]]:
        with database.reading() as session:
            yield export.runs(session, who, shown), export.RUN_COLUMNS

    with db.writing() as session:
        audit.note(session, who.name, "download runs", "runs", asked.query)
    return table_file(kind, table, "mailrun-runs")


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


@run_list.post("/runs/archive")
def archive_picked() -> ResponseReturnValue:
    """Take the selected runs out of the list. Ticked ones at once; all that match after a question."""
    return _change(archiving.archive_each, "archive", _archived)


@run_list.post("/runs/archive/undo")
def unarchive_picked() -> ResponseReturnValue:
    """Put the selected runs back into the list."""
    return _change(archiving.unarchive_each, "unarchive", _unarchived)


def _archived(n: int, left: int) -> str:
    done = ngettext("%(num)s run archived.", "%(num)s runs archived.", n)
    rest = _("%(number)s not: a run that is still active stays.", number=notation.number(left))
    return f"{done} {rest}" if left else done


def _unarchived(n: int, left: int) -> str:
    done = ngettext("%(num)s run back in the list.", "%(num)s runs back in the list.", n)
    rest = _("%(number)s not: they were in it.", number=notation.number(left))
    return f"{done} {rest}" if left else done


def _change(
    verb: Callable[[Session, list[int], Viewer], int], action: str, said: Callable[[int, int], str]
) -> ResponseReturnValue:
    """Archive or unarchive what is selected. `said` tells how many were changed, and how many were not."""
    chosen = picked(PATH, FILTERS, ORDERS)
    back = page_on_screen() if is_htmx() and form_posts.is_on((PATH,)) else chosen.asked.url()
    if chosen.ids == ():
        return form_posts.refuse(_("No run is selected. Select at least one."), back)
    try:
        ids = queries.picked_ids(db.session, viewer(), chosen.ids, _filter(chosen.asked))
    except ValueError:
        abort(404)
    if chosen.ids is None and (not chosen.is_confirmed or chosen.has_grown(len(ids))):
        return confirmations.ask(
            "runs/confirm_archive.html", picked=chosen, n=len(ids), action=action, back=back
        )

    def effect(session: Session) -> tuple[str, form_posts.Flash]:
        n = verb(session, ids, viewer())
        return back, said(n, len(ids) - n)

    return form_posts.apply_once(effect, back=back)


def _filter(asked: ListRequest) -> RunFilter:
    given = asked.filters
    return RunFilter(
        state=given["state"],
        definition=id_in(given["definition"]),
        problem=given["problem"],
        search=asked.search,
    )
