"""The one place where results change their status, and the counts with them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from webapp.lifecycle.counts import NOBODY, Deltas, shift, shifting
from webapp.store.id_lists import among
from webapp.store.prepared import Updating, Writing, run_all
from webapp.store.runs import Result
from webapp.store.statuses import RESULT_MOVES, ResultStatus
from webapp.store.types import now

CHUNK = 5_000
"""Rows per UPDATE: far below what either database takes as parameters of one statement."""

UNCLAIMED: Mapping[str, Any] = {"worker_id": None, "token": None}
"""What whoever changes a claimed result sets, so that its worker's mark will not hold."""


@dataclass(frozen=True)
class Held:
    """A result as it is, locked until the end of the transaction."""

    id: int
    status: ResultStatus
    reason: str


def hold(session: Session, *conditions: ColumnElement[bool]) -> list[Held]:
    """Locks the results that match, in the order of their ids, and tells how they are."""
    rows = session.execute(
        select(Result.id, Result.status, Result.reason)
        .where(*conditions)
        .order_by(Result.id)
        .with_for_update()
    ).all()
    return [Held(id, _STATUSES[status], reason) for id, status, reason in rows]


_STATUSES = {status.value: status for status in ResultStatus}
"""Looked up much faster than `ResultStatus(value)`: there may be a million."""


def move(
    session: Session,
    run_id: int,
    rows: Sequence[Held],
    to: ResultStatus,
    *,
    reason: str = "",
    worker_id: int = NOBODY,
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
    for start in range(0, len(rows), CHUNK):
        ids = [row.id for row in rows[start : start + CHUNK]]
        session.execute(
            update(Result).where(among(session, Result.id, ids)).values(**changes),
            execution_options={"synchronize_session": False},
        )
    deltas: Deltas = Counter({counted(to, reason): len(rows)})
    for (status, was), n in before.items():
        deltas[counted(status, was)] -= n
    shift(session, run_id, deltas, worker_id)
    return len(rows)


def counted(status: ResultStatus, reason: str) -> tuple[str, str]:
    """What a result counts under. A removed one keeps the reason it was skipped for, but counts as
    removed."""
    return status, reason if status == ResultStatus.SKIPPED else ""


@dataclass(frozen=True)
class Change:
    """What becomes of one held result: its status, and columns of its own."""

    held: Held
    to: ResultStatus
    values: Mapping[str, Any]


def move_each(session: Session, run_id: int, changes: Sequence[Change], worker_id: int) -> None:
    """Moves each of these results of one run, held before, to a status and values of its own, in few
    statements. One that keeps its status only gets its values.

    A move that the table of moves does not have is a programming error and raises ValueError."""
    run_all(session.connection(), moving_each(run_id, changes, worker_id))


def moving_each(run_id: int, changes: Sequence[Change], worker_id: int) -> list[Writing]:
    """What `move_each` has to write, for whoever writes more than that.

    A move that the table of moves does not have is a programming error and raises ValueError."""
    at = now()
    by_columns: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    deltas: Deltas = Counter()
    for change in changes:
        held, to = change.held, change.to
        if to != held.status and to not in RESULT_MOVES[held.status]:
            raise ValueError(f"result {held.id} cannot go from {held.status} to {to}")
        row = {**change.values, "status": to, "reason": "", "changed_at": at}
        by_columns[tuple(row)].append({**row, "by_id": held.id})
        deltas[counted(to, "")] += 1
        deltas[counted(held.status, held.reason)] -= 1
    updates = [Writing(_updating(columns), rows) for columns, rows in by_columns.items()]
    return [*updates, shifting(run_id, deltas, worker_id)]


@lru_cache
def _updating(columns: tuple[str, ...]) -> Updating:
    return Updating(Result, columns)
