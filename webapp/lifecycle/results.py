"""The one place where results change their status, and the counts with them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from webapp.lifecycle.counts import NO_WORKER, CountChanges, adjust, adjustment
from webapp.store.id_lists import id_in
from webapp.store.prepared import BulkUpdate, PendingWrite, execute_all
from webapp.store.runs import Result
from webapp.store.statuses import RESULT_MOVES, ResultStatus
from webapp.store.types import now

TRANSITION_BATCH = 5_000
"""Rows per UPDATE: far below what either database takes as parameters of one statement."""

RELEASE_CLAIM: Mapping[str, Any] = {"worker_id": None, "token": None}
"""What whoever changes a claimed result sets, so that its worker's mark will not hold."""


@dataclass(frozen=True)
class LockedResult:
    """A result as it is, locked until the end of the transaction."""

    id: int
    status: ResultStatus
    reason: str


def lock_results(session: Session, *conditions: ColumnElement[bool]) -> list[LockedResult]:
    """Locks the results that match, in the order of their ids, and tells how they are."""
    rows = session.execute(
        select(Result.id, Result.status, Result.reason)
        .where(*conditions)
        .order_by(Result.id)
        .with_for_update()
    ).all()
    return [LockedResult(id, _STATUSES[status], reason) for id, status, reason in rows]


_STATUSES = {status.value: status for status in ResultStatus}
"""Looked up much faster than `ResultStatus(value)`: there may be a million."""


def transition(
    session: Session,
    run_id: int,
    rows: Sequence[LockedResult],
    to: ResultStatus,
    *,
    reason: str = "",
    worker_id: int = NO_WORKER,
    values: Mapping[str, Any] | None = None,
) -> int:
    """Moves these results of one run, held before, to a status; returns how many there were.

    Further columns are set from `values`. A move that the table of moves does not have is a programming error
    and raises ValueError."""
    before = Counter((row.status, row.reason) for row in rows)
    for status, _ in before:
        if to not in RESULT_MOVES[status] and not (status == to == ResultStatus.SKIPPED):
            one = next(row.id for row in rows if row.status == status)
            raise ValueError(f"result {one} cannot go from {status} to {to}")
    changes = {"status": to, "reason": reason, "changed_at": now(), **(values or {})}
    for start in range(0, len(rows), TRANSITION_BATCH):
        ids = [row.id for row in rows[start : start + TRANSITION_BATCH]]
        session.execute(
            update(Result).where(id_in(session, Result.id, ids)).values(**changes),
            execution_options={"synchronize_session": False},
        )
    deltas: CountChanges = Counter({counted(to, reason): len(rows)})
    for (status, was), n in before.items():
        deltas[counted(status, was)] -= n
    adjust(session, run_id, deltas, worker_id)
    return len(rows)


def counted(status: ResultStatus, reason: str) -> tuple[str, str]:
    """What a result counts under. A removed one keeps the reason it was skipped for, but counts as
    removed."""
    return status, reason if status == ResultStatus.SKIPPED else ""


@dataclass(frozen=True)
class Transition:
    """What becomes of one held result: its status, and columns of its own."""

    result: LockedResult
    to: ResultStatus
    values: Mapping[str, Any]


def transition_each(session: Session, run_id: int, changes: Sequence[Transition], worker_id: int) -> None:
    """Moves each of these results of one run, held before, to a status and values of its own, in few
    statements. One that keeps its status only gets its values.

    A move that the table of moves does not have is a programming error and raises ValueError."""
    execute_all(session.connection(), transition_writes(run_id, changes, worker_id))


def transition_writes(run_id: int, changes: Sequence[Transition], worker_id: int) -> list[PendingWrite]:
    """What `move_each` has to write, for whoever writes more than that.

    A move that the table of moves does not have is a programming error and raises ValueError."""
    at = now()
    by_columns: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    deltas: CountChanges = Counter()
    for change in changes:
        held, to = change.result, change.to
        if to != held.status and to not in RESULT_MOVES[held.status]:
            raise ValueError(f"result {held.id} cannot go from {held.status} to {to}")
        row = {**change.values, "status": to, "reason": "", "changed_at": at}
        by_columns[tuple(row)].append({**row, "by_id": held.id})
        deltas[counted(to, "")] += 1
        deltas[counted(held.status, held.reason)] -= 1
    updates = [PendingWrite(_updating(columns), rows) for columns, rows in by_columns.items()]
    return [*updates, adjustment(run_id, deltas, worker_id)]


@lru_cache
def _updating(columns: tuple[str, ...]) -> BulkUpdate:
    return BulkUpdate(Result, columns)
