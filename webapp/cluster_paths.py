"""Customer clusters as the pages name them."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.access import Viewer, visible_to
from webapp.store.customers import Cluster, ClusterParent


def path(session: Session, viewer: Viewer, cluster: Cluster) -> list[str]:
    """The tag names that lead to this cluster, as far up as this person may see."""
    found, at = [cluster.tag_name], cluster.id
    while above := session.execute(
        select(Cluster.id, Cluster.tag_name)
        .join(ClusterParent, ClusterParent.parent_id == Cluster.id)
        .where(ClusterParent.child_id == at, visible_to(viewer, Cluster))
        .order_by(Cluster.tag_name)
        .limit(1)
    ).first():
        at = above.id
        found.insert(0, above.tag_name)
    return found


CLUSTERS_SUGGESTED = 2_000


def cluster_tags(session: Session, viewer: Viewer) -> Iterable[str]:
    """Tag names to suggest in the run dialog."""
    return session.scalars(
        select(Cluster.tag_name)
        .where(visible_to(viewer, Cluster))
        .order_by(Cluster.tag_name)
        .limit(CLUSTERS_SUGGESTED)
    ).all()


def cluster_id(session: Session, viewer: Viewer, tag_name: str) -> int | None:
    """The cluster of this tag name; None if there is none that this person may see."""
    return session.scalar(select(Cluster.id).where(Cluster.tag_name == tag_name, visible_to(viewer, Cluster)))
