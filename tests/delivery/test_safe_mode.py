"""Safe mode: a rehearsal takes no reservation and hides nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from tests.delivery.sending import send_again, sent
from tests.world import World
from webapp.access import OPERATOR
from webapp.results import queries
from webapp.store.runs import Result, Run
from webapp.store.statuses import ResultStatus
from webapp.workers import WorkerProcess


@contextmanager
def rehearsing(world: World) -> Iterator[None]:
    """Every mail is redirected while the block lasts."""
    real = world.runtime
    world.runtime = replace(real, settings=replace(real.settings, redirect_to="rehearsal@example.com"))
    try:
        yield
    finally:
        world.runtime = real


def test_a_redirected_rehearsal_then_the_real_run(world: World, worker: WorkerProcess) -> None:
    for _ in range(5):
        world.add()
    with rehearsing(world):
        rehearsal = world.run(bcc=["archive@example.com"])
        world.start(rehearsal)
        world.work(worker, rehearsal)
    assert {taken.recipients for taken in world.server.taken} == {("rehearsal@example.com",)}
    assert b"X-Mailrun-Recipients: billing." in world.server.taken[0].data
    assert all(result.redirected for result in world.results(rehearsal))
    world.server.taken.clear()
    run_id = world.run()
    assert world.statuses(run_id) == ["ready"] * 5
    world.start(run_id)
    world.work(worker, run_id)
    assert len(world.server.taken) == 5
    for_real = send_again(world, rehearsal, status="sent")
    assert sum(for_real.unchanged.values()) == 5  # another run has sent them


def test_a_redirected_result_can_be_sent_for_real_without_a_question(
    world: World, worker: WorkerProcess
) -> None:
    world.add()
    with rehearsing(world):
        run_id = world.deliver(worker)
    assert send_again(world, run_id, status="sent").changed == 1
    world.work(worker, run_id)
    assert [taken.recipients[0][:8] for taken in world.server.taken] == ["rehearsa", "billing."]


def test_the_rehearsal_of_a_mail_that_a_customer_has_does_not_make_it_unsent(
    world: World, worker: WorkerProcess
) -> None:
    run_id = sent(world, worker)
    with rehearsing(world):
        assert send_again(world, run_id, confirmed=True).changed == 1
        world.work(worker, run_id)
    assert [result.redirected for result in world.results(run_id)] == [True]
    assert send_again(world, run_id, status="sent").changed == 0
    with world.runtime.database.reading() as session:
        found = queries.statuses_of(session, OPERATOR, [Result.run_id == run_id])
    assert found == {ResultStatus.SENT: 1}  # so the page asks
    assert send_again(world, run_id, confirmed=True).changed == 1


def test_a_rehearsed_mail_that_another_run_has_sent_is_asked_about(
    world: World, worker: WorkerProcess
) -> None:
    world.add()
    with rehearsing(world):
        rehearsal = world.deliver(worker)
    world.deliver(worker)
    with world.runtime.database.reading() as session:
        run = session.get_one(Run, rehearsal)
        asked, _ = queries.asked_about(session, OPERATOR, run, [Result.run_id == rehearsal])
    assert asked == 1
    assert send_again(world, rehearsal).changed == 0
    assert send_again(world, rehearsal, confirmed=True).changed == 1
