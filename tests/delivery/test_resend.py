"""Send again: what is asked about, and for what a yes counts."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from functools import partial
from typing import Any

import pytest
from sqlalchemy import func, select

from tests import factories
from tests.delivery.sending import send_again, sent
from tests.world import World
from webapp.access import OPERATOR
from webapp.errors import Refused
from webapp.lifecycle.results import LockedResult, lock_results, transition
from webapp.new_run import creation, generation
from webapp.results import actions, queries, resend, splitting
from webapp.results.bulk import CHANGED_SINCE, BulkOutcome, BulkSelection
from webapp.store.customers import Customer
from webapp.store.runs import Reservation, Result, Run
from webapp.store.statuses import ResultStatus
from webapp.store.types import now
from webapp.workers import WorkerProcess


def test_send_again_of_a_sent_one_asks_and_sends_one_more(world: World, worker: WorkerProcess) -> None:
    run_id = sent(world, worker)
    refused = send_again(world, run_id, status="sent")
    assert (refused.changed, len(refused.unchanged)) == (0, 1)
    done = send_again(world, run_id, status="sent", confirmed=True)
    assert done.changed == 1
    assert world.status(run_id) == "running"
    again = send_again(world, run_id, status="ready", confirmed=True)  # pressed twice
    assert again.changed == 0
    world.work(worker, run_id)
    assert len(world.server.taken) == 2
    first, second = (taken.data.split(b"Message-ID: ")[1].split(b"\r\n")[0] for taken in world.server.taken)
    assert first != second
    with world.runtime.database.reading() as session:
        assert session.scalar(select(func.max(Reservation.copy))) == 2


@pytest.mark.security("C24")
def test_two_send_agains_at_once_send_one_more(world: World, worker: WorkerProcess) -> None:
    run_id = sent(world, worker)
    done: list[BulkOutcome] = []
    threads = [
        threading.Thread(target=lambda: done.append(send_again(world, run_id, confirmed=True)))
        for _ in range(5)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(each.changed for each in done) == [0, 0, 0, 0, 1]
    world.work(worker, run_id)
    assert len(world.server.taken) == 2


def test_a_failed_one_is_checked_again_and_sent(world: World, worker: WorkerProcess) -> None:
    world.add("data-554-1.someone@customers.test")
    run_id = world.deliver(worker)
    assert world.statuses(run_id) == ["failed"]
    assert send_again(world, run_id, status="failed").changed == 1
    world.work(worker, run_id)
    assert world.statuses(run_id) == ["sent"]
    assert len(world.server.taken) == 1


def test_a_skipped_one_is_sent_once_its_data_are_fixed(world: World, worker: WorkerProcess) -> None:
    _, invoice = world.add(documents=False)
    run_id = world.run()
    world.start(run_id)
    done = send_again(world, run_id, reason="no_attachment")
    assert done.unchanged == {"a document is missing": 1}
    with world.runtime.database.writing() as session:
        factories.document(session, world.runtime.documents, invoice)
    assert send_again(world, run_id, reason="no_attachment").changed == 1
    world.work(worker, run_id)
    assert world.statuses(run_id) == ["sent"]


def test_remove_and_put_back(world: World, worker: WorkerProcess) -> None:
    for _ in range(3):
        world.add()
    world.add("")
    run_id = world.run()
    with world.runtime.database.writing() as session:
        done = actions.remove(session, BulkSelection(run_id), OPERATOR)
    assert done.changed == 4
    assert world.statuses(run_id) == ["removed"] * 4
    with world.runtime.database.writing() as session:
        actions.put_back(session, world.runtime.queue, BulkSelection(run_id, done.ids[1:]), OPERATOR)
    assert world.statuses(run_id) == ["removed", "ready", "ready", "skipped"]
    world.start(run_id)
    world.work(worker, run_id)
    assert world.statuses(run_id) == ["removed", "sent", "sent", "skipped"]
    assert len(world.server.taken) == 2


def test_a_yes_for_what_was_sent_is_none_for_what_is_skipped_otherwise(
    world: World, worker: WorkerProcess
) -> None:
    """It may be fixed later: then it is sent already, by the run before, and asked about."""
    payer, _ = world.add()
    world.add()
    world.deliver(worker)
    with world.runtime.database.writing() as session:
        session.get_one(Customer, payer.id).suspended = True
    second = world.run()
    assert sorted(result.reason for result in world.results(second)) == ["already_sent", "suspended"]
    world.start(second)
    assert send_again(world, second, confirmed=True).changed == 1
    with world.runtime.database.writing() as session:
        session.get_one(Customer, payer.id).suspended = False
    assert send_again(world, second, reason="suspended").changed == 0
    assert send_again(world, second, reason="already_sent", confirmed=True).changed == 1


def test_a_yes_that_changed_nothing_is_none_for_later(world: World, worker: WorkerProcess) -> None:
    payer, _ = world.add()
    world.deliver(worker)
    second = world.run()
    world.start(second)
    with world.runtime.database.writing() as session:
        session.get_one(Customer, payer.id).suspended = True
    assert send_again(world, second, confirmed=True).unchanged == {"the customer is suspended": 1}
    with world.runtime.database.writing() as session:
        session.get_one(Customer, payer.id).suspended = False
    assert send_again(world, second).changed == 0
    assert [result.reason for result in world.results(second)] == ["already_sent"]


def test_a_yes_is_none_for_what_another_run_has_sent_since(world: World, worker: WorkerProcess) -> None:
    first = sent(world, worker)
    second = world.run()
    with world.runtime.database.reading() as session:
        run = session.get_one(Run, second)
        asked, as_of = queries.asked_about(session, OPERATOR, run, [Result.run_id == second])
    assert asked == 1
    assert send_again(world, first, confirmed=True).changed == 1
    world.work(worker, first)
    with world.runtime.database.writing() as session:
        chosen, queue = BulkSelection(second, as_of=as_of), world.runtime.queue
        done = resend.send_again(session, queue, chosen, OPERATOR, confirmed=True)
    assert done.unchanged == {CHANGED_SINCE: 1}
    assert len(world.server.taken) == 2
    assert send_again(world, second, confirmed=True).changed == 1  # asked again


def both_failed_here(world: World) -> tuple[int, int]:
    """Two runs of the same two invoices, of which the first failed both."""
    world.add()
    world.add()
    first, second = world.run(), world.run()
    for step, values in ((ResultStatus.SENDING, {"token": "t"}), (ResultStatus.FAILED, {})):
        with world.runtime.database.writing() as session:
            transition(session, first, lock_results(session, Result.run_id == first), step, values=values)
    return first, second


def test_a_yes_is_none_for_what_another_run_sends_during_the_press(
    world: World, worker: WorkerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    if world.runtime.database.is_sqlite:
        pytest.skip("SQLite has one writer: nothing is sent during a press")
    first, second = both_failed_here(world)
    world.start(second)
    chosen = BulkSelection(first, as_of=now())

    def look_while_the_other_run_sends(*args: Any, **options: Any) -> Iterable[tuple[LockedResult, str]]:
        looked_at = list(splitting.recheck_all(*args, **options))
        if looked_at and world.status(second) == "running":
            sending = threading.Thread(target=world.work, args=(worker, second))
            sending.start()
            sending.join()
        return looked_at

    monkeypatch.setattr(resend, "recheck_all", look_while_the_other_run_sends)
    with world.runtime.database.writing() as session:
        resend.send_again(session, world.runtime.queue, chosen, OPERATOR, confirmed=True)
    world.start(first)
    world.work(worker, first)
    assert len(world.server.taken) == 2
    assert [result.reason for result in world.results(first)] == ["already_sent"] * 2


def test_a_yes_is_for_as_many_as_were_asked_about(world: World, worker: WorkerProcess) -> None:
    """What had gone out before the question may be known only after it: its commit was under way."""
    first, second = both_failed_here(world)
    world.start(second)
    world.work(worker, second)
    for asked, done in ((1, None), (2, 2)):
        chosen = BulkSelection(first, as_of=now(), may_come_twice=asked)
        with world.runtime.database.writing() as session:
            press = partial(resend.send_again, session, world.runtime.queue, chosen, OPERATOR, confirmed=True)
            if done is None:
                with pytest.raises(Refused, match="Another run has just sent some of these"):
                    press()
            else:
                assert press().changed == done


def test_what_another_run_sends_again_while_a_list_is_made_is_sent_again_once(
    world: World, worker: WorkerProcess
) -> None:
    sent(world, worker)
    first = world.run(resend_already_sent=True)
    with world.runtime.database.writing() as session:
        queue, choice = world.runtime.queue, world.choice(resend_already_sent=True)
        second = creation.create(session, queue, creation.RunRequest(choice, start=True), OPERATOR)
    world.start(first)
    world.work(worker, first)
    generation.generate(world.runtime, second.id)
    world.work(worker, second.id)
    assert [result.reason for result in world.results(second.id)] == ["already_sent"]
    assert len(world.server.taken) == 2


def test_a_version_that_is_sent_through_another_server_needs_a_run_of_its_own(world: World) -> None:
    world.add()
    run_id = world.run()
    with world.runtime.database.writing() as session:
        elsewhere = factories.mail_server(session, name="elsewhere", port=1)
        session.merge(world.definition).sender.mail_server_id = elsewhere.id
    with (
        world.runtime.database.writing() as session,
        pytest.raises(Refused, match="Create a new run"),
    ):
        resend.send_again(
            session, world.runtime.queue, BulkSelection(run_id), OPERATOR, confirmed=True, todays_version=True
        )
