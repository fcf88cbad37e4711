"""Mailboxes of a real Dovecot, read by POP3, and by IMAP with readers that are killed at random."""

from __future__ import annotations

import imaplib
import os
import smtplib
import threading
import time
from collections.abc import Iterator

import pytest
from sqlalchemy import select, update

from tests.bounces.killed_readers import kill_readers, stored_and_counted
from tests.bounces.listener import started
from tests.bounces.returned import block, report
from tests.realmail.servers import RealMail, free_ports, has_pop3, real_mail
from tests.world import World
from webapp.bounces import reading
from webapp.bounces.reading import ReadingCounts
from webapp.mailservers import passwords
from webapp.store.bounces import Mailbox, ReturnedMail
from webapp.store.mailservers import Sender
from webapp.workers import WorkerProcess

WHOLE = pytest.param(20, 80, marks=pytest.mark.slow_found)
"""Kills, and mails in the mailbox."""
needs_pop3 = pytest.mark.skipif(not has_pop3(), reason="not installed: dovecot-pop3d (apt-get install it)")


@pytest.fixture(scope="module")
def dovecot() -> Iterator[RealMail]:
    with real_mail({"plain": ""}) as running:
        yield running


@pytest.fixture(autouse=True)
def emptied(dovecot: RealMail) -> None:
    """What an earlier test left is gone."""
    with imaplib.IMAP4("127.0.0.1", dovecot.imap) as box:
        box.login("reader", "ascii")
        for folder in ("INBOX", '"Read by Mailrun"'):
            told, mails = box.select(folder)
            if told == "OK" and mails != [b"0"]:
                box.store("1:*", "+FLAGS.SILENT", r"(\Deleted)")
                box.expunge()


def with_mailbox(world: World, kind: str, port: int) -> int:
    """A mailbox at Dovecot that the mails of the world's sender come back to; its id."""
    with world.runtime.database.writing() as session:
        given = {"kind": kind, "host": "127.0.0.1", "port": port, "security": "none"}
        mailbox = Mailbox(name="Bounces", username="reader", **given)
        session.add(mailbox)
        passwords.store(session, mailbox, "ascii")
        session.flush()
        session.execute(update(Sender).values(envelope_sender="bounces@returns.test", mailbox_id=mailbox.id))
        return mailbox.id


def sent_back(world: World, worker: WorkerProcess, dovecot: RealMail, many: int) -> int:
    """A run of this number of mails, each of which has come back to Dovecot; its id."""
    for number in range(many):
        world.add(f"c{number}@customers.test")
    run_id = world.deliver(worker)
    with imaplib.IMAP4("127.0.0.1", dovecot.imap) as box:
        box.login("reader", "ascii")
        for taken in world.server.taken:
            box.append(
                "INBOX", "", "", report(taken.sender, block(taken.recipients[0])).replace(b"\n", b"\r\n")
            )
    return run_id


def waiting(dovecot: RealMail) -> int:
    """How many mails are in the mailbox, as the Maildir of Dovecot has them."""
    return sum(len(os.listdir(dovecot.home / "mail" / name)) for name in ("new", "cur"))


def read(world: World, mailbox_id: int) -> ReadingCounts:
    counts = reading.read(world.runtime, mailbox_id, threading.Event())
    assert counts is not None
    return counts


@needs_pop3
def test_by_pop3_mails_are_read_and_deleted(world: World, worker: WorkerProcess, dovecot: RealMail) -> None:
    mailbox_id = with_mailbox(world, "pop3", dovecot.pop3)
    run_id = sent_back(world, worker, dovecot, 3)
    with imaplib.IMAP4("127.0.0.1", dovecot.imap) as box:
        box.login("reader", "ascii")
        long = b"Subject: long\r\n\r\n" + b"x" * 5_000 + b"\r\n.\r\n..dots\r\n"
        box.append("INBOX", "", "", long)
    counts = read(world, mailbox_id)
    assert (counts.read, counts.bounced, counts.unmatched, counts.trouble) == (4, 3, 1, "")
    assert world.statuses(run_id) == ["bounced"] * 3
    with world.runtime.database.reading() as session:
        sizes = session.scalars(select(ReturnedMail.size).where(ReturnedMail.subject == "long"))
        assert sizes.one() == len(long)
    assert waiting(dovecot) == 0
    assert read(world, mailbox_id) == ReadingCounts()
    assert stored_and_counted(world) == (4, 3)


@needs_pop3
def test_by_pop3_a_lost_goodbye_has_them_read_again_and_counted_once(
    world: World, worker: WorkerProcess, dovecot: RealMail, environ: dict[str, str]
) -> None:
    mailbox_id = with_mailbox(world, "pop3", dovecot.pop3)
    run_id = sent_back(world, worker, dovecot, 12)
    kill_readers(world, environ, mailbox_id, 4, lambda: -stored_and_counted(world)[0])
    assert stored_and_counted(world)[0] > 0  # else none was killed in the middle
    assert read(world, mailbox_id).trouble == ""
    assert waiting(dovecot) == 0
    assert world.statuses(run_id) == ["bounced"] * 12
    assert stored_and_counted(world) == (12, 12)


@needs_pop3
def test_by_pop3_a_refused_login_says_so(world: World, dovecot: RealMail) -> None:
    mailbox_id = with_mailbox(world, "pop3", dovecot.pop3)
    with world.runtime.database.writing() as session:
        passwords.store(session, session.get_one(Mailbox, mailbox_id), "not-this-one")
    trouble = read(world, mailbox_id).trouble
    assert trouble.startswith("it refuses the login of “reader”: -ERR [AUTH]")


@pytest.mark.parametrize(("kills", "mails"), [(4, 16), WHOLE])
def test_readers_by_imap_that_are_killed_lose_nothing_and_count_nothing_twice(
    world: World,
    worker: WorkerProcess,
    dovecot: RealMail,
    environ: dict[str, str],
    kills: int,
    mails: int,
) -> None:
    mailbox_id = with_mailbox(world, "imap", dovecot.imap)
    run_id = sent_back(world, worker, dovecot, mails)
    began = time.monotonic()
    left = kill_readers(world, environ, mailbox_id, kills, lambda: waiting(dovecot))
    print(
        f"\n{kills} kills in {time.monotonic() - began:.1f} s, {mails - left} of {mails} put away meanwhile"
    )
    assert 0 < left < mails  # else none was killed in the middle
    counts = read(world, mailbox_id)
    assert (counts.trouble, counts.failed) == ("", 0)
    assert waiting(dovecot) == 0
    assert world.statuses(run_id) == ["bounced"] * mails
    assert stored_and_counted(world) == (mails, mails)
    with imaplib.IMAP4("127.0.0.1", dovecot.imap) as box:
        box.login("reader", "ascii")
        assert box.select('"Read by Mailrun"', readonly=True)[1] == [str(mails).encode()]


def test_postfix_hands_over_to_a_port_of_mailruns_own(
    world: World, worker: WorkerProcess, environ: dict[str, str]
) -> None:
    """By LMTP. What is of no mail of ours is refused, and Postfix tells its sender."""
    [port] = free_ports(1)
    with_mailbox(world, "port", port)
    for number in range(12):
        world.add(f"c{number}@customers.test")
    run_id = world.deliver(worker)
    by_lmtp = f"transport_maps = inline:{{ {{ returns.test = lmtp:inet:127.0.0.1:{port} }} }}\n"
    with real_mail({"plain": ""}, main=by_lmtp) as real, started(environ, port):
        with smtplib.SMTP("127.0.0.1", real.ports["plain"]) as client:
            for taken in world.server.taken:
                raw = report(taken.sender, block(taken.recipients[0])).partition(b"From: MAILER")
                client.sendmail("", [taken.sender], b"".join(raw[1:]))
            client.sendmail("x@customers.test", ["bounces@returns.test"], b"Subject: x\n\nx\n")
        end = time.monotonic() + 30
        while "5.1.1 this is no address" not in real.log() or stored_and_counted(world)[0] < 12:
            assert time.monotonic() < end, real.log()
            time.sleep(0.1)
    assert world.statuses(run_id) == ["bounced"] * 12
    assert stored_and_counted(world) == (12, 12)
