"""Mailboxes are read by one worker at a time, each mail once, whatever dies when."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from tests.bounces.conftest import Returns
from tests.bounces.killed_readers import kill_readers, stored_and_counted
from tests.bounces.returned import block, report
from webapp.bounces import reading
from webapp.bounces.receiving import ReceivedReturn, receive
from webapp.store.bounces import Mailbox
from webapp.store.types import now
from webapp.workers import WorkerProcess

KILLS, MAILS = 20, 80


def mailbox(returns: Returns) -> Mailbox:
    with returns.world.runtime.database.reading() as session:
        return session.get_one(Mailbox, returns.mailbox_id)


def waiting(returns: Returns) -> int:
    """How many mails are still in the mailbox."""
    return len(os.listdir(returns.path / "new"))


def test_what_is_read_is_put_away_and_known(returns: Returns, worker: WorkerProcess) -> None:
    run_id, address = returns.sent(worker)
    raw = report(address, block("anna@customers.test"))
    returns.put(raw)
    returns.put(raw)
    counts = returns.read()
    assert counts is not None
    assert (counts.read, counts.known, counts.bounced, counts.trouble) == (1, 1, 1, "")
    assert returns.world.statuses(run_id) == ["bounced"]
    assert list((returns.path / "new").iterdir()) == []
    assert len(list((returns.path / ".Read by Mailrun" / "cur").iterdir())) == 2
    read = mailbox(returns)
    assert read.last_read_at is not None
    assert (read.trouble, read.reader, read.reading_until) == (None, "", None)


def test_a_mailbox_that_cannot_be_read_says_why_and_is_read_again(returns: Returns) -> None:
    returns.path.rename(returns.path.with_name("moved"))
    counts = returns.read()
    assert counts is not None
    assert "is no Maildir" in counts.trouble
    assert "is no Maildir" in (mailbox(returns).trouble or "")
    assert returns.mailbox_id not in reading.due(returns.world.runtime)
    returns.path.with_name("moved").rename(returns.path)
    with returns.world.runtime.database.writing() as session:
        session.execute(update(Mailbox).values(next_read_at=now() - timedelta(seconds=1)))
    assert reading.due(returns.world.runtime) == [returns.mailbox_id]
    returns.read()
    assert mailbox(returns).trouble is None


def test_one_reads_at_a_time_until_its_lease_ends(returns: Returns) -> None:
    with returns.world.runtime.database.writing() as session:
        later = now() + timedelta(seconds=60)
        session.execute(update(Mailbox).values(reader="another", reading_until=later))
    assert returns.read() is None
    assert reading.due(returns.world.runtime) == []
    with returns.world.runtime.database.writing() as session:
        session.execute(update(Mailbox).values(reading_until=now() - timedelta(seconds=1)))
    assert returns.read() is not None


def test_a_mail_that_cannot_be_stored_holds_up_no_other(
    returns: Returns, worker: WorkerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id, address = returns.sent(worker)
    returns.put(b"Subject: breaks\n\nx")
    returns.put(report(address, block("anna@customers.test")))

    def breaking(session: Session, mailbox_id: int | None, raw: bytes) -> ReceivedReturn:
        if b"breaks" in raw:
            raise ValueError("a bug")
        return receive(session, mailbox_id, raw)

    monkeypatch.setattr(reading, "receive", breaking)
    counts = returns.read()
    assert counts is not None
    assert (counts.bounced, counts.failed) == (1, 1)
    assert "1 mails could not be stored" in counts.trouble
    assert returns.world.statuses(run_id) == ["bounced"]
    assert len(list((returns.path / "new").iterdir())) == 1


def test_a_copy_of_a_database_and_safe_mode_read_nothing(returns: Returns) -> None:
    runtime = returns.world.runtime
    safe = replace(runtime, settings=replace(runtime.settings, redirect_to="test@example.com"))
    assert reading.due(runtime) == [returns.mailbox_id]
    assert reading.due(safe) == []


def test_twenty_kills_lose_nothing_and_count_nothing_twice(
    returns: Returns, worker: WorkerProcess, environ: dict[str, str]
) -> None:
    world = returns.world
    for number in range(MAILS):
        world.add(f"c{number}@customers.test")
    run_id = world.deliver(worker)
    for taken in world.server.taken:
        returns.put(report(taken.sender, block(taken.recipients[0])))
    left = kill_readers(world, environ, returns.mailbox_id, KILLS, lambda: waiting(returns))
    assert 0 < left < MAILS  # else none was killed in the middle
    print(f"\n{MAILS - left} were put away by those that were killed")
    returns.read()
    assert list((returns.path / "new").iterdir()) == []
    assert world.statuses(run_id) == ["bounced"] * MAILS
    assert stored_and_counted(world) == (MAILS, MAILS)
