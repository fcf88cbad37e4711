"""Never twice: reservations, two runs side by side, Send again, the redirect of safe mode."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from tests import factories, foreign_keys
from tests.world import World
from webapp.access import OPERATOR
from webapp.errors import Refused
from webapp.lifecycle.results import LockedResult, lock_results, transition
from webapp.new_run import creation, generation
from webapp.results import actions, queries, resend, splitting
from webapp.results.bulk import CHANGED_SINCE, BulkOutcome, BulkSelection
from webapp.store.customers import Customer
from webapp.store.invoices import Invoice
from webapp.store.runs import Reservation, Result, ResultInvoice, Run
from webapp.store.statuses import ResultStatus
from webapp.store.types import now
from webapp.workers import WorkerProcess


def send_again(
    world: World, run_id: int, *, confirmed: bool = False, status: str = "", reason: str = ""
) -> BulkOutcome:
    chosen = BulkSelection(run_id, status=status, reason=reason)
    with world.runtime.database.writing() as session:
        return resend.send_again(session, world.runtime.queue, chosen, OPERATOR, confirmed=confirmed)


def sent(world: World, worker: WorkerProcess, customers: int = 1) -> int:
    for _ in range(customers):
        world.add()
    run_id = world.deliver(worker)
    assert world.statuses(run_id) == ["sent"] * customers
    return run_id


def test_a_second_run_finds_all_already_sent(world: World, worker: WorkerProcess) -> None:
    sent(world, worker, 3)
    second = world.run()
    assert [result.reason for result in world.results(second)] == ["already_sent"] * 3


def test_two_runs_made_before_either_starts_send_each_invoice_once(
    world: World, worker: WorkerProcess
) -> None:
    for _ in range(40):
        world.add()
    world.server.delay = 0.01
    runs = [world.run(), world.run()]
    assert all(world.statuses(run_id) == ["ready"] * 40 for run_id in runs)
    others = WorkerProcess(world.runtime.database)
    for run_id in runs:
        world.start(run_id)
    threads = [
        threading.Thread(target=world.work, args=(life, run_id))
        for life, run_id in zip([worker, others], runs, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(world.server.taken) == 40
    assert len({taken.recipients for taken in world.server.taken}) == 40
    found = world.statuses(runs[0]) + world.statuses(runs[1])
    assert found.count("sent") == 40
    assert found.count("skipped") == 40


def test_the_same_run_told_to_send_again_those_already_sent(world: World, worker: WorkerProcess) -> None:
    """Two such runs take the same next copy number: one more mail, not two."""
    sent(world, worker)
    runs = [world.run(resend_already_sent=True), world.run(resend_already_sent=True)]
    for run_id in runs:
        world.start(run_id)
        world.work(worker, run_id)
    assert len(world.server.taken) == 2
    assert world.statuses(runs[0]) == ["sent"]
    assert world.statuses(runs[1]) == ["skipped"]


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


def test_an_unconfirmed_one_is_never_sent_by_itself_nor_by_another_run(
    world: World, worker: WorkerProcess
) -> None:
    world.add("cut-ack.someone@customers.test")
    run_id = world.deliver(worker)
    assert world.statuses(run_id) == ["unconfirmed"]
    with world.runtime.database.writing() as session:
        actions.remove(session, BulkSelection(run_id, status="unconfirmed"), OPERATOR)
    second = world.run()
    assert [result.reason for result in world.results(second)] == ["already_sent"]
    assert len(world.server.taken) == 1


def test_a_failed_one_is_looked_at_anew_and_sent(world: World, worker: WorkerProcess) -> None:
    world.add("data-554-1.someone@customers.test")
    run_id = world.deliver(worker)
    assert world.statuses(run_id) == ["failed"]
    assert send_again(world, run_id, status="failed").changed == 1
    world.work(worker, run_id)
    assert world.statuses(run_id) == ["sent"]
    assert len(world.server.taken) == 1


def test_a_skipped_one_is_sent_once_its_data_are_mended(world: World, worker: WorkerProcess) -> None:
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


def test_a_redirected_rehearsal_then_the_real_run(world: World, worker: WorkerProcess) -> None:
    for _ in range(5):
        world.add()
    real = world.runtime
    world.runtime = replace(real, settings=replace(real.settings, redirect_to="rehearsal@example.com"))
    rehearsal = world.run(bcc=["archive@example.com"])
    world.start(rehearsal)
    world.work(worker, rehearsal)
    assert {taken.recipients for taken in world.server.taken} == {("rehearsal@example.com",)}
    assert b"X-Mailrun-Recipients: billing." in world.server.taken[0].data
    assert all(result.redirected for result in world.results(rehearsal))
    world.runtime = real
    world.server.taken.clear()
    run_id = world.run()
    assert world.statuses(run_id) == ["ready"] * 5
    world.start(run_id)
    world.work(worker, run_id)
    assert len(world.server.taken) == 5
    assert send_again(
        world, rehearsal, status="sent"
    ).unchanged  # for real now, but another run has sent them


def test_a_redirected_result_can_be_sent_for_real_without_a_question(
    world: World, worker: WorkerProcess
) -> None:
    world.add()
    real = world.runtime
    world.runtime = replace(real, settings=replace(real.settings, redirect_to="rehearsal@example.com"))
    run_id = world.deliver(worker)
    world.runtime = real
    assert send_again(world, run_id, status="sent").changed == 1
    world.work(worker, run_id)
    assert [taken.recipients[0][:8] for taken in world.server.taken] == ["rehearsa", "billing."]


def test_the_rehearsal_of_a_mail_that_a_customer_has_does_not_make_it_unsent(
    world: World, worker: WorkerProcess
) -> None:
    run_id, real = sent(world, worker), world.runtime
    world.runtime = replace(real, settings=replace(real.settings, redirect_to="rehearsal@example.com"))
    assert send_again(world, run_id, confirmed=True).changed == 1
    world.work(worker, run_id)
    world.runtime = real
    assert [result.redirected for result in world.results(run_id)] == [True]
    assert send_again(world, run_id, status="sent").changed == 0
    with real.database.reading() as session:
        found = queries.statuses_of(session, OPERATOR, [Result.run_id == run_id])
    assert found == {ResultStatus.SENT: 1}  # so the page asks
    assert send_again(world, run_id, confirmed=True).changed == 1


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
        pytest.skip("SQLite has one writer: nobody sends during a press")
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


def test_a_rehearsed_mail_that_another_run_has_sent_is_asked_about(
    world: World, worker: WorkerProcess
) -> None:
    world.add()
    real = world.runtime
    world.runtime = replace(real, settings=replace(real.settings, redirect_to="rehearsal@example.com"))
    rehearsal = world.deliver(worker)
    world.runtime = real
    world.deliver(worker)
    with real.database.reading() as session:
        run = session.get_one(Run, rehearsal)
        asked, _ = queries.asked_about(session, OPERATOR, run, [Result.run_id == rehearsal])
    assert asked == 1
    assert send_again(world, rehearsal).changed == 0
    assert send_again(world, rehearsal, confirmed=True).changed == 1


def test_what_another_run_sends_again_while_a_list_is_made_is_sent_again_once(
    world: World, worker: WorkerProcess
) -> None:
    sent(world, worker)
    first = world.run(resend_already_sent=True)
    with world.runtime.database.writing() as session:
        queue, choice = world.runtime.queue, world.choice(resend_already_sent=True)
        second = creation.create(session, queue, choice, name="", bcc=[], viewer=OPERATOR, start=True)
    world.start(first)
    world.work(worker, first)
    generation.make(world.runtime, second.id)
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
        pytest.raises(Refused, match="Make a new run"),
    ):
        resend.send_again(
            session, world.runtime.queue, BulkSelection(run_id), OPERATOR, confirmed=True, todays_version=True
        )


def test_a_collated_result_sheds_what_cannot_be_sent(world: World, worker: WorkerProcess) -> None:
    with world.runtime.database.writing() as session:
        definition = session.merge(world.definition)
        definition.collate = True
        definition.subject = "{{ invoices | length }} invoices"
        definition.template.texts[
            0
        ].source = "<p>{% for invoice in invoices %}{{ invoice.number }} {% endfor %}</p>"
        payer = factories.customer(session, world.everybody)
        invoices = [factories.invoice(session, payer) for _ in range(5)]
        for invoice in invoices:
            factories.document(session, world.runtime.documents, invoice)
    run_id = world.run()
    with world.runtime.database.writing() as session:
        session.get_one(Invoice, invoices[0].id).status = "closed"
    world.start(run_id)
    world.work(worker, run_id)
    assert sorted(world.statuses(run_id)) == ["sent", "skipped"]
    [taken] = world.server.taken
    assert b"Subject: 4 invoices" in taken.data
    with world.runtime.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Reservation)) == 4
    again = world.run()
    assert sorted(result.reason for result in world.results(again)) == ["already_sent"] * 4 + ["not_approved"]


def test_a_run_s_invoice_is_in_no_result_of_another_run(world: World) -> None:
    world.add("a@x.test")
    one, other = world.run(), world.run()
    [of_other] = world.results(other)
    moving = update(ResultInvoice).where(ResultInvoice.run_id == one).values(result_id=of_other.id)
    database = world.runtime.database
    with Session(database.engine) as session:  # it is taken back at the end
        if database.is_sqlite:
            with pytest.raises(IntegrityError):
                session.execute(moving)
        else:  # it is not told of that key: every test ends with looking whether one is broken, and finds it
            session.execute(moving)
            assert list(foreign_keys.broken(session)) == [
                "fk_result_invoice_run_id_result_id",
                "lead invoice",
            ]
