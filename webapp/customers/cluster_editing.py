"""Changes of clusters by a person: add, rename, other parents, delete; and what a change of parents does to
what the clusters above reach, told before it is made."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from webapp import audit, edits, sources
from webapp.access import Viewer
from webapp.customers import checks, locks
from webapp.customers.cluster_graph import ClusterNumbers, VisibleGraph
from webapp.errors import Refused
from webapp.store.customers import Cluster, ClusterParent, Customer
from webapp.store.plans import Plan
from webapp.store.runs import Run
from webapp.store.statuses import SourceSubject
from webapp.store.users import User, UserCluster
from webapp.translation import _, ngettext


@dataclass(frozen=True)
class ReachEffect:
    """What a cluster reaches more, or no more, after a change of parents, and the people bound to it, who see
    that then, or see it no more."""

    cluster_id: int
    name: str
    gained: ClusterNumbers
    lost: ClusterNumbers
    people: tuple[str, ...] = ()


def fingerprint_of(graph: VisibleGraph, cluster_id: int) -> str:
    """What a form for this cluster has shown, as a fingerprint."""
    return edits.fingerprint(
        _shown(graph.names[cluster_id], [graph.names[id] for id in graph.parents[cluster_id]])
    )


def _shown(name: str, parents: Collection[str]) -> dict[str, object]:
    return {"name": name, "parents": sorted(parents)}


def refuse_circle(graph: VisibleGraph, cluster_id: int, parents: Collection[int]) -> None:
    """Raises Refused if one of these parents is below the cluster, with the circle that would be made."""
    own = graph.names[cluster_id]
    for parent in parents:
        name = graph.names[parent]
        if parent == cluster_id:
            raise Refused(_("%(name)s cannot be its own parent.", name=own))
        if way := graph.path_down(cluster_id, parent):
            circle = " › ".join([*way, own])
            raise Refused(
                _(
                    "%(name)s is below %(own)s. As a parent of %(own)s it would close a circle: %(circle)s. "
                    "Take out one of these steps first.",
                    name=name,
                    own=own,
                    circle=circle,
                )
            )


def effects(
    session: Session, graph: VisibleGraph, cluster_id: int, parents: Collection[int]
) -> list[ReachEffect]:
    """What the clusters above reach more, and no more, once the cluster has these parents."""
    children = {
        id: [child for child in below if child != cluster_id or id in parents]
        for id, below in graph.children.items()
    }
    for parent in parents:
        if cluster_id not in children[parent]:
            children[parent].append(cluster_id)
    after = replace(
        graph, children=children, parents={**graph.parents, cluster_id: list(parents)}, _reached={}
    )
    found = []
    for id in sorted(graph.above(cluster_id) | after.above(cluster_id), key=lambda id: graph.names[id]):
        old, new = graph.below(id), after.below(id)
        if old != new:
            gained, lost = graph.total(new - old), graph.total(old - new)
            found.append(ReachEffect(id, graph.names[id], gained, lost))
    people = _bound_to(session, [effect.cluster_id for effect in found])
    return [replace(effect, people=tuple(people.get(effect.cluster_id, ()))) for effect in found]


def _bound_to(session: Session, clusters: Collection[int]) -> dict[int, list[str]]:
    """Cluster → the people bound to it who are not disabled."""
    found: dict[int, list[str]] = {}
    for cluster_id, name in session.execute(
        select(UserCluster.cluster_id, User.name)
        .join(User, User.id == UserCluster.user_id)
        .where(UserCluster.cluster_id.in_(clusters), User.disabled_at.is_(None))
        .order_by(User.name)
    ):
        found.setdefault(cluster_id, []).append(name)
    return found


def subject(name: str) -> str:
    """A cluster as the audit trail names it."""
    return f"cluster {name}"[:200]


def _name(session: Session, viewer: Viewer, text: str, own_id: int | None = None) -> str:
    name = checks.line(_("The name"), text, checks.TAG_MAX)
    if ";" in name:
        raise Refused(_("The name has a semicolon, which stands between parents in files. Leave it out."))
    taken = session.scalar(select(Cluster).where(Cluster.tag_name == name))
    if taken is not None and taken.id != own_id:
        edits.refuse_taken(session, viewer, "cluster", name, taken)
    return name


def create(session: Session, viewer: Viewer, text: str, parents: Collection[str]) -> Cluster:
    """Add a cluster below these parents. A person bound to clusters must name one, else they would not see
    it. Raises Refused."""
    locks.graph(session)
    name = _name(session, viewer, text)
    above = [checks.cluster(session, viewer, parent) for parent in parents]
    if viewer.clusters and not above:
        raise Refused(_("Choose a parent: without one you would not see the new cluster."))
    made = Cluster(tag_name=name)
    session.add(made)
    session.flush()
    session.add_all([ClusterParent(child_id=made.id, parent_id=id) for id in {each.id for each in above}])
    told = f"below {', '.join(each.tag_name for each in above)}" if above else "at the top"
    audit.note(session, viewer.name, "add", subject(name), told)
    return made


def change(
    session: Session,
    viewer: Viewer,
    graph: VisibleGraph,
    cluster_id: int,
    text: str,
    parents: Collection[int],
    seen: str,
) -> bool:
    """Rename the cluster and give it these parents; what this person cannot see of its parents stays. `graph`
    is read after the lock (`locks.cluster`). Returns whether anything differs. Raises Refused."""
    cluster = locks.cluster(session, viewer, cluster_id)
    before = _shown(cluster.tag_name, [graph.names[id] for id in graph.parents[cluster_id]])
    edits.refuse_if_changed(session, subject(cluster.tag_name), before, seen)
    name = _name(session, viewer, text, cluster_id)
    refuse_circle(graph, cluster_id, parents)
    old = set(graph.parents[cluster_id])
    _refuse_out_of_sight(viewer, cluster_id, old, set(parents))
    if set(parents) != old:
        sources.remember_parents(session, cluster.id)
        gone = old - set(parents)
        session.execute(
            delete(ClusterParent).where(
                ClusterParent.child_id == cluster_id, ClusterParent.parent_id.in_(gone)
            )
        )
        added = [ClusterParent(child_id=cluster_id, parent_id=id) for id in set(parents) - old]
        session.add_all(added)
    if name != cluster.tag_name:
        sources.remember(session, SourceSubject.CLUSTER, cluster.id, sources.TAG_NAME, cluster.tag_name)
    old_name, cluster.tag_name = cluster.tag_name, name
    after = _shown(name, [graph.names[id] for id in parents])
    changed = edits.note_change(session, viewer.name, subject(old_name), before, after)
    if name != old_name:
        audit.note(session, viewer.name, "rename", subject(name), f"was {old_name}")
    return changed


def _refuse_out_of_sight(viewer: Viewer, cluster_id: int, old: set[int], new: set[int]) -> None:
    """A person bound to clusters must not move one to where they see it no more."""
    if viewer.clusters and cluster_id not in viewer.clusters and old and not new:
        raise Refused(_("Leave one parent: without any you would no longer see this cluster."))


def why_not_deleted(session: Session, graph: VisibleGraph, cluster_id: int) -> str:
    """Why the cluster cannot be deleted, and what to do first; empty if it can."""
    name = graph.names[cluster_id]
    customers = session.scalar(select(func.count()).where(Customer.cluster_id == cluster_id)) or 0
    if customers:
        return ngettext(
            "%(name)s cannot be deleted while %(num)s customer is in it. Move them to another cluster first.",
            "%(name)s cannot be deleted while %(num)s customers are in it. "
            "Move them to another cluster first.",
            customers,
            name=name,
        )
    if below := graph.children[cluster_id]:
        named = ", ".join(graph.names[id] for id in below[:3])
        return _(
            "%(name)s cannot be deleted while it has children: %(children)s. Give them other parents first.",
            name=name,
            children=named,
        )
    if runs := session.scalar(select(func.count()).where(Run.cluster_id == cluster_id)):
        return ngettext(
            "%(name)s stays: %(num)s run was created for it, and a run keeps its cluster.",
            "%(name)s stays: %(num)s runs were created for it, and a run keeps its cluster.",
            runs,
            name=name,
        )
    of_cluster = select(Plan.name).where(Plan.cluster_id == cluster_id)
    if plans := session.scalars(of_cluster.order_by(Plan.name)).all():
        return ngettext(
            "%(name)s cannot be deleted while the plan %(plans)s makes runs for it. Change the plan first.",
            "%(name)s cannot be deleted while the plans %(plans)s make runs for it. Change them first.",
            len(plans),
            name=name,
            plans=", ".join(f"“{each}”" for each in plans),
        )
    bound = session.scalars(
        select(User.name)
        .join(UserCluster, UserCluster.user_id == User.id)
        .where(UserCluster.cluster_id == cluster_id)
    ).all()
    if bound:
        return _(
            "%(name)s cannot be deleted while %(people)s may see only it. Give them another first.",
            name=name,
            people=", ".join(bound),
        )
    return ""


def remove(session: Session, viewer: Viewer, graph: VisibleGraph, cluster_id: int) -> str:
    """Delete an empty cluster; returns its name. `graph` is read after the lock. Raises Refused."""
    cluster = locks.cluster(session, viewer, cluster_id)
    if reason := why_not_deleted(session, graph, cluster_id):
        raise Refused(reason)
    name = cluster.tag_name
    sources.forget(session, SourceSubject.CLUSTER, cluster_id, "parents")
    session.delete(cluster)
    audit.note(session, viewer.name, "delete", subject(name))
    return name
