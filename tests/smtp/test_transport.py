"""One SMTP connection: where it may break, what that means, and that no wait is without end."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.mailserver import MailServer
from tests.smtp.conversations import CERTIFICATE, LETTER, conversation, scripted, to
from webapp.smtp.outcomes import Accepted, Broken, Deferred, Offered, Rejected, ServerTrouble, Unknown


@pytest.mark.security("C28")
def test_a_message_arrives_byte_for_byte(server: MailServer) -> None:
    talk = conversation(server)
    assert talk.open() is None
    awkward = b"A: b\r\n\r\n.\r\n..\r\n.x\r\n\r\n.\r\n"
    for data in (LETTER, awkward):
        assert isinstance(talk.offer(to("a@customers.test"), data), Offered)
        finish = talk.finish()
        assert isinstance(finish, Accepted)
        assert finish.reply.text.startswith("2.0.0 ok: queued")
    talk.close()
    assert [taken.data for taken in server.taken] == [LETTER, awkward]
    assert server.connections == 1


def test_nothing_is_taken_before_the_dot(server: MailServer) -> None:
    talk = conversation(server)
    talk.open()
    assert isinstance(talk.offer(to("a@customers.test"), LETTER), Offered)
    talk.drop()
    time.sleep(0.1)
    assert server.taken == []


@pytest.mark.parametrize("greeting", ["421 too busy", "554 go away", "hello?"])
def test_a_bad_greeting_is_the_servers_trouble(server: MailServer, greeting: str) -> None:
    server.greeting = greeting
    assert isinstance(conversation(server).open(), ServerTrouble)


def test_a_refused_connection_is_the_servers_trouble(server: MailServer) -> None:
    server.stop()
    assert conversation(server).open() == ServerTrouble("connection refused")


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [("450 4.7.1 rate limit", ServerTrouble), ("421 closing", ServerTrouble), ("552 too big", Rejected)],
)
def test_a_refusal_of_mail(server: MailServer, reply: str, outcome: type) -> None:
    server.mail_reply = reply
    talk = conversation(server)
    talk.open()
    assert isinstance(talk.offer(to("a@customers.test"), LETTER), outcome)


def test_a_message_over_the_servers_size_is_refused_without_data(server: MailServer) -> None:
    server.max_size = 10
    talk = conversation(server)
    talk.open()
    offer = talk.offer(to("a@customers.test"), LETTER)
    assert isinstance(offer, Rejected)
    assert offer.stage == "SIZE"
    assert "takes 10" in offer.reply.text


@pytest.mark.parametrize(
    ("address", "outcome"),
    [
        ("reject-550.a@x.test", Rejected),
        ("reject-450.a@x.test", Deferred),
        ("reject-421.a@x.test", ServerTrouble),
    ],
)
def test_a_refusal_of_the_recipient(server: MailServer, address: str, outcome: type) -> None:
    talk = conversation(server)
    talk.open()
    assert isinstance(talk.offer(to(address), LETTER), outcome)
    if outcome is not ServerTrouble:  # and the next message goes over the same connection
        assert isinstance(talk.offer(to("a@customers.test"), LETTER), Offered)
        assert isinstance(talk.finish(), Accepted)
        assert server.connections == 1


@pytest.mark.parametrize(
    ("address", "outcome"),
    [
        ("data-451.a@x.test", Deferred),
        ("data-554.a@x.test", Rejected),
        ("data-421.a@x.test", Deferred),
        ("cut-ack.a@x.test", Unknown),
        ("cut-reject.a@x.test", Unknown),
        ("hang-3.a@x.test", Unknown),
    ],
)
def test_what_the_reply_to_the_dot_means(server: MailServer, address: str, outcome: type) -> None:
    talk = conversation(server)
    talk.open()
    assert isinstance(talk.offer(to(address), LETTER), Offered)
    finish = talk.finish()
    assert isinstance(finish, outcome)
    if isinstance(finish, Deferred):
        assert finish.closing == ("421" in address)


def test_a_connection_cut_at_rcpt_is_broken_and_not_stale(server: MailServer) -> None:
    talk = conversation(server)
    talk.open()
    offer = talk.offer(to("cut-rcpt.a@x.test"), LETTER)
    assert isinstance(offer, Broken)
    assert (offer.stage, offer.stale) == ("RCPT", False)


def test_the_socket_is_heard_when_the_server_closes_unasked(server: MailServer) -> None:
    server.close_after = 1
    talk = conversation(server)
    talk.open()
    talk.offer(to("a@customers.test"), LETTER)
    assert isinstance(talk.finish(), Accepted)
    time.sleep(0.1)
    assert talk.heard_from()
    assert talk.open() is None  # again
    assert server.connections == 2


def test_a_server_that_hangs_at_the_greeting_is_given_up() -> None:
    with scripted([]) as server:
        began = time.monotonic()
        assert conversation(server).open() == ServerTrouble("no reply in time")
        assert 0.9 < time.monotonic() - began < 3


def test_a_server_that_drips_one_byte_at_a_time_is_given_up() -> None:
    with scripted([b"220 " + b"x" * 500 + b"\r\n"], pause=0.05) as server:
        began = time.monotonic()
        assert isinstance(conversation(server).open(), ServerTrouble)
        assert time.monotonic() - began < 3


def test_a_server_whose_reply_never_ends_is_given_up() -> None:
    with scripted([b"220-more\r\n" * 20_000]) as server:
        assert conversation(server).open() == ServerTrouble("the server's reply has no end")


def test_a_goodbye_that_hangs_takes_no_more_than_some_seconds() -> None:
    with scripted([b"220 hi\r\n", b"250 ok\r\n"]) as server:
        talk = conversation(server)
        assert talk.open() is None
        began = time.monotonic()
        talk.close()
        assert time.monotonic() - began < 5


def test_a_server_that_does_not_offer_starttls_is_refused(server: MailServer) -> None:
    trouble = conversation(server, security="starttls").open()
    assert trouble is not None
    assert "STARTTLS" in trouble.words


@pytest.mark.parametrize(
    ("host", "password", "words"),
    [
        ("smtp..example.com", "", "cannot be the name of a host"),
        ("x" * 64 + ".example.com", "", "cannot be the name of a host"),
        ("127.0.0.1", "Schlüssel", "535 5.7.8 authentication failed"),
        ("127.0.0.1", "wrong", "535 5.7.8 authentication failed"),
    ],
)
def test_an_address_that_cannot_be_used_is_told_without_its_secret(
    server: MailServer, host: str, password: str, words: str
) -> None:
    server.auth = "mailrun:right"
    trouble = conversation(server, host=host, username="mailrun", password=password).open()
    assert trouble is not None
    assert words in trouble.words
    assert "ü" not in trouble.words


def test_a_login_that_makes_no_sense_is_trouble(server: MailServer) -> None:
    server.auth, server.challenge = "mailrun:right", "334 A"
    trouble = conversation(server, username="mailrun", password="right").open()
    assert trouble is not None
    assert "makes no sense" in trouble.words


@pytest.mark.parametrize("size", ["=1000", "none", "²", "9" * 5_000])
def test_a_size_that_is_no_number_limits_nothing(server: MailServer, size: str) -> None:
    server.size = size
    talk = conversation(server)
    assert talk.open() is None
    assert isinstance(talk.offer(to("a@customers.test"), LETTER), Offered)


@contextmanager
def tls_server() -> Iterator[MailServer]:
    """Speaks TLS from the first byte, with a certificate for "localhost" that no authority has signed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
                with context.wrap_socket(connection, server_side=True) as secure:
                    secure.sendall(b"220 hi\r\n")
                    secure.recv(100)
                    secure.sendall(b"250 ok\r\n")
                    secure.recv(100)
            except ssl.SSLError:
                continue
            except OSError:
                return

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield MailServer(port=listener.getsockname()[1])
    finally:
        listener.close()


def test_a_certificate_is_verified_and_must_have_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    with tls_server() as server:
        trouble = conversation(server, host="localhost", security="tls").open()
        assert trouble is not None
        assert "certificate is not valid" in trouble.words
        monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
        talk = conversation(server, host="localhost", security="tls")
        assert talk.open() is None
        talk.close()
        trouble = conversation(server, host="127.0.0.1", security="tls").open()
        assert trouble is not None
        assert "certificate is not valid" in trouble.words
