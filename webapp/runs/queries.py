"""The read side: what the pages about runs show. Everything passes through visible_to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, joinedload

from webapp.runs.counts import Counts, counts_of
from webapp.store import keyset
from webapp.store.customers import Cluster
from webapp.store.definitions import MessageDefinition
from webapp.store.keyset import Edge, Page
from webapp.store.runs import Run
from webapp.store.statuses import RunStatus
from webapp.users.access import Viewer, visible_to


@dataclass(frozen=True)
class RunLine:
    run: Run
    counts: Counts


def runs(session: Session, viewer: Viewer, *, state: str, search: str, edge: Edge | None) -> Page[RunLine]:
    """A page of runs, newest first, whose name, cluster or person contains the words searched for.

    Raises ValueError for a state that does not exist."""
    query = (
        select(Run)
        .join(Cluster, Cluster.id == Run.cluster_id)
        .options(joinedload(Run.definition), joinedload(Run.cluster))
        .where(visible_to(viewer, Run))
    )
    if state:
        query = query.where(Run.status == RunStatus(state))
    if wanted := search.replace("\x00", "").strip():
        columns = (Run.name, Cluster.tag_name, Run.created_by, Run.started_by)
        query = query.where(or_(*(column.icontains(wanted, autoescape=True) for column in columns)))
    if edge:
        query = query.where(keyset.beyond(edge, Run.id, descending=True))
    query = query.order_by(*keyset.order(edge, Run.id, descending=True)).limit(keyset.SIZE + 1)
    found = list(session.scalars(query))
    counted = counts_of(session, [run.id for run in found])
    lines = [RunLine(run, counted[run.id]) for run in found]
    return keyset.page(lines, edge, [keyset.cursor(run.id) for run in found])


def states(session: Session, viewer: Viewer) -> dict[RunStatus, int]:
    """How many runs are in each state, zeros too."""
    rows = session.execute(
        select(Run.status, func.count()).where(visible_to(viewer, Run)).group_by(Run.status)
    )
    return {**dict.fromkeys(RunStatus, 0), **{RunStatus(status): n for status, n in rows}}


def run(session: Session, viewer: Viewer, run_id: int) -> Run | None:
    """The run with its definition's version and its cluster; None if there is none that this person may
    see."""
    return session.scalar(
        select(Run)
        .options(joinedload(Run.version), joinedload(Run.cluster), joinedload(Run.definition))
        .where(Run.id == run_id, visible_to(viewer, Run))
    )


def definitions(session: Session) -> list[tuple[int, str]]:
    """Id and name of every message definition, by name."""
    rows = session.execute(
        select(MessageDefinition.id, MessageDefinition.name).order_by(MessageDefinition.name)
    )
    return [(id, name) for id, name in rows]


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
