"""How many results of a run are in each status: kept in the same transaction as every transition, summed on
reading."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session
from sqlalchemy.sql import FromClause, literal

from webapp.access import Viewer, seen_in_part, visible_to, whole_runs, whole_to
from webapp.remembered import changes_by_people, remembered_each
from webapp.store.counts import RunCount
from webapp.store.prepared import BulkInsert, PendingWrite, execute_all
from webapp.store.runs import Result, Run
from webapp.store.statuses import OUTSTANDING, ResultStatus, SkipReason

NO_WORKER = 0
"""The worker id for transitions by pages, commands and the sweep."""

CountChanges = Counter[tuple[str, str]]
"""(status, reason) → the change of its count. Only `skipped` has a reason."""


@dataclass(frozen=True)
class Counts:
    """The number of results by status and by reason, zeros included."""

    by_status: dict[ResultStatus, int]
    reasons: dict[str, int]

    @property
    def total(self) -> int:
        return sum(self.by_status.values())

    @property
    def outstanding(self) -> int:
        """How many are still to be sent, or on the wire."""
        return sum(self.by_status[status] for status in OUTSTANDING)


def counts(session: Session, run_id: int) -> Counts:
    """Count the results of this run."""
    return _counted(session.execute(_SUMMED.where(RunCount.run_id == run_id)))


_SUMMED = select(RunCount.status, RunCount.reason, func.sum(RunCount.n)).group_by(
    RunCount.status, RunCount.reason
)


def counted(viewer: Viewer, run_ids: Sequence[int] | None = None) -> FromClause:
    """Rows of run_id, status, reason and n: how many results this person may see, of these runs or of all.

    To a person who sees everything they are the stored counts. So they are of a run that a person sees whole;
    of any other run the results of their customers are counted."""
    stored = RunCount.__table__
    if not viewer.clusters:
        return stored
    whole = select(stored.c.run_id, stored.c.status, stored.c.reason, stored.c.n).where(
        stored.c.run_id.in_(select(Run.id).where(whole_to(viewer)))
    )
    part = (
        select(Result.run_id, Result.status, _REASON, func.count().label("n"))
        .where(seen_in_part(viewer))
        .group_by(Result.run_id, Result.status, _REASON)
    )
    if run_ids is not None:
        whole = whole.where(stored.c.run_id.in_(run_ids))
        part = part.where(Result.run_id.in_(run_ids))
    return whole.union_all(part).subquery()


def counts_seen(session: Session, viewer: Viewer, run_id: int) -> Counts:
    """Count the results of this run that this person may see."""
    return counts_of(session, viewer, [run_id])[run_id]


def counts_of(session: Session, viewer: Viewer, run_ids: list[int]) -> dict[int, Counts]:
    """Count the results of several runs that this person may see. What is counted result by result is
    remembered until one of them moves, or a person changes something: a customer may have moved."""
    of_run: dict[int, list[Any]] = {run_id: [] for run_id in run_ids}
    summed = _SUMMED.add_columns(RunCount.run_id).where(RunCount.run_id.in_(run_ids))
    for *row, run_id in session.execute(summed.group_by(RunCount.run_id)):
        of_run[run_id].append(tuple(row))
    whole = whole_runs(session, viewer, run_ids)
    found = {run_id: _counted(of_run[run_id]) for run_id in whole}
    if len(whole) < len(of_run):
        changes = changes_by_people(session)
        stamps = {
            ("results seen", viewer.clusters, run_id): (changes, frozenset(rows))
            for run_id, rows in of_run.items()
            if run_id not in whole
        }
        parts = remembered_each(session, stamps, lambda missing: _parts(session, viewer, missing))
        found |= {run_id: part for (*_, run_id), part in parts.items()}
    return found


Part = tuple[str, frozenset[int], int]


def _parts(session: Session, viewer: Viewer, parts: list[Part]) -> dict[Part, Counts]:
    """Count the results of this person's customers in each of these runs."""
    of_part: dict[Part, list[Any]] = {part: [] for part in parts}
    by_run = {part[-1]: rows for part, rows in of_part.items()}
    kinds = (Result.status, _REASON, Result.run_id)
    mine = select(Result.status, _REASON, func.count(), Result.run_id).where(visible_to(viewer, Result))
    for *row, run_id in session.execute(mine.where(Result.run_id.in_(by_run)).group_by(*kinds)):
        by_run[run_id].append(row)
    return {part: _counted(rows) for part, rows in of_part.items()}


_REASON = case((Result.status == ResultStatus.SKIPPED, Result.reason), else_=literal("")).label("reason")


def _counted(rows: Iterable[Sequence[Any]]) -> Counts:
    found = Counts(dict.fromkeys(ResultStatus, 0), {reason.value: 0 for reason in SkipReason})
    for status, reason, n in rows:
        found.by_status[ResultStatus(status)] += int(n)
        if reason:
            found.reasons[reason] = found.reasons.get(reason, 0) + int(n)
    return found


def adjust(session: Session, run_id: int, deltas: CountChanges, worker_id: int = NO_WORKER) -> None:
    """Apply these changes to the counts. Rows are written in one fixed order, which prevents deadlocks.

    Call it after the results themselves are locked, never before: many transactions wait for a count."""
    execute_all(session.connection(), [adjustment(run_id, deltas, worker_id)])


def adjustment(run_id: int, deltas: CountChanges, worker_id: int) -> PendingWrite:
    """The write of `adjust`, for a caller that writes more in the same round."""
    rows = [
        {"run_id": run_id, "worker_id": worker_id, "status": status, "reason": reason, "n": n}
        for (status, reason), n in sorted(deltas.items())
        if n
    ]
    return PendingWrite(_ADDING, rows)


def _adding_up(inserting: Any) -> Any:
    return inserting.on_conflict_do_update(
        index_elements=["run_id", "worker_id", "status", "reason"],
        set_={"n": RunCount.n + inserting.excluded.n},
    )


_ADDING = BulkInsert(RunCount, ("run_id", "worker_id", "status", "reason", "n"), _adding_up)
