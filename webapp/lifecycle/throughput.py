"""How fast mails go out: counted in slots of ten seconds as they are sent, in the same commit."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from webapp.lifecycle.counts import Counts
from webapp.store.counts import SentCount
from webapp.store.prepared import BulkInsert, PendingWrite
from webapp.store.runs import Run
from webapp.store.statuses import ResultStatus, RunStatus
from webapp.store.types import now

SLOT_SECONDS = 10
"""Length of a slot."""
WINDOW_SECONDS = 60
"""The recent time over which the speed is measured."""
PAUSE_SLOTS = 2
SENT_AFTER_PAUSE = 5
"""More than this number of slots without a mail, then at least this number of mails: sending had paused."""


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
    """Mails per second over the last minute of sending, and when the last ready one goes out at it."""

    per_second: float
    left: timedelta
    done_at: datetime


def throughput(session: Session, run: Run, counted: Counts) -> Throughput | None:
    """The speed of a running run; None if it is not known yet, nothing goes out, or nothing is left.

    Deferred results wait for their own time and do not count. Nor does a pause: after it the speed is
    measured from where sending resumed."""
    outstanding = counted.by_status[ResultStatus.READY] + counted.by_status[ResultStatus.SENDING]
    if run.status != RunStatus.RUNNING or run.started_at is None or not outstanding:
        return None
    at, started_at = time.time(), run.started_at.timestamp()
    stretch = _latest_stretch(
        _slots(session, run.id, int(max(at - WINDOW_SECONDS, started_at)) // SLOT_SECONDS)
    )
    if not stretch:
        return None
    begin = float(stretch[0][0] * SLOT_SECONDS)
    if begin - started_at <= SLOT_SECONDS:
        begin = max(started_at, begin - SLOT_SECONDS)  # it began to send as soon as it was started
    elif at < begin + SLOT_SECONDS:
        return None  # sending resumed within this slot: from when on is not known
    per_second = sum(n for _, n in stretch) / max(1.0, at - begin)
    left = timedelta(seconds=outstanding / per_second)
    return Throughput(per_second, left, now() + left)


def _latest_stretch(slots: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The slots after the last pause, if enough went out since then to tell a pause from slow sending."""
    for at in range(len(slots) - 1, 0, -1):
        if slots[at][0] - slots[at - 1][0] > PAUSE_SLOTS:
            since = slots[at:]
            return since if sum(n for _, n in since) >= SENT_AFTER_PAUSE else slots
    return slots


def sent_by_slot(session: Session, run_id: int) -> list[tuple[int, int]]:
    """(Unix time of the slot's start, mails sent in it) of a run, in order."""
    return [(slot * SLOT_SECONDS, n) for slot, n in _slots(session, run_id, 0)]


def _slots(session: Session, run_id: int, first: int) -> list[tuple[int, int]]:
    rows = session.execute(
        select(SentCount.slot, func.sum(SentCount.n))
        .where(SentCount.run_id == run_id, SentCount.slot >= first)
        .group_by(SentCount.slot)
        .order_by(SentCount.slot)
    )
    return [(slot, int(n)) for slot, n in rows]
