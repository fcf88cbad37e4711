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

from tests.world import World
from webapp import workers
from webapp.access import OPERATOR
from webapp.delivery import attempts, claims, drain, recovery
from webapp.delivery.attempts import AttemptEnd, ClaimRef, StartedAttempt
from webapp.delivery.claims import Claim
from webapp.delivery.recovery import HeartbeatMonitor
from webapp.delivery.settlement import AttemptOutcome
from webapp.lifecycle import runs
from webapp.mailservers import connection_slots
from webapp.messages.inputs import MessageInput, load_inputs
from webapp.results import actions, resend
from webapp.results.bulk import BulkSelection
from webapp.store.mailservers import ConnectionSlot, MailServer
from webapp.store.runs import Attempt, Reservation
from webapp.store.statuses import Outcome, ResultStatus
from webapp.store.workers import Worker
from webapp.workers import WorkerProcess

ACCEPTED = AttemptOutcome(Outcome.ACCEPTED, ResultStatus.SENT, "dot", 250, "250 ok")
REFUSED = AttemptOutcome(Outcome.REFUSED, ResultStatus.FAILED, "dot", 554, "554 no", "554 no")
NOT_GONE = AttemptOutcome(Outcome.BROKEN, ResultStatus.READY, "dot", detail="given up before the final dot")


def claimed(world: World, worker: WorkerProcess, run_id: int) -> tuple[Claim, list[MessageInput]]:
    with world.runtime.database.writing() as session:
        claim = claims.claim(session, run_id, worker.id, 10)
        return claim, load_inputs(session, claim.result_ids)


def marked(
    world: World, worker: WorkerProcess, *, add: bool = True
) -> tuple[int, MessageInput, ClaimRef, StartedAttempt]:
    """A run of one result that is on the wire."""
    if add:
        world.add()
    run_id = world.run()
    world.start(run_id)
    claim, [work] = claimed(world, worker, run_id)
    with world.runtime.database.reading() as session:
        server_id = session.scalars(select(MailServer.id)).one()
    claim_ref = ClaimRef(worker.id, claim.token, server_id)
    return run_id, work, claim_ref, world.mark(work, claim_ref)


def settle(
    world: World, work: MessageInput, claim_ref: ClaimRef, outcome: AttemptOutcome, mark: StartedAttempt
) -> None:
    settled = AttemptEnd(work, claim_ref, outcome, mark)
    with world.runtime.database.writing() as session:
        attempts.commit_round(session.connection(), world.runtime.settings, work.run_id, [], [settled])


def lose(world: World, worker: WorkerProcess) -> bool:
    with world.runtime.database.writing() as session:
        return recovery.declare_lost(session, session.get_one(Worker, worker.id))


def reservations(world: World) -> int:
    with world.runtime.database.reading() as session:
        return session.scalar(select(func.count()).select_from(Reservation)) or 0


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


def test_a_worker_that_finds_itself_lost_registers_anew(world: World, worker: WorkerProcess) -> None:
    before = worker.id
    lose(world, worker)
    assert not worker.heartbeat()
    assert worker.id != before
    assert worker.heartbeat()


@pytest.mark.parametrize(
    ("proof", "status", "reserved"),
    [(ACCEPTED, "sent", 1), (REFUSED, "failed", 0), (NOT_GONE, "deferred", 0)],
)
def test_a_late_proof_settles_a_doubt(
    world: World, worker: WorkerProcess, proof: AttemptOutcome, status: str, reserved: int
) -> None:
    run_id, work, claim_ref, mark = marked(world, worker)
    lose(world, worker)
    settle(world, work, claim_ref, proof, mark)
    assert world.statuses(run_id) == [status]
    assert reservations(world) == reserved


def finish(world: World, run_id: int) -> bool:
    with world.runtime.database.writing() as session:
        return runs.finish_if_done(session, run_id)


def test_a_late_proof_that_a_mail_did_not_go_out_lets_a_finished_run_go_on(
    world: World, worker: WorkerProcess
) -> None:
    """Or it would be deferred forever: no worker sends for a finished run."""
    run_id, work, claim_ref, mark = marked(world, worker)
    lose(world, worker)
    assert finish(world, run_id)
    settle(world, work, claim_ref, NOT_GONE, mark)
    assert (world.status(run_id), world.statuses(run_id)) == ("running", ["deferred"])
    worker.heartbeat()
    world.work(worker, run_id)
    assert (world.status(run_id), world.statuses(run_id)) == ("finished", ["sent"])
    assert len(world.server.taken) == 1


def test_a_run_does_not_finish_beside_a_proof_that_is_just_being_written(
    world: World, worker: WorkerProcess
) -> None:
    run_id, work, claim_ref, mark = marked(world, worker)
    lose(world, worker)
    finished = list[bool]()
    finishing = threading.Thread(target=lambda: finished.append(finish(world, run_id)))
    with world.runtime.database.writing() as session:
        settled = AttemptEnd(work, claim_ref, NOT_GONE, mark)
        attempts.commit_round(session.connection(), world.runtime.settings, run_id, [], [settled])
        finishing.start()
        finishing.join(0.5)
    finishing.join()
    assert finished == [False]
    assert world.status(run_id) == "running"


def test_a_late_proof_does_not_undo_what_a_person_has_decided(world: World, worker: WorkerProcess) -> None:
    run_id, work, claim_ref, mark = marked(world, worker)
    lose(world, worker)
    with world.runtime.database.writing() as session:
        chosen = BulkSelection(run_id, status="unconfirmed")
        resend.send_again(session, world.runtime.queue, chosen, OPERATOR, confirmed=True)
    settle(world, work, claim_ref, ACCEPTED, mark)
    assert world.statuses(run_id) == ["ready"]
    with world.runtime.database.reading() as session:
        assert session.get_one(Attempt, mark.attempt_id).outcome == "accepted"  # the record tells the truth


def test_settling_twice_is_settling_once(world: World, worker: WorkerProcess) -> None:
    run_id, work, claim_ref, mark = marked(world, worker)
    for _ in range(2):
        settle(world, work, claim_ref, ACCEPTED, mark)
    assert world.statuses(run_id) == ["sent"]
    assert world.results(run_id)[0].attempts == 1


def test_a_mark_that_may_have_been_committed_is_taken_back(world: World, worker: WorkerProcess) -> None:
    run_id, work, claim_ref, _ = marked(world, worker)
    for _ in range(2):
        with world.runtime.database.writing() as session:
            attempts.undo_starts(session, [world.attempt_start(work, claim_ref)])
    assert world.statuses(run_id) == ["ready"]
    assert reservations(world) == 0


def test_a_mark_is_taken_back_though_its_worker_was_declared_lost_meanwhile(
    world: World, worker: WorkerProcess
) -> None:
    run_id, work, claim_ref, mark = marked(world, worker)
    lose(world, worker)
    assert finish(world, run_id)
    for _ in range(2):
        with world.runtime.database.writing() as session:
            attempts.undo_starts(session, [world.attempt_start(work, claim_ref)])
    assert (world.status(run_id), world.statuses(run_id)) == ("running", ["deferred"])
    assert (world.results(run_id)[0].detail, reservations(world)) == ("", 0)
    with world.runtime.database.reading() as session:
        assert session.get_one(Attempt, mark.attempt_id).outcome == Outcome.HELD
    worker.heartbeat()
    world.work(worker, run_id)
    assert world.statuses(run_id) == ["sent"]


def test_a_mark_is_not_taken_back_once_a_person_has_decided(world: World, worker: WorkerProcess) -> None:
    run_id, work, claim_ref, _ = marked(world, worker)
    lose(world, worker)
    with world.runtime.database.writing() as session:
        actions.confirm_sent(session, BulkSelection(run_id), OPERATOR)
    with world.runtime.database.writing() as session:
        attempts.undo_starts(session, [world.attempt_start(work, claim_ref)])
    assert (world.statuses(run_id), reservations(world)) == (["sent"], 1)


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

    def fate_of(*_: object) -> None:
        raise OverflowError("nobody could foresee this")

    monkeypatch.setattr(attempts, "next_state", fate_of)
    run_id = world.run()
    world.start(run_id)
    with pytest.raises(OverflowError):
        drain.drain(world.runtime, worker, run_id)
    results = world.results(run_id)
    there = len(world.server.taken)
    assert {result.status for result in results} == {"unconfirmed", "ready"}
    assert sum(result.status == "unconfirmed" for result in results) >= there
    assert all(result.worker_id is None for result in results)
    assert "nobody could foresee this" in next(r.detail for r in results if r.status == "unconfirmed")
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
