"""A port of Mailrun's own: what was accepted is stored with what it changed; all else is refused in words."""

from __future__ import annotations

import random
import smtplib
import socket
import time
from contextlib import suppress
from dataclasses import replace

import pytest
from sqlalchemy import update

from tests.bounces.conftest import Returns
from tests.bounces.killed_readers import stored_and_counted
from tests.bounces.listener import START_SECONDS, started
from tests.bounces.returned import OUT_OF_OFFICE, block, report, to
from tests.realmail.servers import free_ports
from tests.world import World
from webapp.bounces import listening, reading
from webapp.bounces.listing import raw_text
from webapp.bounces.mailboxes import MailboxTrouble, address_of
from webapp.bounces.receiving import RAW_MAX
from webapp.store.bounces import Mailbox, ReturnedMail
from webapp.store.installation import Installation
from webapp.store.runs import Result
from webapp.workers import WorkerProcess

NULL = ""
WHOLE = pytest.param(20, 140, marks=pytest.mark.slow_found)


@pytest.fixture
def port(returns: Returns) -> int:
    """The port that the world's mailbox is; nothing listens there yet."""
    [number] = free_ports(1)
    with returns.world.runtime.database.writing() as session:
        session.execute(update(Mailbox).values(kind="port", host="127.0.0.1", port=number))
    return number


def hand_over(client: smtplib.SMTP, address: str, raw: bytes, sender: str = NULL) -> tuple[int, bytes]:
    """The answer to the recipient if it is a refusal, else to the mail."""
    client.mail(sender)
    code, said = client.rcpt(address)
    if code != 250:
        client.rset()
        return code, said
    return client.data(raw)


def test_it_is_stored_with_its_effect_before_it_is_accepted(
    returns: Returns, worker: WorkerProcess, port: int, environ: dict[str, str]
) -> None:
    run_id, address = returns.sent(worker)
    with_headers = report(address, block("anna@customers.test"))
    raw = with_headers.partition(b"From: MAILER")[2].replace(b"\n", b"\r\n")
    raw = b"From: MAILER" + raw  # without the headers of a delivery: the port adds its own
    with started(environ, port):
        with smtplib.SMTP("127.0.0.1", port) as client:
            client.ehlo()
            assert client.esmtp_features["size"] == str(listening.SIZE_MAX)
            assert hand_over(client, address.upper(), raw)[0] == 250
            assert returns.world.statuses(run_id) == ["bounced"]
            assert hand_over(client, address.upper(), raw)[0] == 250
        with smtplib.LMTP("127.0.0.1", port) as client:
            client.ehlo()
            assert hand_over(client, address, to(OUT_OF_OFFICE, address))[0] == 250
    first, second = returns.mails()
    assert (first.kind, first.state, first.matched_by) == ("bounce", "matched", "return_address")
    assert (second.kind, second.state) == ("auto_reply", "counted")
    assert first.mailbox_id == returns.mailbox_id
    with returns.world.runtime.database.reading() as session:
        assert raw_text(session.get_one(ReturnedMail, first.id)).startswith("Return-Path: <>\n")
    with returns.world.runtime.database.reading() as session:
        assert session.get_one(Mailbox, returns.mailbox_id).last_read_at is not None


def test_what_is_refused_is_refused_in_words_and_stored_nowhere(
    returns: Returns, worker: WorkerProcess, port: int, environ: dict[str, str]
) -> None:
    run_id, address = returns.sent(worker)
    local, _, domain = address.rpartition("@")
    with started(environ, port), smtplib.SMTP("127.0.0.1", port) as client:
        client.ehlo()
        forged = f"{local[:-1]}{'a' if local[-1] != 'a' else 'b'}@{domain}"
        for other in (forged, f"bounces@{domain}", "postmaster@example.com"):
            raw = report(address, block("anna@customers.test"))  # which names the right one
            assert hand_over(client, other, raw) == (550, listening.NOT_OURS.partition(" ")[2].encode())
        client.mail(NULL)
        assert client.rcpt(address)[0] == 250
        assert client.rcpt(address) == (452, b"4.5.3 one recipient at a time")
        client.rset()
        assert client.docmd("MAIL", f"FROM:<> SIZE={listening.SIZE_MAX + 1}")[0] == 552
        client.mail(NULL)
        client.rcpt(address)
        lines = listening.SIZE_MAX // 900
        assert client.data(b"Subject: large\r\n\r\n" + (b"x" * 900 + b"\r\n") * lines)[0] == 552
    assert returns.mails() == []
    assert returns.world.statuses(run_id) == ["sent"]


def test_of_a_large_one_the_beginning_is_kept(returns: Returns, worker: WorkerProcess) -> None:
    run_id, address = returns.sent(worker)
    raw = report(address, block("anna@customers.test")) + b"x" * RAW_MAX
    assert listening.accept(returns.world.runtime, returns.mailbox_id, raw) == listening.STORED
    assert [mail.size for mail in returns.mails()] == [RAW_MAX]
    assert returns.world.statuses(run_id) == ["bounced"]


def test_what_cannot_be_stored_now_stays_with_the_mail_server(
    returns: Returns, worker: WorkerProcess
) -> None:
    runtime = returns.world.runtime
    _run_id, address = returns.sent(worker)
    raw = report(address, block("anna@customers.test"))
    safe = replace(runtime, settings=replace(runtime.settings, redirect_to="test@example.com"))
    assert listening.accept(safe, returns.mailbox_id, raw) == listening.NOT_HERE
    assert listening.accept(runtime, returns.mailbox_id + 1, raw) == listening.NOT_HERE
    with runtime.database.writing() as session:
        session.execute(update(Result).values(status="sending", token="t"))
    assert listening.accept(runtime, returns.mailbox_id, raw) == listening.NOT_YET
    with runtime.database.writing() as session:
        session.execute(update(Result).values(status="sent"))
        session.execute(update(Installation).values(key_check="0" * 64))
    assert listening.accept(runtime, returns.mailbox_id, raw) == listening.NOT_HERE
    assert returns.mails() == []


def test_a_failing_database_is_no_reason_to_lose_a_mail(
    returns: Returns, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ValueError("a bug")

    monkeypatch.setattr(listening, "receive", broken)
    assert listening.accept(returns.world.runtime, returns.mailbox_id, b"x") == listening.NOT_STORED


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("kills", "mails"), [(2, 12), WHOLE])
def test_kills_at_random_lose_nothing_that_is_offered_again_and_count_nothing_twice(
    returns: Returns, worker: WorkerProcess, port: int, environ: dict[str, str], kills: int, mails: int
) -> None:
    world, chance = returns.world, random.Random(6)
    for number in range(mails):
        world.add(f"c{number}@customers.test")
    run_id = world.deliver(worker)
    queue = [
        (taken.sender, report(taken.sender, block(taken.recipients[0])).replace(b"\n", b"\r\n"))
        for taken in world.server.taken
    ]
    accepted = 0
    for number in range(kills + 1):
        with started(environ, port) as process:
            left_until = len(queue) - chance.randint(3, 6) if number < kills else 0
            with suppress(OSError, smtplib.SMTPException), smtplib.SMTP("127.0.0.1", port) as client:
                client.ehlo()
                while queue:
                    address, raw = queue[0]
                    client.mail(NULL)
                    client.rcpt(address)
                    if number < kills and len(queue) == left_until:
                        client.docmd("DATA")
                        client.send(raw + b".\r\n")
                        time.sleep(chance.uniform(0, 0.02))
                        process.kill()
                        break  # whatever the answer was, it is offered again
                    assert client.data(raw)[0] == 250
                    accepted += 1
                    queue.pop(0)
    assert (queue, accepted) == ([], mails)
    assert world.statuses(run_id) == ["bounced"] * mails
    assert stored_and_counted(world) == (mails, mails)


def checked(world: World, mailbox_id: int) -> str:
    """The trouble that a worker finds who looks."""
    runtime = world.runtime
    with runtime.database.reading() as session:
        address = address_of(session.get_one(Mailbox, mailbox_id), runtime.settings, runtime.database)
    try:
        reading.open_mailbox(address).close()
    except MailboxTrouble as trouble:
        return str(trouble)
    return ""


def test_a_port_that_is_not_open_is_the_mailboxs_trouble(
    returns: Returns, port: int, environ: dict[str, str]
) -> None:
    assert checked(returns.world, returns.mailbox_id).startswith(
        "the port is not open: connection refused; start"
    )
    counts = returns.read()
    assert counts is not None
    assert "mailrun bounces listen" in counts.trouble
    with started(environ, port):
        assert checked(returns.world, returns.mailbox_id) == ""
        counts = returns.read()
        assert counts is not None
        assert (counts.read, counts.trouble) == (0, "")
        with started(environ, port) as second:
            assert second.wait(START_SECONDS) == 1  # the port is taken
    with returns.world.runtime.database.writing() as session:
        session.execute(update(Mailbox).values(port=returns.world.server.port))
    assert "another program has this port" in checked(returns.world, returns.mailbox_id)


def test_more_connections_than_it_takes_are_told_so(
    returns: Returns, port: int, environ: dict[str, str]
) -> None:
    with started(environ, port):
        held = [socket.create_connection(("127.0.0.1", port), 5) for _ in range(listening.CONNECTIONS_MAX)]
        assert all(one.recv(100).startswith(b"220 ") for one in held)
        with socket.create_connection(("127.0.0.1", port), 5) as one_too_many:
            assert one_too_many.recv(100) == listening.TOO_MANY
        for one in held:
            one.close()
        end, answer = time.monotonic() + 10, b""
        while not answer.startswith(b"220 ") and time.monotonic() < end:
            with socket.create_connection(("127.0.0.1", port), 5) as again:
                answer = again.recv(100)
        assert answer.startswith(b"220 mailrun Mailrun")
