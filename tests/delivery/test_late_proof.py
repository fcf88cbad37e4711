"""What comes after a doubt: a late proof, or a start that is undone."""

from __future__ import annotations

import threading

import pytest

from tests.delivery.started import ACCEPTED, NOT_GONE, REFUSED, finish, lose, marked, reservations, settle
from tests.world import World
from webapp.access import OPERATOR
from webapp.delivery import attempts
from webapp.delivery.attempts import AttemptEnd
from webapp.delivery.settlement import AttemptOutcome
from webapp.results import actions, resend
from webapp.results.bulk import BulkSelection
from webapp.store.runs import Attempt
from webapp.store.statuses import Outcome
from webapp.workers import WorkerProcess


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
