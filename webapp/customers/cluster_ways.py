"""Every way down to a cluster, as names, as far up as a person may see."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.access import Viewer, visible_to
from webapp.store.customers import Cluster, ClusterParent

WAYS_MAX = 8
"""In a graph of many diamonds there are more ways than anyone reads."""


def ways_to(session: Session, viewer: Viewer, cluster_id: int) -> list[list[str]]:
    """The ways that lead to this cluster from the top, without itself: its own name is said beside them.
    Empty for a cluster at the top."""
    names: dict[int, str] = {}
    parents: dict[int, list[int]] = {}
    waiting = {cluster_id}
    while waiting:
        rows = session.execute(
            select(ClusterParent.child_id, Cluster.id, Cluster.tag_name)
            .join(Cluster, Cluster.id == ClusterParent.parent_id)
            .where(ClusterParent.child_id.in_(waiting), visible_to(viewer, Cluster))
            .order_by(Cluster.tag_name)
        ).all()
        parents |= {child: [] for child in waiting}
        for child, parent, name in rows:
            names[parent] = name
            parents[child].append(parent)
        waiting = {parent for _, parent, _ in rows} - parents.keys()
    return [[names[id] for id in way] for way in _ways(parents, cluster_id) if way]


def _ways(parents: dict[int, list[int]], cluster_id: int) -> list[list[int]]:
    """The first of all ways from the top down to the cluster, by the names of the clusters nearest to it."""
    found: list[list[int]] = []
    waiting: list[list[int]] = [[]]
    while waiting and len(found) < WAYS_MAX:
        way = waiting.pop()
        above = parents[way[0] if way else cluster_id]
        if not above:
            found.append(way)
        waiting += [[parent, *way] for parent in reversed(above)]
    return found
