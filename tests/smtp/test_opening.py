"""How a connection is opened: our name, login, encryption; what is said when one of these is wrong."""

from __future__ import annotations

import socket
from dataclasses import replace

import pytest

from tests.mailserver import MailServer
from tests.smtp.conversations import CERTIFICATE, LETTER, conversation, to
from webapp.smtp.envelope import is_about_our_name
from webapp.smtp.outcomes import Offered, Rejected, Reply, ServerTrouble
from webapp.smtp.own_name import is_host_name, is_literal, literal
from webapp.smtp.transport import Conversation
from webapp.store.statuses import TroubleKind

PASSWORD = "Zahlstraße€1"


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("web1.example.com", True),
        ("xn--bcher-kva.example", True),
        ("1.example.com", True),
        ("a-b.example.com", True),
        ("web_1.example.com", False),
        ("-x.example.com", False),
        ("x-.example.com", False),
        ("10.0.0.5", False),
        ("fe80::1", False),
        ("localhost", False),
        ("web1..example.com", False),
        ("web1.example.com.", False),
        ("web 1.example.com", False),
        ("bücher.example", False),
        ("a" * 64 + ".example.com", False),
        (".".join(["a" * 60] * 5), False),
        ("", False),
    ],
)
def test_b3_what_is_a_host_name(name: str, is_one: bool) -> None:
    assert is_host_name(name) == is_one


@pytest.mark.parametrize(
    ("address", "written"),
    [
        ("10.0.0.5", "[10.0.0.5]"),
        ("2001:db8::1", "[IPv6:2001:db8::1]"),
        ("fe80::1%eth0", "[IPv6:fe80::1]"),
    ],
)
def test_b3_an_address_literal(address: str, written: str) -> None:
    assert literal(address) == written
    assert is_literal(written)


@pytest.mark.parametrize("name", ["web_1.example.com", "10.0.0.5", "-x.example.com", "localhost"])
def test_b3_a_name_that_is_no_host_name_becomes_the_literal(
    server: MailServer, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: name)
    server.strict_helo = 504
    talk = conversation(server)
    assert talk.open() is None
    assert isinstance(talk.offer(to("a@customers.test"), LETTER), Offered)
    assert server.names == ["[127.0.0.1]"]


def test_b3_the_name_that_is_set(server: MailServer) -> None:
    talk = conversation(server)
    talk.address = replace(talk.address, ehlo_name="mail.example.com")
    assert talk.open() is None
    assert server.names == ["mail.example.com"]


@pytest.mark.parametrize("code", [501, 504, 550])
def test_b3_a_refusal_of_our_name_at_rcpt_is_the_servers_trouble(server: MailServer, code: int) -> None:
    server.strict_helo = code
    talk = conversation(server)
    talk.address = replace(talk.address, ehlo_name="web_1.example.com")
    assert talk.open() is None
    outcome = talk.offer(to("a@customers.test"), LETTER)
    assert isinstance(outcome, ServerTrouble)
    assert outcome.kind == TroubleKind.SETUP
    assert "web_1.example.com" in outcome.words
    assert "ehlo_name" in outcome.words


@pytest.mark.parametrize(
    ("reply", "is_ours"),
    [
        (Reply(504, "5.5.2 <x>: Helo command rejected: need fully-qualified hostname"), True),
        (Reply(501, "5.5.2 invalid EHLO argument"), True),
        (Reply(550, "5.7.1 HELO should be a FQDN"), True),
        (Reply(550, "5.1.1 <helomar@customers.test>: no such user"), False),
        (Reply(550, "5.1.1 user unknown"), False),
        (Reply(452, "4.2.2 helo mailbox full"), False),
    ],
)
def test_b3_which_refusals_are_about_our_name(reply: Reply, is_ours: bool) -> None:
    assert is_about_our_name(reply) == is_ours


def test_b3_a_refusal_of_our_name_at_the_dot_fails_no_message(server: MailServer) -> None:
    server.throttle = (0, 1.0, "550 5.7.1 HELO name refused", "dot")
    talk = conversation(server)
    talk.open()
    talk.offer(to("a@customers.test"), LETTER)
    outcome = talk.finish()
    assert isinstance(outcome, ServerTrouble)
    assert not isinstance(outcome, Rejected)


def test_b4_a_wrong_password_needs_a_person(server: MailServer) -> None:
    server.auth = "mailrun:right"
    trouble = conversation(server, username="mailrun", password="wrong").open()
    assert trouble is not None
    assert trouble.kind == TroubleKind.LOGIN
    assert trouble.words == "it refuses the login: 535 5.7.8 authentication failed"


def test_b4_a_login_that_fails_for_now_needs_time(server: MailServer) -> None:
    server.auth, server.challenge = "mailrun:right", "454 4.7.0 temporary authentication failure"
    trouble = conversation(server, username="mailrun", password="right").open()
    assert trouble is not None
    assert trouble.kind == TroubleKind.PASSING


def login(server: MailServer, password: str = "right") -> Conversation:
    return conversation(server, username="mailrun", password=password)


def test_b5_the_next_mechanism_on_the_next_connection(server: MailServer) -> None:
    """Remembered: the next connection begins with it."""
    server.auth, server.mechanisms = "mailrun:right", "CRAM-MD5 PLAIN LOGIN"
    server.refuses = ("CRAM-MD5",)
    talk = login(server)
    assert talk.open() is None
    assert talk.refused_logins == ("CRAM-MD5",)
    talk.drop()
    assert talk.open() is None
    assert (server.heard["AUTH CRAM-MD5"], server.heard["AUTH PLAIN"]) == (1, 2)


def test_b5_two_mechanisms_that_do_not_work(server: MailServer) -> None:
    server.auth, server.mechanisms = "mailrun:right", "CRAM-MD5 PLAIN LOGIN"
    server.refuses = ("CRAM-MD5", "PLAIN")
    talk = login(server)
    assert talk.open() is None
    assert talk.refused_logins == ("CRAM-MD5", "PLAIN")


def test_b5_no_mechanism_works(server: MailServer) -> None:
    """One connection each, and then it is over; nothing is remembered."""
    server.auth, server.refuses = "mailrun:right", ("PLAIN", "LOGIN")
    talk = login(server)
    trouble = talk.open()
    assert trouble is not None
    assert trouble.kind == TroubleKind.LOGIN
    assert talk.refused_logins == ()
    assert server.connections <= 3


def test_b5_a_mechanism_that_was_refused_is_tried_when_it_is_the_only_one(server: MailServer) -> None:
    server.auth, server.mechanisms = "mailrun:right", "PLAIN"
    talk = login(server)
    talk.refused_logins = ("PLAIN",)
    assert talk.open() is None


@pytest.mark.parametrize("mechanisms", ["PLAIN", "LOGIN"])
def test_b6_a_password_in_utf_8(server: MailServer, mechanisms: str) -> None:
    server.auth, server.mechanisms = f"mailrun:{PASSWORD}", mechanisms
    assert login(server, PASSWORD).open() is None


def test_b7_tls_where_there_is_none(server: MailServer) -> None:
    trouble = conversation(server, security="tls").open()
    assert trouble == ServerTrouble(
        f"it does not speak TLS on port {server.port}: choose starttls or none", TroubleKind.SETUP
    )


@pytest.mark.parametrize("security", ["starttls", "none"])
def test_b7_no_tls_where_it_is_expected(server: MailServer, security: str) -> None:
    server.certificate, server.tls = CERTIFICATE, "implicit"
    trouble = conversation(server, security=security).open()
    assert trouble == ServerTrouble(
        f"it expects TLS from the start on port {server.port}: choose tls", TroubleKind.SETUP
    )


def test_b7_starttls_where_it_is_not_offered(server: MailServer) -> None:
    trouble = conversation(server, security="starttls").open()
    assert trouble is not None
    assert trouble.kind == TroubleKind.SETUP
    assert trouble.words.startswith(f"it does not offer STARTTLS on port {server.port}: choose tls if")


def test_b7_a_server_that_is_silent_is_no_wrong_setting(server: MailServer) -> None:
    server.silent_first = 9
    assert conversation(server).open() == ServerTrouble("no reply in time")


def test_b8_a_missing_variable_is_told_before_any_login(server: MailServer) -> None:
    server.auth = "mailrun:right"
    talk = login(server, "")
    talk.address = replace(talk.address, missing_variable="SMTP_PASSWORD")
    trouble = talk.open()
    assert trouble is not None
    assert trouble.kind == TroubleKind.SETUP
    assert "SMTP_PASSWORD, which is to hold its password, is not set" in trouble.words
    assert server.connections == 0
