"""A run that starts at a time, and sends nothing after another: exact, once, and told."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from tests.mailserver import MailServer
from tests.world import World
from webapp.access import OPERATOR
from webapp.delivery import claims, recovery
from webapp.delivery.attempts import ClaimRef, RunStopped
from webapp.errors import Refused
from webapp.lifecycle import scheduling
from webapp.messages.inputs import load_inputs
from webapp.new_run import creation, generation
from webapp.results import resend
from webapp.results.bulk import BulkSelection
from webapp.store.runs import Run
from webapp.store.statuses import RunStatus
from webapp.store.users import AuditEntry, User
from webapp.users.accounts import create_user
from webapp.workers import WorkerProcess

HOUR = timedelta(hours=1)
Sweep = Callable[[], None]


def later(hours: float = 1) -> datetime:
    return datetime.now(UTC) + hours * HOUR


@pytest.fixture
def sweep(world: World, worker: WorkerProcess) -> Sweep:
    watch = recovery.HeartbeatMonitor()

    def one_round() -> None:
        recovery.sweep(world.runtime, worker, watch)

    return one_round


def create(world: World, start_at: datetime | None = None, send_until: datetime | None = None) -> int:
    """A run that starts by itself, at this time."""
    wanted = creation.RunRequest(world.choice(), start=True, start_at=start_at, send_until=send_until)
    with world.runtime.database.writing() as session:
        run = creation.create(session, world.runtime.queue, wanted, OPERATOR)
    generation.generate(world.runtime, run.id)
    return run.id


def set_columns(world: World, run_id: int, **columns: object) -> None:
    """Let time pass: a run's times are moved into the past."""
    with world.runtime.database.writing() as session:
        session.execute(update(Run).where(Run.id == run_id).values(**columns))


def stored(world: World, run_id: int) -> Run:
    with world.runtime.database.reading() as session:
        return session.get_one(Run, run_id)


def change(world: World, run_id: int, start_at: datetime | None, send_until: datetime | None) -> str:
    with world.runtime.database.writing() as session:
        return scheduling.change_window(session, world.runtime.queue, run_id, OPERATOR, start_at, send_until)


def test_it_starts_at_its_time_and_not_before(
    world: World, worker: WorkerProcess, sweep: Sweep, server: MailServer
) -> None:
    world.add("a@x.test")
    run_id = create(world, later())
    sweep()
    assert world.status(run_id) == RunStatus.CREATED
    set_columns(world, run_id, start_at=later(-0.001))
    sweep()
    assert world.status(run_id) == RunStatus.RUNNING
    world.work(worker, run_id)
    assert world.statuses(run_id) == ["sent"]
    assert len(server.taken) == 1


def test_many_sweeps_at_once_start_it_once(world: World) -> None:
    world.add("a@x.test")
    run_id = create(world, later())
    set_columns(world, run_id, start_at=later(-0.001))

    def start() -> None:
        with world.runtime.database.writing() as session:
            scheduling.start_due(session, world.runtime.queue, run_id)

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with world.runtime.database.reading() as session:
        starts = session.scalars(select(AuditEntry).where(AuditEntry.action == "start")).all()
    assert len(starts) == 1


def test_one_who_may_no_longer_send_starts_nothing(world: World, sweep: Sweep) -> None:
    world.add("a@x.test")
    run_id = create(world, later())
    with world.runtime.database.writing() as session:
        create_user(session, "jonas@x.test", "correct horse battery", "manager")
    set_columns(world, run_id, start_at=later(-0.001), created_by="jonas@x.test")
    with world.runtime.database.writing() as session:
        session.execute(update(User).values(disabled_at=datetime.now(UTC)))
    sweep()
    run = stored(world, run_id)
    assert (run.status, run.start_at, run.problem) == (RunStatus.CREATED, None, scheduling.MAY_NOT_SEND)


def test_stop_calls_the_start_off_and_start_does_not_wait_for_it(world: World, sweep: Sweep) -> None:
    world.add("a@x.test")
    run_id = create(world, later())
    assert "no longer starts by itself" in world.stop(run_id)
    assert stored(world, run_id).start_at is None
    change(world, run_id, later(), None)
    assert world.start(run_id) == "Started."
    assert stored(world, run_id).start_at is None


def test_what_is_left_at_the_end_is_skipped_as_too_late(
    world: World, worker: WorkerProcess, sweep: Sweep, server: MailServer
) -> None:
    for address in ("a@x.test", "greylist-9.b@x.test", "reject-550.c@x.test"):
        world.add(address)
    run_id = create(world, send_until=later())
    world.work(worker, run_id, rounds=1)
    assert world.statuses(run_id) == ["sent", "deferred", "failed"]
    set_columns(world, run_id, send_until=later(-0.001))
    sweep()
    assert world.statuses(run_id) == ["sent", "skipped", "failed"]
    assert [result.reason for result in world.results(run_id)] == ["", "too_late", ""]
    assert world.status(run_id) == RunStatus.FINISHED
    sweep()
    assert len(server.taken) == 1


@pytest.mark.parametrize("stopped", [False, True])
def test_a_run_that_sends_nothing_at_its_end_is_ended_too(world: World, sweep: Sweep, stopped: bool) -> None:
    world.add("a@x.test")
    run_id = create(world, later(), later(2))
    if stopped:
        world.start(run_id)
        world.stop(run_id)
    set_columns(world, run_id, start_at=None, send_until=later(-0.001))
    sweep()
    assert (world.status(run_id), world.statuses(run_id)) == (RunStatus.FINISHED, ["skipped"])
    assert (stored(world, run_id).started_at is not None) == stopped


def test_no_attempt_starts_after_the_end(world: World, worker: WorkerProcess, sweep: Sweep) -> None:
    world.add("a@x.test")
    run_id = create(world, send_until=later())
    with world.runtime.database.writing() as session:
        claim = claims.claim(session, run_id, worker.id, 10)
        [work] = load_inputs(session, claim.result_ids)
    set_columns(world, run_id, send_until=later(-0.001))
    with pytest.raises(RunStopped):
        world.mark(work, ClaimRef(worker.id, claim.token, 1))
    with world.runtime.database.writing() as session:
        assert claims.claim(session, run_id, worker.id, 10).picked == 0
    sweep()
    assert world.statuses(run_id) == ["skipped"]


def test_what_is_on_the_wire_at_the_end_is_left_to_its_outcome(
    world: World, worker: WorkerProcess, sweep: Sweep
) -> None:
    world.add("a@x.test")
    run_id = create(world, send_until=later())
    with world.runtime.database.writing() as session:
        claim = claims.claim(session, run_id, worker.id, 10)
        [work] = load_inputs(session, claim.result_ids)
    world.mark(work, ClaimRef(worker.id, claim.token, 1))
    set_columns(world, run_id, send_until=later(-0.001))
    sweep()
    assert (world.status(run_id), world.statuses(run_id)) == (RunStatus.RUNNING, ["sending"])


def test_send_again_after_the_end_asks_for_a_later_one(
    world: World, worker: WorkerProcess, sweep: Sweep, server: MailServer
) -> None:
    world.add("a@x.test")
    run_id = create(world, later(), later(2))
    set_columns(world, run_id, start_at=None, send_until=later(-0.001))
    sweep()
    [result] = world.results(run_id)

    def send_again() -> None:
        with world.runtime.database.writing() as session:
            chosen = BulkSelection(run_id, (result.id,))
            resend.send_again(session, world.runtime.queue, chosen, OPERATOR)

    with pytest.raises(Refused, match="Set a later time"):
        send_again()
    assert change(world, run_id, None, later()) == "Changed."
    send_again()
    world.work(worker, run_id)
    assert world.statuses(run_id) == ["sent"]
    assert len(server.taken) == 1


@pytest.mark.parametrize(
    ("start", "until", "words"),
    [
        (-1, None, "The time of the start has passed"),
        (None, -1, "after which nothing is sent has passed"),
        (2, 1, "Nothing could be sent"),
    ],
)
def test_times_between_which_nothing_can_be_sent_are_refused(
    world: World, start: float | None, until: float | None, words: str
) -> None:
    world.add("a@x.test")
    times = [later(each) if each else None for each in (start, until)]
    with pytest.raises(Refused, match=words):
        create(world, *times)
    run_id = create(world, later())
    with pytest.raises(Refused, match=words):
        change(world, run_id, *times)


def test_a_run_that_has_started_cannot_be_given_a_start(world: World) -> None:
    world.add("a@x.test")
    run_id = world.run(start=True)
    with pytest.raises(Refused, match="has been started already"):
        change(world, run_id, later(), None)
    assert change(world, run_id, None, later()) == "Changed."
    assert change(world, run_id, None, stored(world, run_id).send_until) == "Nothing was changed."
