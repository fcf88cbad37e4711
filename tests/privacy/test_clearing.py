"""What runs know of people, and documents of closed invoices, go after their time; proof stays."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from tests import factories
from tests.world import World
from webapp import found_by
from webapp.access import OPERATOR
from webapp.customers.filters import CustomerFilter, conditions
from webapp.extensions import Runtime
from webapp.messages import sent_mail
from webapp.privacy import clearing, upkeep
from webapp.privacy_settings import PrivacySettings
from webapp.results import resend
from webapp.results.bulk import BulkSelection
from webapp.store.customers import Customer, CustomerEmail
from webapp.store.installation import Installation
from webapp.store.invoices import Invoice, TransformationResult
from webapp.store.runs import Attempt, Result, Run
from webapp.store.types import now
from webapp.workers import WorkerProcess

Clear = Callable[..., None]
BOSS = "boss@example.com"


@pytest.fixture
def clear(runtime: Runtime) -> Clear:
    """clear(keep_attempts=30) is what a worker does once a day."""

    def do(**keep: float) -> None:
        parts = replace(runtime, settings=replace(runtime.settings, privacy=PrivacySettings(**keep)))  # type: ignore[arg-type]
        with runtime.database.writing() as session:
            session.execute(update(Installation).values(cleared_at=None))
        assert upkeep.is_due(parts)
        upkeep.clear(parts, threading.Event())
        assert not upkeep.is_due(parts)

    return do


def finished(world: World, run_id: int, days: int) -> None:
    with world.runtime.database.writing() as session:
        session.execute(update(Run).where(Run.id == run_id).values(finished_at=now() - timedelta(days=days)))


def attempts(world: World) -> list[Attempt]:
    with world.runtime.database.reading() as session:
        return list(session.scalars(select(Attempt).order_by(Attempt.id)))


def test_attempts_lose_who_and_what_was_said_and_keep_their_proof(
    world: World, worker: WorkerProcess, clear: Clear
) -> None:
    world.add("ann@a.example", "bob@b.example")
    world.server.orders["bob@b.example"] = "reject-550"
    run_id = world.deliver(worker, bcc=[BOSS])
    before = attempts(world)[-1]
    assert (before.bcc, list(before.refused), bool(before.transcript)) == ([BOSS], ["bob@b.example"], True)
    finished(world, run_id, 29)
    clear(keep_attempts=30)
    assert attempts(world)[0].recipients == before.recipients
    finished(world, run_id, 31)
    clear(keep_attempts=30)
    after = attempts(world)[-1]
    assert (after.recipients, after.bcc, after.refused, after.transcript) == ([], [], {}, [])
    kept = (
        "sha256",
        "size",
        "code",
        "reply",
        "started_at",
        "ended_at",
        "queue_id",
        "outcome",
        "rebuild_data",
    )
    assert [getattr(after, name) for name in kept] == [getattr(before, name) for name in kept]
    [result] = world.results(run_id)
    assert result.recipients == ["ann@a.example", "bob@b.example"]


def test_an_unfinished_run_keeps_everything(world: World, worker: WorkerProcess, clear: Clear) -> None:
    world.add("ann@a.example")
    run_id = world.deliver(worker)
    with world.runtime.database.writing() as session:
        session.execute(update(Run).values(status="stopped", finished_at=now() - timedelta(days=400)))
    clear(keep_attempts=30, keep_addresses=30)
    assert attempts(world)[0].recipients == world.results(run_id)[0].recipients == ["ann@a.example"]


def test_results_lose_their_addresses_and_customers_are_no_longer_found_by_them(
    world: World, worker: WorkerProcess, clear: Clear, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clearing, "CLEARED_BATCH", 2)
    monkeypatch.setattr(clearing, "PAUSE_SECONDS", 0)
    for n in range(5):
        world.add(f"ann{n}@former.example")
    run_id = world.deliver(worker)
    with world.runtime.database.writing() as session:
        session.execute(update(CustomerEmail).values(address="new@now.example"))
        found_by.index_customers(session, select(Customer.id))
    assert found(world, "former.example") == 5
    finished(world, run_id, 31)
    clear(keep_addresses=30)
    results = world.results(run_id)
    assert [each.recipients for each in results] == [[]] * 5
    assert not any("@" in each.search_text for each in results)
    assert all(each.search_text for each in results)
    assert found(world, "former.example") == 0
    assert all(each.recipients for each in attempts(world))


def found(world: World, words: str) -> int:
    with world.runtime.database.reading() as session:
        ours = conditions(session, OPERATOR, CustomerFilter(search=words))
        return session.scalar(select(func.count()).select_from(Customer).where(*ours)) or 0


def test_a_run_that_sent_again_is_cleared_again(world: World, worker: WorkerProcess, clear: Clear) -> None:
    world.add("ann@a.example")
    run_id = world.deliver(worker)
    finished(world, run_id, 60)
    clear(keep_attempts=30)
    with world.runtime.database.writing() as session:
        which = BulkSelection(run_id, status="sent")
        resend.send_again(session, world.runtime.queue, which, OPERATOR, confirmed=True)
    world.work(worker, run_id)
    assert [bool(each.recipients) for each in attempts(world)] == [False, True]
    finished(world, run_id, -1)
    with world.runtime.database.writing() as session:
        session.execute(update(Run).values(attempts_cleared_at=now() - timedelta(days=40)))
    finished(world, run_id, 31)
    clear(keep_attempts=30)
    assert [each.recipients for each in attempts(world)] == [[], []]


def test_documents_of_closed_invoices_go_with_their_last_mail(
    world: World, worker: WorkerProcess, clear: Clear
) -> None:
    store = world.runtime.documents
    world.add("ann@a.example")
    world.deliver(worker)
    _, other = world.add("bob@b.example")
    with world.runtime.database.writing() as session:
        [mailed, unmailed] = session.scalars(select(TransformationResult).order_by(TransformationResult.id))
        session.execute(update(Invoice).values(status="closed"))
    clear(keep_documents=1)
    assert (store.has(mailed.sha256), store.has(unmailed.sha256)) == (True, False)
    with world.runtime.database.reading() as session:
        assert session.scalars(select(TransformationResult.sha256)).all() == [mailed.sha256]
        assert session.get_one(Invoice, other.id).documents_deleted_at is not None
        result = session.scalars(select(Result)).one()
        mail = sent_mail.as_sent(session, result.id, 1, [], store)
        assert mail is not None
    assert sent_mail.rebuild_mail(mail, store) == world.server.taken[0].data
    with world.runtime.database.writing() as session:
        session.execute(update(Attempt).values(rebuild_data=None, rebuild_data_deleted_at=now()))
    clear(keep_documents=1)
    assert not store.has(mailed.sha256)


def test_documents_stay_that_are_open_recent_or_shared(world: World, clear: Clear) -> None:
    store = world.runtime.documents
    for _ in range(3):
        _, of = world.add(documents=False)
        with world.runtime.database.writing() as session:
            factories.document(session, store, of, content=b"%PDF-1.4 the same terms")
    with world.runtime.database.writing() as session:
        session.execute(update(Invoice).where(Invoice.id != of.id).values(status="closed"))
    clear(keep_documents=10_000)
    assert documents(world) == 3
    clear(keep_documents=1)
    assert documents(world) == 1
    with world.runtime.database.reading() as session:
        assert store.has(session.scalars(select(TransformationResult.sha256)).one())


def documents(world: World) -> int:
    with world.runtime.database.reading() as session:
        return session.scalar(select(func.count()).select_from(TransformationResult)) or 0


def test_zero_is_for_ever(runtime: Runtime) -> None:
    assert not upkeep.is_due(runtime)
