"""Recipients a day of a mail server: what is over them waits, and no mail is blamed."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select, update

from tests.world import World
from webapp.delivery import drain
from webapp.mailservers import backoff, daily_limit
from webapp.store.mailservers import MailServer
from webapp.store.runs import Attempt
from webapp.store.types import now
from webapp.workers import WorkerProcess


def server_of(world: World) -> MailServer:
    with world.runtime.database.reading() as session:
        return session.scalars(select(MailServer)).one()


def limit(world: World, recipients: int) -> None:
    with world.runtime.database.writing() as session:
        session.execute(update(MailServer).values(recipients_per_day=recipients))


def begin(world: World, mails: int) -> int:
    for _ in range(mails):
        world.add()
    run_id = world.run()
    world.start(run_id)
    return run_id


def test_the_rest_waits_until_the_next_day(world: World, worker: WorkerProcess) -> None:
    limit(world, 5)
    run_id = begin(world, 8)
    for _ in range(3):
        drain.drain(world.runtime, worker, run_id)
    assert sorted(world.statuses(run_id)) == ["ready"] * 3 + ["sent"] * 5
    server = server_of(world)
    assert backoff.waiting_sentence(server)
    assert "it takes 5 recipients within 24 hours, and has taken them" in (server.trouble or "")
    assert server.next_try_at
    assert timedelta(hours=23) < server.next_try_at - now() <= timedelta(hours=24)
    with world.runtime.database.writing() as session:
        session.execute(update(Attempt).values(started_at=now() - timedelta(hours=25)))
        session.execute(update(MailServer).values(next_try_at=now()))
    world.work(worker, run_id)
    assert world.statuses(run_id) == ["sent"] * 8
    assert {result.attempts for result in world.results(run_id)} == {1}
    assert server_of(world).trouble is None


def test_every_address_counts(world: World, worker: WorkerProcess) -> None:
    world.add("a@customers.test", "b@customers.test")
    run_id = world.deliver(worker, bcc=["archive@example.com"])
    assert world.statuses(run_id) == ["sent"]
    limit(world, 10)
    with world.runtime.database.reading() as session:
        assert daily_limit.left(session, session.scalars(select(MailServer)).one()) == 7


def test_without_a_limit_nothing_is_counted(world: World) -> None:
    with world.runtime.database.reading() as session:
        assert daily_limit.left(session, session.scalars(select(MailServer)).one()) is None
