"""What the connections get: in batches, ahead of them, within the rates of recipients' domains, shared
between runs."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from tests import factories
from tests.world import World
from webapp.delivery import drain as delivery_drain
from webapp.delivery import prefetch
from webapp.mailing.renderer import Renderer
from webapp.store.definitions import TemplateText
from webapp.store.runs import Result, Run
from webapp.store.types import now
from webapp.workers import WorkerProcess


def arrived(world: World) -> list[str]:
    return sorted(taken.recipients[0] for taken in world.server.taken)


def test_a_domain_gets_no_more_than_its_mails_a_minute(world: World, worker: WorkerProcess) -> None:
    with world.runtime.database.writing() as session:
        session.merge(world.definition).sender.mail_server.domain_rate_per_minute = 3
    for n in range(8):
        world.add(f"{n}@busy.test")
    for n in range(2):
        world.add(f"{n}@quiet.test")
    run_id = world.run()
    world.start(run_id)
    began = now()
    delivery_drain.drain(world.runtime, worker, run_id)
    assert arrived(world) == ["0@busy.test", "0@quiet.test", "1@busy.test", "1@quiet.test", "2@busy.test"]
    waiting = [result for result in world.results(run_id) if result.status == "ready"]
    assert all(result.worker_id is None for result in waiting)
    minutes = [minutes_after(began, result) for result in waiting]
    assert minutes == [1, 1, 1, 2, 2]  # each is put off to the minute that has room for it
    delivery_drain.drain(world.runtime, worker, run_id)
    assert len(world.server.taken) == 5


def minutes_after(began: datetime, result: Result) -> int:
    assert result.next_try_at is not None
    return round((result.next_try_at - began) / timedelta(minutes=1))


def test_the_servers_rate_is_kept_and_what_is_over_it_goes_back(world: World, worker: WorkerProcess) -> None:
    with world.runtime.database.writing() as session:
        session.merge(world.definition).sender.mail_server.rate_per_minute = 5
    for _ in range(12):
        world.add()
    run_id = world.run()
    world.start(run_id)
    with leaving_after(worker, lambda: len(world.server.taken) >= 5):
        delivery_drain.drain(world.runtime, worker, run_id)
    assert len(world.server.taken) == 5
    assert all(result.worker_id is None for result in world.results(run_id))
    worker.stopping.clear()
    with leaving_after(worker, lambda: True):
        delivery_drain.drain(world.runtime, worker, run_id)
    assert len(world.server.taken) == 5


@contextmanager
def leaving_after(worker: WorkerProcess, happened: Callable[[], bool]) -> Iterator[None]:
    """Has the worker leave, a while after this has happened: time enough for what must not follow."""

    def leave() -> None:
        while not happened() and not worker.stopping.wait(0.01):
            pass
        worker.stopping.wait(0.5)
        worker.stopping.set()

    thread = threading.Thread(target=leave)
    thread.start()
    try:
        yield
    finally:
        worker.stopping.set()
        thread.join()


def test_a_template_that_takes_its_time_keeps_no_other_run_waiting(
    world: World, worker: WorkerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch is given back once it has taken its time, however many of it are left."""
    monkeypatch.setattr(prefetch, "FRESH_SECONDS", 0.3)
    monkeypatch.setattr(prefetch, "SHARED_SECONDS", 0.3)
    for _ in range(100):
        world.add()
    loop = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
    for source in (loop, "fine"):
        with world.runtime.database.writing() as session:
            session.scalars(select(TemplateText)).one().source = source
        world.start(world.run())
    large, _ = run_ids(world)
    runtime = replace(world.runtime, renderer=Renderer(seconds=0.4))
    delivery_drain.drain(runtime, worker, large, seconds=600)
    runtime.renderer.close()
    statuses = Counter(world.statuses(large))
    assert 0 < statuses["failed"] <= 6
    assert statuses["failed"] + statuses["ready"] == 100
    assert all(result.worker_id is None for result in world.results(large))


def run_ids(world: World) -> list[int]:
    with world.runtime.database.reading() as session:
        return list(session.scalars(select(Run.id).order_by(Run.id)))


def test_a_drain_ends_soon_when_another_run_has_something_to_send(
    world: World, worker: WorkerProcess
) -> None:
    world.server.delay = 0.2
    for _ in range(200):
        world.add()
    large = world.run()
    world.start(large)
    with world.runtime.database.writing() as session:
        other = factories.cluster(session, "other")
        payer = factories.customer(session, other)
        factories.document(session, world.runtime.documents, factories.invoice(session, payer))
    small = world.run(cluster_id=other.id)
    world.start(small)
    delivery_drain.drain(world.runtime, worker, large, seconds=600)
    assert "ready" in world.statuses(large)  # it would have sent everything in twice the time
    delivery_drain.drain(world.runtime, worker, small)
    assert world.statuses(small) == ["sent"]


def test_a_drain_that_has_many_mails_in_hand_ends_soon_for_another_run_too(
    world: World, worker: WorkerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its batches have grown while the mail server was fast; then it is not any more."""
    monkeypatch.setattr(prefetch, "SHARED_SECONDS", 0.3)
    for _ in range(400):
        world.add()
    with world.runtime.database.writing() as session:
        other = factories.cluster(session, "other")
        payer = factories.customer(session, other)
        factories.document(session, world.runtime.documents, factories.invoice(session, payer))
    large, small = world.run(), world.run(cluster_id=other.id)
    world.start(large)
    drain = threading.Thread(
        target=delivery_drain.drain, args=(world.runtime, worker, large), kwargs={"seconds": 600}
    )
    drain.start()
    while len(world.server.taken) < 100:
        time.sleep(0.01)
    world.server.delay = 0.5
    world.start(small)
    drain.join(8)  # it would take twelve seconds to its next batch
    assert not drain.is_alive()
    assert "ready" in world.statuses(large)
