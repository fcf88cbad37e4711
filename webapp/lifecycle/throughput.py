"""How fast mails go out: counted in slots of ten seconds as they are sent, in the same commit."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from webapp.lifecycle.counts import Counts
from webapp.store.prepared import BulkInsert, PendingWrite
from webapp.store.runs import Run, SentCount
from webapp.store.statuses import ResultStatus, RunStatus
from webapp.store.types import now

SLOT_SECONDS = 10
"""Length of a slot."""
WINDOW_SECONDS = 60
"""The recent time over which the speed is measured."""


def counting_sent(run_id: int, worker_id: int, n: int) -> PendingWrite:
    """The write that counts `n` mails handed over just now, to go with their `sent`."""
    row = {"run_id": run_id, "worker_id": worker_id, "slot": int(time.time()) // SLOT_SECONDS, "n": n}
    return PendingWrite(_ADDING, [row] if n else [])


def _adding_up(inserting: Any) -> Any:
    return inserting.on_conflict_do_update(
        index_elements=["run_id", "worker_id", "slot"], set_={"n": SentCount.n + inserting.excluded.n}
    )


_ADDING = BulkInsert(SentCount, ("run_id", "worker_id", "slot", "n"), _adding_up)


@dataclass(frozen=True)
class Throughput:
    """Mails per second over the last minute, and when the last ready one goes out at that speed."""

    per_second: float
    left: timedelta
    done_at: datetime


def throughput(session: Session, run: Run, counted: Counts) -> Throughput | None:
    """The speed of a running run; None if it is not known yet, nothing goes out, or nothing is left.

    Deferred results wait for their own time and do not count."""
    outstanding = counted.by_status[ResultStatus.READY] + counted.by_status[ResultStatus.SENDING]
    if run.status != RunStatus.RUNNING or run.started_at is None or not outstanding:
        return None
    at = time.time()
    since = max(at - WINDOW_SECONDS, run.started_at.timestamp())
    first = int(since) // SLOT_SECONDS
    sent = session.scalar(
        select(func.sum(SentCount.n)).where(SentCount.run_id == run.id, SentCount.slot >= first)
    )
    if not sent:
        return None
    # The first slot began before `since` unless the run did not run then: the sum is of whole slots.
    seconds = max(1.0, at - max(first * SLOT_SECONDS, run.started_at.timestamp()))
    per_second = int(sent) / seconds
    left = timedelta(seconds=outstanding / per_second)
    return Throughput(per_second, left, now() + left)


def sent_by_slot(session: Session, run_id: int) -> list[tuple[int, int]]:
    """(Unix time of the slot's start, mails sent in it) of a run, in order."""
    rows = session.execute(
        select(SentCount.slot, func.sum(SentCount.n))
        .where(SentCount.run_id == run_id)
        .group_by(SentCount.slot)
        .order_by(SentCount.slot)
    )
    return [(slot * SLOT_SECONDS, int(n)) for slot, n in rows]
