"""Mails are kept for as long as the setting says, what proves them for good; documents go with the last mail
that needs them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from tests import factories
from tests.pdfs import pdf
from tests.runtimes import open_runtime
from tests.world import World
from webapp.access import OPERATOR
from webapp.evidence import retention
from webapp.extensions import Runtime
from webapp.messages import sent_mail
from webapp.results import resend
from webapp.results.bulk import BulkSelection
from webapp.store import installation
from webapp.store.customers import Customer
from webapp.store.installation import Installation
from webapp.store.invoices import Invoice, TransformationResult
from webapp.store.runs import Attempt
from webapp.store.types import now
from webapp.workers import WorkerProcess

Days = Callable[[int], int]


@pytest.fixture
def tidy(runtime: Runtime) -> Days:
    """tidy(30) is what a worker does once a day when mails are kept for 30 days."""

    def do(days: int) -> int:
        parts = replace(runtime, settings=replace(runtime.settings, keep_mails=days))
        with runtime.database.writing() as session:
            session.execute(update(Installation).values(tidied_at=None))
        return retention.tidy(parts, threading.Event()) if retention.is_due(parts) else 0

    return do


def age(world: World, days: int, *ids: int) -> None:
    """Lets these attempts have begun this number of days ago; all, if none is named."""
    with world.runtime.database.writing() as session:
        old = update(Attempt).values(started_at=now() - timedelta(days=days))
        session.execute(old.where(Attempt.id.in_(ids)) if ids else old)


def attempts(world: World) -> list[Attempt]:
    with world.runtime.database.reading() as session:
        return list(session.scalars(select(Attempt).order_by(Attempt.id)))


def import_again(world: World, of: Invoice, content: bytes) -> tuple[str, str]:
    """Gives the invoice another document, as an import does: the SHA-256 of the one before, and its own."""
    with world.runtime.database.writing() as session:
        row = session.scalars(
            select(TransformationResult).where(TransformationResult.invoice_id == of.id)
        ).one()
        before, row.sha256, row.size = row.sha256, world.runtime.documents.put(content), len(content)
        return before, row.sha256


def test_a_mail_goes_after_its_time_and_its_proof_stays(
    world: World, worker: WorkerProcess, tidy: Days
) -> None:
    world.add()
    world.deliver(worker)
    [before] = attempts(world)
    age(world, 29)
    assert tidy(30) == 0
    age(world, 31)
    assert tidy(30) == 1
    [after] = attempts(world)
    assert (after.rebuild_data, before.rebuild_data is None) == (None, False)
    assert (after.sha256, after.reply, after.size) == (before.sha256, before.reply, before.size)
    assert after.rebuild_data_deleted_at is not None
    assert now() - after.rebuild_data_deleted_at < timedelta(minutes=1)
    assert tidy(30) == 0


def test_for_ever_is_for_ever(world: World, worker: WorkerProcess, tidy: Days) -> None:
    world.add()
    world.deliver(worker)
    age(world, 100_000)
    assert tidy(0) == 0
    assert attempts(world)[0].rebuild_data is not None


def test_more_than_one_batch(
    world: World, worker: WorkerProcess, tidy: Days, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    monkeypatch.setattr(retention, "PAUSE", 0)
    for _ in range(7):
        world.add()
    world.deliver(worker)
    ids = [attempt.id for attempt in attempts(world)]
    age(world, 31, *ids[:5])
    assert tidy(30) == 5
    assert [attempt.rebuild_data is None for attempt in attempts(world)] == [True] * 5 + [False] * 2


def test_a_document_that_an_invoice_has_stays(world: World, worker: WorkerProcess, tidy: Days) -> None:
    world.add()
    world.deliver(worker)
    age(world, 31)
    assert tidy(30) == 1
    with world.runtime.database.reading() as session:
        digest = session.scalars(select(TransformationResult.sha256)).one()
    assert world.runtime.documents.has(digest)


def test_a_document_goes_with_the_last_mail_that_needs_it(
    world: World, worker: WorkerProcess, tidy: Days, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two customers got the same terms and conditions, the second one later; then an import replaced them."""
    monkeypatch.setattr(retention, "BATCH", 1)
    store = world.runtime.documents
    for _ in range(2):
        _, of = world.add(documents=False)
        with world.runtime.database.writing() as session:
            factories.document(session, store, of, content=b"%PDF-1.4 the same terms")
        world.deliver(worker)
    first, second = attempts(world)
    with world.runtime.database.reading() as session:
        invoices = session.scalars(select(Invoice)).all()
    replaced = {import_again(world, each, b"%PDF-1.4 new terms") for each in invoices}
    [(old, new)] = replaced
    age(world, 31, first.id)
    assert tidy(30) == 1
    assert store.has(old)
    with world.runtime.database.reading() as session:
        mail = sent_mail.as_sent(session, second.result_id, 1, invoices, store)
    assert mail is not None
    assert sent_mail.rebuild_mail(mail, store) == world.server.taken[1].data
    age(world, 31, second.id)
    assert tidy(30) == 1
    assert (store.has(old), store.has(new)) == (False, True)


def test_a_store_that_is_away_keeps_everything_for_the_next_time(
    world: World, worker: WorkerProcess, tidy: Days, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, of = world.add()
    world.deliver(worker)
    old, _ = import_again(world, of, b"%PDF-1.4 another")
    age(world, 31)
    folder = Path(world.runtime.settings.store_url) / old[:2]
    aside = folder.rename(folder.with_name("aside"))
    folder.write_text("not a folder")
    with pytest.raises(OSError, match="Not a directory"):
        tidy(30)
    assert attempts(world)[0].rebuild_data is not None
    folder.unlink()
    aside.rename(folder)
    assert tidy(30) == 1
    assert not world.runtime.documents.has(old)


def test_one_worker_does_it_once_a_day(world: World, worker: WorkerProcess) -> None:
    world.add()
    world.deliver(worker)
    age(world, 4000)
    for expected in (1, 0):
        assert retention.is_due(world.runtime) == bool(expected)
        assert retention.tidy(world.runtime, threading.Event()) == expected


def test_a_copy_lets_nothing_go_and_after_a_take_over_no_document_of_before(
    world: World, worker: WorkerProcess, tidy: Days
) -> None:
    """Its store may be that of the system that it was copied from."""
    runtime = world.runtime
    with runtime.database.writing() as session:
        installation.bind(session)
    _, of = world.add()
    run_id = world.deliver(worker)
    with world.runtime.database.reading() as session:
        code = session.get_one(Customer, of.customer_id).code
    old, _ = import_again(world, of, pdf(of.number, code, "another"))
    age(world, 31)
    copy = open_runtime(
        replace(runtime, settings=replace(runtime.settings, secret_key="another", keep_mails=30)).settings
    )
    assert retention.tidy(copy, threading.Event()) == 0
    with copy.database.writing() as session:
        installation.rebind(session)
        session.execute(update(Installation).values(tidied_at=None))
    assert retention.tidy(copy, threading.Event()) == 1
    assert runtime.documents.has(old)
    with copy.database.writing() as session:
        session.execute(update(Installation).values(tidied_at=None, taken_over_at=now() - timedelta(days=40)))
        resend.send_again(session, copy.queue, BulkSelection(run_id, status="sent"), OPERATOR, confirmed=True)
    replace(world, runtime=copy).work(WorkerProcess(copy.database), run_id)
    own, _ = import_again(world, of, b"%PDF-1.4 a third")
    age(world, 31)
    assert retention.tidy(copy, threading.Event()) == 1
    assert (runtime.documents.has(old), runtime.documents.has(own)) == (True, False)
