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
from webapp.store.dialects import id_in
from webapp.store.prepared import BulkUpdate, PendingWrite, execute_all
from webapp.store.runs import Result
from webapp.store.statuses import RESULT_MOVES, ResultStatus
from webapp.store.types import now

TRANSITION_BATCH = 5_000
"""Rows per UPDATE: far below either database's limit of parameters."""

RELEASE_CLAIM: Mapping[str, Any] = {"worker_id": None, "token": None}
"""The columns to set when a claimed result is changed, so that its worker can no longer start an attempt."""


@dataclass(frozen=True)
class LockedResult:
    """A result as it is, locked until the end of the transaction."""

    id: int
    status: ResultStatus
    reason: str


def lock_results(session: Session, *conditions: ColumnElement[bool]) -> list[LockedResult]:
    """Lock the results that match, in the order of their ids, and return them as they are."""
    rows = session.execute(
        select(Result.id, Result.status, Result.reason)
        .where(*conditions)
        .order_by(Result.id)
        .with_for_update()
    ).all()
    return [LockedResult(id, _STATUSES[status], reason) for id, status, reason in rows]


_STATUSES = {status.value: status for status in ResultStatus}
"""Much faster to look up than `ResultStatus(value)`: there may be a million."""


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
    """Move these locked results of one run to a status, set further columns from `values`, and return their
    number.

    A transition that RESULT_MOVES does not have is a programming error and raises ValueError."""
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
    """The status and reason that a result counts under. A removed result keeps its skip reason, but counts as
    removed."""
    return status, reason if status == ResultStatus.SKIPPED else ""


@dataclass(frozen=True)
class Transition:
    """The next status of one locked result, and columns of its own."""

    result: LockedResult
    to: ResultStatus
    values: Mapping[str, Any]


def transition_each(session: Session, run_id: int, changes: Sequence[Transition], worker_id: int) -> None:
    """Move each of these locked results of one run to a status and columns of its own, in few statements. A
    result that keeps its status only gets its columns.

    A transition that RESULT_MOVES does not have is a programming error and raises ValueError."""
    execute_all(session.connection(), transition_writes(run_id, changes, worker_id))


def transition_writes(run_id: int, changes: Sequence[Transition], worker_id: int) -> list[PendingWrite]:
    """The writes of `transition_each`, for a caller that writes more in the same round.

    A transition that RESULT_MOVES does not have is a programming error and raises ValueError."""
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
