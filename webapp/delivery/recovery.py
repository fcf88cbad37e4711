"""The sweep: finds lost workers, due retries, half-generated runs and runs that are done. Every worker runs
one; it needs no Redis.

Whatever happens to a process or to Redis, the rows tell what there is to do, and the sweep finds it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from sqlalchemy import or_, select, union, update
from sqlalchemy.orm import Session

from webapp.delivery import claims
from webapp.extensions import Runtime
from webapp.lifecycle import runs, scheduling
from webapp.lifecycle.results import RELEASE_CLAIM
from webapp.lifecycle.unconfirmed import mark_unconfirmed, unknown_outcome
from webapp.mailservers import connection_slots
from webapp.store.definitions import DefinitionVersion
from webapp.store.mailservers import ConnectionSlot, MailServer
from webapp.store.runs import Attempt, Result, Run
from webapp.store.statuses import SENDABLE, Outcome, RunStatus
from webapp.store.types import now
from webapp.store.workers import Worker
from webapp.translation import N_
from webapp.workers import WorkerProcess, kernel_says_gone


@dataclass
class HeartbeatMonitor:
    """What one observer has seen of the other workers' heartbeats.

    `still` is for how long (seconds of the observer's own monotonic clock) a worker's heartbeat has kept its
    value, counting only time in which the observer could write to the database. A clock that jumps, or a
    database that is locked for a minute, makes no worker count as lost."""

    seen: dict[int, int] = field(default_factory=dict)
    still: dict[int, float] = field(default_factory=dict)
    last_round: float | None = None
    own_beats: int = -1

    def observe(self, beats: dict[int, int], own_beats: int, longest_step: float) -> None:
        """Record all heartbeats. The round counts for as long as it took, but at most `longest_step` seconds,
        and only if the observer's own heartbeat was written in it."""
        present = time.monotonic()
        passed = 0.0 if self.last_round is None else present - self.last_round
        step = min(passed, longest_step) if own_beats != self.own_beats else 0.0
        self.still = {
            id: self.still.get(id, 0.0) + step if self.seen.get(id) == beat else 0.0
            for id, beat in beats.items()
        }
        self.seen, self.own_beats, self.last_round = dict(beats), own_beats, present


@dataclass(frozen=True)
class DueWork:
    """What a sweep found to do: runs with something to send, and runs whose results are still to be
    generated."""

    to_drain: tuple[int, ...]
    to_make: tuple[int, ...]


def sweep(runtime: Runtime, worker: WorkerProcess, watch: HeartbeatMonitor) -> DueWork:
    """Do one round.

    1. Record every worker's heartbeat. A worker whose heartbeat stood still for a lease, or whose process has
    ended as the kernel of this machine says, is declared lost. What it, or one that has left, still holds
    afterwards is released too.
    2. Start the runs whose time has come, and skip what is left of those whose end has passed.
    3. Finish running runs with nothing left to send.
    4. Return the running runs with something to claim, whose mail server may be tried, and the half-generated
    ones."""
    database, settings = runtime.database, runtime.settings
    with database.reading() as session:
        others = session.scalars(
            select(Worker).where(Worker.left_at.is_(None), Worker.lost_at.is_(None), Worker.id != worker.id)
        ).all()
    beats = {other.id: other.beat for other in others}
    watch.observe(beats, worker.heartbeats, longest_step=2 * settings.sweep_every)
    for other in others:
        if watch.still[other.id] > settings.lease or kernel_says_gone(other):
            with database.writing() as session:
                declare_lost(session, other)
    _release_claims_of_dead_workers(runtime)
    _follow_the_clock(runtime)
    _finish_done_runs(runtime)
    with database.reading() as session:
        making = session.scalars(select(Run.id).where(Run.status == RunStatus.CREATING))
        return DueWork(tuple(_due_runs(session)), tuple(making))


def declare_lost(session: Session, lost: Worker) -> bool:
    """Release everything a lost worker holds, in one commit; return False if it has had a heartbeat since, or
    was declared lost before.

    What it had claimed but not started is free again. What it had started becomes `unconfirmed`: it may have
    been sent, and is never sent again automatically. Its token stays, so that the worker, should it come
    back, can still report the outcome."""
    gone = session.execute(
        update(Worker)
        .where(Worker.id == lost.id, Worker.beat == lost.beat, Worker.lost_at.is_(None))
        .values(lost_at=now())
        .execution_options(synchronize_session=False)
    ).rowcount  # type: ignore[attr-defined]
    if not gone:
        return False
    release_claims_of(session, lost)
    return True


def release_claims_of(session: Session, lost: Worker) -> None:
    """Release a lost worker's claims, and mark what it had started as `unconfirmed`. Harmless when it has
    nothing."""
    session.execute(
        update(Result)
        .where(Result.worker_id == lost.id, Result.status.in_(SENDABLE))
        .values(**RELEASE_CLAIM)
        .execution_options(synchronize_session=False)
    )
    words = N_("the worker %(name)s was lost after the whole message was handed over, before the reply") % {
        "name": lost.name
    }
    mark_unconfirmed(session, words, Result.worker_id == lost.id)
    session.execute(
        update(Attempt)
        .where(Attempt.worker_id == lost.id, Attempt.outcome == Outcome.SENDING)
        .values(unknown_outcome(words))
        .execution_options(synchronize_session=False)
    )
    connection_slots.free_all_of(session, lost.id)


def _follow_the_clock(runtime: Runtime) -> None:
    with runtime.database.reading() as session:
        due = scheduling.due(session)
    for run_id in due.to_end:
        with runtime.database.writing() as session:
            scheduling.end_late(session, run_id)
    for run_id in due.to_start:
        with runtime.database.writing() as session:
            scheduling.start_due(session, runtime.queue, run_id)


def _release_claims_of_dead_workers(runtime: Runtime) -> None:
    """Release what lost and departed workers still hold.

    A worker may take something after it was declared lost: its last statement was still on its way to
    PostgreSQL, or the process was frozen and claims before its next heartbeat tells it. What a departed
    worker could no longer write must be released too."""
    holding = union(
        select(Result.worker_id).where(Result.worker_id.is_not(None)),
        select(ConnectionSlot.worker_id).where(ConnectionSlot.worker_id.is_not(None)),
    ).subquery()
    is_gone = or_(Worker.lost_at.is_not(None), Worker.left_at.is_not(None))
    with runtime.database.reading() as session:
        found = session.scalars(select(Worker).where(is_gone, Worker.id.in_(select(holding)))).all()
    for worker in found:
        with runtime.database.writing() as session:
            release_claims_of(session, worker)


def _finish_done_runs(runtime: Runtime) -> None:
    with runtime.database.reading() as session:
        running = session.scalars(select(Run.id).where(Run.status == RunStatus.RUNNING)).all()
        done = [run_id for run_id in running if not runs.has_outstanding(session, run_id)]
    for run_id in done:
        with runtime.database.writing() as session:
            runs.finish_if_done(session, run_id)


def _due_runs(session: Session) -> list[int]:
    """Running runs with something to claim now, oldest first, whose mail server may be tried."""
    may_be_tried: dict[int, bool] = {}
    due = []
    for run_id, version_id in session.execute(
        select(Run.id, Run.version_id).where(Run.status == RunStatus.RUNNING).order_by(Run.id)
    ):
        if version_id not in may_be_tried:
            content = session.get_one(DefinitionVersion, version_id).content
            server = session.get_one(MailServer, content["sender"]["mail_server_id"])
            waits = server.trouble is not None and server.next_try_at is not None
            may_be_tried[version_id] = not waits or server.next_try_at <= now()  # type: ignore[operator]
        if may_be_tried[version_id] and claims.anything_due(session, run_id):
            due.append(run_id)
    return due
