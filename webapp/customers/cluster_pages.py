"""The clusters: their map and table, and the forms that change one."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, abort, current_app, make_response, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from webapp import cluster_paths
from webapp.customers import checks, cluster_editing, cluster_rows, cluster_ways, locks
from webapp.customers.cluster_graph import KeptNumbering, VisibleGraph, count_own, visible_graph
from webapp.errors import Refused
from webapp.periods import period_words
from webapp.store.db import db
from webapp.translation import _
from webapp.web import confirmations, form_posts
from webapp.web.access_control import refuse_unless, viewer
from webapp.web.htmx import is_htmx, wants_piece
from webapp.web.query_args import id_in, ids_in

clusters = Blueprint("clusters", __name__)
NUMBERS = "mailrun numbers of clusters"


@dataclass(frozen=True)
class TypedCluster:
    """What was typed into a form about clusters, and why it could not be saved. `parents` are ids."""

    name: str = ""
    parents: tuple[int, ...] = ()
    add_parent: str = ""
    child: str = ""
    wrong: str = ""


def _graph(session: Session, *, exact: bool = False) -> VisibleGraph:
    """The graph with its numbers; `exact` ones are counted now, whatever that takes."""
    kept: KeptNumbering = current_app.extensions.setdefault(NUMBERS, KeptNumbering(count_own))
    return visible_graph(session, viewer(), count_own(session) if exact else kept.answer(session))


@clusters.get("/clusters")
def index() -> ResponseReturnValue:
    """The clusters; `cluster` names the one that is looked at. As a fragment only the table."""
    graph = _graph(db.session)
    chosen = id_in(request.args.get("cluster", ""))
    if chosen is not None and chosen not in graph.names:
        abort(404)
    search = request.args.get("q", "")[:200]
    if wants_piece():
        rows = cluster_rows.rows(graph, chosen, search)
        return render_template(
            "customers/_cluster_table.html", rows=rows, chosen=chosen, numbering=graph.numbers, search=search
        )
    return _page(graph, chosen, search, None)


def _page(
    graph: VisibleGraph, chosen: int | None, search: str, typed: TypedCluster | None, status: int = 200
) -> ResponseReturnValue:
    session = db.session
    page = render_template(
        "customers/clusters.html",
        graph=graph,
        chosen=chosen,
        search=search,
        rows=cluster_rows.rows(graph, chosen, search),
        map=cluster_rows.mapped(graph, chosen),
        on_path=cluster_rows.paths_to(graph, chosen),
        numbering=graph.numbers,
        period=period_words(*graph.numbers.period) if graph.numbers.period else "",
        with_several_parents=sum(len(parents) > 1 for parents in graph.parents.values()),
        ways=cluster_ways.ways_to(session, viewer(), chosen) if chosen is not None else [],
        seen=cluster_editing.fingerprint_of(graph, chosen) if chosen is not None else "",
        stays=cluster_editing.why_not_deleted(session, graph, chosen) if chosen is not None else "",
        names=cluster_paths.cluster_tags(session, viewer()),
        typed=typed,
    )
    return make_response(page, status)


@clusters.get("/clusters/new")
def new() -> ResponseReturnValue:
    """An empty form."""
    refuse_unless(viewer().may_change)
    return _new_form(TypedCluster())


@clusters.post("/clusters/new")
def create() -> ResponseReturnValue:
    """Add a cluster."""
    name, parent = request.form.get("name", ""), request.form.get("add_parent", "").strip()

    def effect(session: Session) -> tuple[str, form_posts.Flash]:
        made = cluster_editing.create(session, viewer(), name, [parent] if parent else [])
        said = _("%(name)s is added. It has no customers yet.", name=made.tag_name)
        return f"/clusters?cluster={made.id}", said

    return form_posts.apply_once(
        effect,
        on_refusal=lambda reason: _new_form(
            TypedCluster(name=name, add_parent=parent, wrong=reason), status=422
        ),
    )


def _new_form(typed: TypedCluster, status: int = 200) -> ResponseReturnValue:
    names = cluster_paths.cluster_tags(db.session, viewer())
    return make_response(render_template("customers/new_cluster.html", typed=typed, names=names), status)


@clusters.post("/clusters/<int:cluster_id>")
def change(cluster_id: int) -> ResponseReturnValue:
    """Rename a cluster and change its parents, after a question that says what this touches."""
    form = request.form
    graph = _visible(cluster_id, exact=not form.get("asked"))
    typed = TypedCluster(
        name=form.get("name", "").strip(),
        parents=tuple(id for id in ids_in(form.getlist("parent")) if id in graph.names),
        add_parent=form.get("add_parent", "").strip(),
    )
    return _change(graph, cluster_id, cluster_id, typed)


@clusters.post("/clusters/<int:cluster_id>/children")
def add_child(cluster_id: int) -> ResponseReturnValue:
    """Put another cluster below this one, too."""
    graph = _visible(cluster_id, exact=not request.form.get("asked"))
    name = request.form.get("child", "").strip()
    child = next((id for id, tag_name in graph.names.items() if tag_name == name), None)
    if child is None:
        return _refused(cluster_id, TypedCluster(child=name, wrong=checks.no_cluster(name)))
    parents = tuple(dict.fromkeys([*graph.parents[child], cluster_id]))
    return _change(graph, cluster_id, child, TypedCluster(name=name, parents=parents, child=name))


def _change(graph: VisibleGraph, shown: int, changing: int, typed: TypedCluster) -> ResponseReturnValue:
    """Ask, or, once that is answered, change; `shown` is the cluster whose form this is."""
    seen = request.form.get("seen", "") or cluster_editing.fingerprint_of(graph, changing)
    try:
        parents = _parents(graph, typed)
        cluster_editing.refuse_circle(graph, changing, parents)
    except Refused as refusal:
        return _refused(shown, TypedCluster(**{**vars(typed), "wrong": str(refusal)}))
    if not request.form.get("asked"):
        return confirmations.ask(
            "customers/confirm_cluster.html",
            here="Clusters",
            graph=graph,
            changing=changing,
            name=typed.name or graph.names[changing],
            parents=parents,
            seen=seen,
            effects=cluster_editing.effects(db.session, graph, changing, parents),
            numbers=graph.counted(changing),
            back=f"/clusters?cluster={shown}",
        )
    name = typed.name or graph.names[changing]

    def effect(session: Session) -> tuple[str, form_posts.Flash]:
        locks.cluster(session, viewer(), changing)
        now = visible_graph(session, viewer(), graph.numbers)
        changed = cluster_editing.change(session, viewer(), now, changing, name, parents, seen)
        message = _("Saved. Existing runs keep their list.") if changed else _("Nothing has changed.")
        return f"/clusters?cluster={changing}", message

    return form_posts.apply_once(
        effect,
        on_refusal=lambda reason: _refused(shown, TypedCluster(**{**vars(typed), "wrong": reason})),
    )


def _parents(graph: VisibleGraph, typed: TypedCluster) -> list[int]:
    """The parents that were ticked, and the one that was typed. Raises Refused for an unknown one."""
    found = list(typed.parents)
    if typed.add_parent:
        added = next((id for id, name in graph.names.items() if name == typed.add_parent), None)
        if added is None:
            raise Refused(checks.no_cluster(typed.add_parent))
        found.append(added)
    return list(dict.fromkeys(found))


def _refused(cluster_id: int, typed: TypedCluster) -> ResponseReturnValue:
    """The page with what was typed, and why it cannot be saved; over what is on screen only the reason."""
    if is_htmx():
        return form_posts.refuse(typed.wrong, f"/clusters?cluster={cluster_id}")
    return _page(_visible(cluster_id), cluster_id, "", typed, status=422)


@clusters.post("/clusters/<int:cluster_id>/delete")
def delete(cluster_id: int) -> ResponseReturnValue:
    """Delete an empty cluster."""
    _visible(cluster_id)

    def effect(session: Session) -> tuple[str, form_posts.Flash]:
        locks.cluster(session, viewer(), cluster_id)
        name = cluster_editing.remove(session, viewer(), _graph(session), cluster_id)
        return "/clusters", _("%(name)s is deleted.", name=name)

    return form_posts.apply_once(effect, back=f"/clusters?cluster={cluster_id}")


def _visible(cluster_id: int, *, exact: bool = False) -> VisibleGraph:
    """The graph. Ends the request with 404 if this person may not see the cluster in the address."""
    graph = _graph(db.session, exact=exact)
    return graph if cluster_id in graph.names else abort(404)
