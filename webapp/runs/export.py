"""Runs as lines of a file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from webapp.access import Viewer
from webapp.lifecycle.counts import counts_of
from webapp.runs.queries import RunFilter, conditions
from webapp.store.customers import Cluster
from webapp.store.runs import Run
from webapp.store.statuses import ResultStatus

EXPORT_BATCH = 500
OF_RUN = (
    *("id", "name", "status", "definition", "cluster", "period_from", "period_to"),
    *("created_by", "created_at", "started_by", "started_at", "finished_at", "archived_at"),
)
RUN_COLUMNS = (*OF_RUN, *(status.value for status in ResultStatus))


def runs(session: Session, viewer: Viewer, shown: RunFilter) -> Iterator[dict[str, Any]]:
    """The runs that the filter leaves, newest first, with one batch in memory at a time; each with the number
    of its results of every status that this person may see. Raises ValueError for a filter that cannot be."""
    query = (
        select(Run)
        .join(Cluster, Cluster.id == Run.cluster_id)
        .options(joinedload(Run.definition), joinedload(Run.cluster))
        .where(*conditions(viewer, shown))
        .order_by(Run.id.desc())
        .limit(EXPORT_BATCH)
    )
    found = list(session.scalars(query))
    while found:
        counted = counts_of(session, viewer, [run.id for run in found])
        for run in found:
            line = {name: getattr(run, name) for name in OF_RUN}
            line |= {"definition": run.definition.name, "cluster": run.cluster.tag_name}
            yield line | {status.value: n for status, n in counted[run.id].by_status.items()}
        last = found[-1].id
        session.expunge_all()
        found = list(session.scalars(query.where(Run.id < last)))
