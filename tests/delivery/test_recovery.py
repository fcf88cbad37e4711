"""Lost workers, late proofs, slow and broken drains: where doubt begins and where it ends."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import threading
from dataclasses import replace
from types import SimpleNamespace

import pytest
from sqlalchemy import func, select, update

from tests.delivery.started import (
    ACCEPTED,
    REFUSED,
    claimed,
    lose,
    marked,
    reservations,
    settle,
)
from tests.world import World
from webapp import workers
from webapp.delivery import attempts, drain, recovery
from webapp.delivery.recovery import HeartbeatMonitor
from webapp.delivery.settlement import AttemptOutcome
from webapp.mailservers import connection_slots
from webapp.store.mailservers import ConnectionSlot, MailServer
from webapp.store.runs import Attempt
from webapp.store.statuses import Outcome
from webapp.store.workers import Worker
from webapp.workers import WorkerProcess


@pytest.mark.parametrize(("proof", "claimable", "status"), [(ACCEPTED, 0, "skipped"), (REFUSED, 1, "ready")])
def test_a_second_run_waits_while_the_first_ones_message_is_on_the_wire(
    world: World, worker: WorkerProcess, proof: AttemptOutcome, claimable: int, status: str
) -> None:
    world.add()
    second = world.run()
    world.start(second)
    _, work, claim_ref, mark = marked(world, worker, add=False)
    other = WorkerProcess(world.runtime.database)
    assert claimed(world, other, second)[0].result_ids == ()
    assert world.statuses(second) == ["ready"]
    settle(world, work, claim_ref, proof, mark)
    assert len(claimed(world, other, second)[0].result_ids) == claimable
    assert world.statuses(second) == [status]


def test_what_a_lost_worker_had_claimed_is_free_again_and_what_it_had_marked_is_unconfirmed(
    world: World, worker: WorkerProcess
) -> None:
    run_id, *_ = marked(world, worker)
    world.add()
    second = world.run()
    world.start(second)
    with world.runtime.database.writing() as session:
        connection_slots.take(session, session.scalars(select(MailServer)).one(), worker.id, "token", 2)
    claimed(world, worker, second)
    assert lose(world, worker)
    [result] = world.results(run_id)
    assert (result.status, result.worker_id) == ("unconfirmed", None)
    assert "lost" in result.detail
    assert all(result.worker_id is None for result in world.results(second))
    assert reservations(world) == 1
    with world.runtime.database.reading() as session:
        held = select(func.count()).where(ConnectionSlot.worker_id.is_not(None))
        assert session.scalar(held) == 0
    assert not lose(world, worker)
    world.statuses(run_id)


def test_a_worker_that_has_beaten_since_is_not_lost(world: World, worker: WorkerProcess) -> None:
    with world.runtime.database.reading() as session:
        seen = session.get_one(Worker, worker.id)
    worker.heartbeat()
    with world.runtime.database.writing() as session:
        assert not recovery.declare_lost(session, seen)


def test_a_worker_that_finds_itself_lost_registers_again(world: World, worker: WorkerProcess) -> None:
    before = worker.id
    lose(world, worker)
    assert not worker.heartbeat()
    assert worker.id != before
    assert worker.heartbeat()


def test_a_beat_that_stands_still_counts_only_while_the_observer_can_write(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [0.0]
    monkeypatch.setattr(recovery, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    watch = HeartbeatMonitor()
    for own_beats in (1, 2, 3):
        watch.observe({7: 5}, own_beats, longest_step=10)
        clock[0] += 5
    assert watch.still[7] == 10
    clock[0] += 60  # the database was locked: no worker could send a heartbeat, nor could the observer
    watch.observe({7: 5}, 3, longest_step=10)
    assert watch.still[7] == 10
    clock[0] += 86_400  # a round that took a day counts as one that took ten seconds
    watch.observe({7: 5}, 4, longest_step=10)
    assert watch.still[7] == 20
    watch.observe({7: 6}, 5, longest_step=10)
    assert watch.still[7] == 0


def test_the_sweep_loses_a_worker_whose_process_is_gone_at_once(world: World, worker: WorkerProcess) -> None:
    run_id, *_ = marked(world, worker)
    with world.runtime.database.writing() as session:
        session.execute(update(Worker).where(Worker.id == worker.id).values(pid_started=1))
    recovery.sweep(world.runtime, WorkerProcess(world.runtime.database), HeartbeatMonitor())
    assert world.statuses(run_id) == ["unconfirmed"]


def test_what_a_worker_that_has_left_could_not_write_is_unconfirmed(
    world: World, worker: WorkerProcess
) -> None:
    run_id, *_ = marked(world, worker)
    worker.leave()
    recovery.sweep(world.runtime, WorkerProcess(world.runtime.database), HeartbeatMonitor())
    assert world.statuses(run_id) == ["unconfirmed"]
    with world.runtime.database.reading() as session:
        assert session.scalars(select(Attempt.outcome)).one() == Outcome.UNKNOWN


def test_a_drain_that_breaks_leaves_nothing_on_the_wire(
    world: World, worker: WorkerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After an unexpected error, what was handed over is `unconfirmed`, everything else is free."""
    for _ in range(20):
        world.add()

    def failing_next_state(*_: object) -> None:
        raise OverflowError("unforeseen")

    monkeypatch.setattr(attempts, "next_state", failing_next_state)
    run_id = world.run()
    world.start(run_id)
    with pytest.raises(OverflowError):
        drain.drain(world.runtime, worker, run_id)
    results = world.results(run_id)
    there = len(world.server.taken)
    assert {result.status for result in results} == {"unconfirmed", "ready"}
    assert sum(result.status == "unconfirmed" for result in results) >= there
    assert all(result.worker_id is None for result in results)
    assert "unforeseen" in next(r.detail for r in results if r.status == "unconfirmed")
    with world.runtime.database.reading() as session:
        assert set(session.scalars(select(Attempt.outcome))) == {Outcome.UNKNOWN}
    monkeypatch.undo()
    world.work(worker, run_id)
    assert set(world.statuses(run_id)) == {"sent", "unconfirmed"}
    recipients = [taken.recipients for taken in world.server.taken]
    assert len(recipients) == len(set(recipients))


def test_the_sweep_does_not_lose_a_living_one(world: World, worker: WorkerProcess) -> None:
    run_id, *_ = marked(world, worker)
    other, watch = WorkerProcess(world.runtime.database), HeartbeatMonitor()
    for _ in range(3):
        other.heartbeat()
        recovery.sweep(world.runtime, other, watch)
    assert world.statuses(run_id) == ["sending"]


def test_process_started_tells_the_dead_from_the_living() -> None:
    assert workers.process_started(os.getpid())
    child = subprocess.Popen(["true"])
    child.wait()
    assert workers.process_started(child.pid) is None


def test_a_slow_mark_gives_the_connection_up(
    world: World, worker: WorkerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After half a lease the dot does not go out: others may have declared this worker lost by then."""
    world.add()
    real = world.runtime
    world.runtime = replace(real, settings=replace(real.settings, lease=0.0))
    run_id = world.run()
    world.start(run_id)
    for _ in range(2):
        drain.drain(world.runtime, worker, run_id)
    assert world.server.taken == []
    assert world.statuses(run_id) == ["deferred"]
    assert reservations(world) == 0


def test_a_database_locked_after_the_250_is_waited_for(world: World, worker: WorkerProcess) -> None:
    """The 250 is written as soon as the database can be: nothing is lost and no one gets it twice (F13)."""
    if not world.runtime.database.is_sqlite:
        return  # there no other process can keep every writer out

    world.server.delay = 0.3
    world.add()
    run_id = world.run()
    world.start(run_id)
    path = world.runtime.database.url.database
    assert path is not None
    draining = threading.Thread(target=drain.drain, args=(world.runtime, worker, run_id))
    draining.start()
    while world.statuses(run_id) != ["sending"]:
        worker.stopping.wait(0.005)
    locker = sqlite3.connect(path, isolation_level=None)
    locker.execute("BEGIN IMMEDIATE")
    while not world.server.taken:
        worker.stopping.wait(0.01)
    worker.stopping.wait(0.5)
    assert world.statuses(run_id) == ["sending"]
    locker.execute("COMMIT")
    draining.join()
    assert world.statuses(run_id) == ["sent"]
    assert len(world.server.taken) == 1
