"""A mail server in trouble makes its runs wait; no message is blamed for it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import func, select, update

from tests.world import World
from webapp.delivery import drain
from webapp.runs import report
from webapp.store.mailservers import MailServer
from webapp.store.runs import Attempt, Run
from webapp.store.types import now
from webapp.workers import WorkerProcess


def test_a_server_in_trouble_makes_the_run_wait_and_blames_no_message(
    world: World, worker: WorkerProcess
) -> None:
    for _ in range(30):
        world.add()
    port = world.server.port
    world.server.stop()
    run_id = world.run()
    world.start(run_id)
    long = replace(world.runtime.settings, trouble_first=3600.0, trouble_last=3600.0)
    patient = replace(world.runtime, settings=long)
    for _ in range(3):
        drain.drain(patient, worker, run_id)
    assert world.statuses(run_id) == ["ready"] * 30
    with world.runtime.database.reading() as session:
        problem = report.problem(session, session.get_one(Run, run_id)) or ""
        assert session.scalar(select(func.count()).select_from(Attempt)) == 0
        assert session.scalars(select(MailServer.trouble_count)).one() == 1  # one try at a time
    assert problem.startswith("waiting for mail server 127.0.0.1: connection refused, next try at ")
    world.server.start(port)
    with world.runtime.database.writing() as session:
        session.execute(update(MailServer).values(next_try_at=now()))
    world.work(worker, run_id)
    assert world.statuses(run_id) == ["sent"] * 30
    with world.runtime.database.reading() as session:
        assert session.scalars(select(MailServer.trouble)).one() is None


@pytest.mark.parametrize("mail_reply", ["450 4.7.1 rate limit exceeded", "421 4.3.2 closing"])
def test_a_refusal_of_mail_makes_the_run_wait(world: World, worker: WorkerProcess, mail_reply: str) -> None:
    for _ in range(5):
        world.add()
    world.server.mail_reply = mail_reply
    run_id = world.run()
    world.start(run_id)
    drain.drain(world.runtime, worker, run_id)
    assert world.statuses(run_id) == ["ready"] * 5
    world.server.mail_reply = ""
    world.work(worker, run_id)
    assert world.statuses(run_id) == ["sent"] * 5


def test_a_421_after_the_dot_defers_the_message_and_the_run_waits(
    world: World, worker: WorkerProcess
) -> None:
    world.add("data-421-1.someone@customers.test")
    run_id = world.run()
    world.start(run_id)
    drain.drain(world.runtime, worker, run_id)
    assert world.statuses(run_id) == ["deferred"]
    with world.runtime.database.reading() as session:
        assert (session.scalars(select(MailServer.trouble)).one() or "").startswith("421")
    world.work(worker, run_id)
    assert world.statuses(run_id) == ["sent"]
