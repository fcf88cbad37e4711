"""Never twice: reservations, two runs side by side, Send again, the redirect of safe mode."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from tests import factories, foreign_keys
from tests.delivery.sending import sent
from tests.world import World
from webapp.access import OPERATOR
from webapp.results import actions
from webapp.results.bulk import BulkSelection
from webapp.store.invoices import Invoice
from webapp.store.runs import Reservation, ResultInvoice
from webapp.workers import WorkerProcess


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
