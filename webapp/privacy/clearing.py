"""What runs know of people goes after its time: transcripts, recipients and Bcc of attempts, and the
addresses that results went to. A run that has not finished is left alone."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from webapp import found_by
from webapp.privacy import without_addresses
from webapp.store.database import Database
from webapp.store.runs import Attempt, Result, Run
from webapp.store.statuses import RunStatus
from webapp.store.types import now

CLEARED_BATCH = 500
PAUSE_SECONDS = 0.05
"""Between two commits, so that sending is not held up."""


@dataclass(frozen=True)
class ClearedPart:
    """What is cleared of a run: the rows of this table, by `clear`. `noted_in`: where the run says when."""

    table: type[Attempt] | type[Result]
    noted_in: InstrumentedAttribute[datetime | None]
    clear: Callable[..., int]


ATTEMPTS = ClearedPart(Attempt, Run.attempts_cleared_at, without_addresses.clear_attempts)
ADDRESSES = ClearedPart(Result, Run.addresses_cleared_at, without_addresses.clear_results)


def clear(database: Database, part: ClearedPart, days: float, leaving: threading.Event) -> int:
    """Clear this part of the runs that finished longer ago than this number of days; returns how many rows.

    1. Find such a run that was not cleared since it finished.
    2. Clear its rows, some at a time, each time with the run's row locked, as long as it has not been started
    again.
    3. Note in the run that it is cleared. What is interrupted before this is done again: it does no harm."""
    before, gone = now() - timedelta(days=days), 0
    due = _is_due(part, before)
    with database.reading() as session:
        ids = session.scalars(select(Run.id).where(*due).order_by(Run.id)).all()
    for run_id in ids:
        last = 0
        while not leaving.is_set():
            with database.writing() as session:
                last, cleared = _clear_some(session, part, run_id, last, due)
            gone += cleared
            if not last:
                break
            leaving.wait(PAUSE_SECONDS)
    return gone


def _is_due(part: ClearedPart, before: datetime) -> tuple[Any, ...]:
    again = or_(part.noted_in.is_(None), part.noted_in < Run.finished_at)
    return (Run.status == RunStatus.FINISHED, Run.finished_at < before, again)


def _clear_some(
    session: Session, part: ClearedPart, run_id: int, after: int, due: tuple[Any, ...]
) -> tuple[int, int]:
    """(the last row that was cleared, 0 when there is none left or the run is not to be cleared; how many)"""
    if session.scalar(select(Run.id).where(Run.id == run_id, *due).with_for_update()) is None:
        return 0, 0
    of_run = (part.table.run_id == run_id, part.table.id > after)
    ids = session.scalars(
        select(part.table.id).where(*of_run).order_by(part.table.id).limit(CLEARED_BATCH)
    ).all()
    if not ids:
        session.execute(
            update(Run).where(Run.id == run_id).values({part.noted_in.key: now()}),
            execution_options={"synchronize_session": False},
        )
        return 0, 0
    within = (*of_run, part.table.id <= ids[-1])
    cleared = part.clear(session, *within)
    if part.table is Result:  # customers are found by the addresses that they were mailed at
        found_by.index_customers(session, select(Result.customer_id).where(*within))
    return ids[-1], cleared
