"""“Check connection” names the right cause of each wrong set-up, and shows no secret."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.mailserver import MailServer
from tests.smtp.certificates import authority, certificate
from tests.smtp.conversations import scripted
from webapp.smtp import recorded
from webapp.smtp.causes import SetupCause
from webapp.smtp.client import MASK
from webapp.smtp.connection_check import CheckedConnection, _certificate, check
from webapp.smtp.recorded import Speaker
from webapp.smtp.server_connection import ServerAddress, ServerConnection, Waits
from webapp.smtp.transport import Conversation

WAITS = Waits(reply=1.0, data=1.0)
ENVELOPE: dict[str, Any] = {"sender": "billing@example.com", "recipient": "a@customers.test"}
PASSWORD = "Zahlstraße€1"

OURS = authority()


def address(server: MailServer, **fields: Any) -> ServerAddress:
    return replace(ServerAddress("127.0.0.1", server.port, "none", authorities=OURS.pem), **fields)


def cause(checked: CheckedConnection) -> SetupCause | None:
    return checked.problem.cause if checked.problem else None


def test_a_right_server_has_no_problem(server: MailServer, tmp_path: Path) -> None:
    server.certificate, server.auth = certificate(tmp_path / "right.pem", OURS), f"mailrun:{PASSWORD}"
    login = {"security": "starttls", "username": "mailrun", "password": PASSWORD}
    checked = check(address(server, **login), WAITS, **ENVELOPE, largest=55_000)
    assert (checked.problem, checked.warnings, server.taken) == (None, [], [])
    assert checked.certificate is not None
    assert (checked.certificate.names, checked.certificate.issuer) == (("127.0.0.1",), "Example CA")
    assert checked.protocol == "TLS 1.3"
    assert checked.size_max == server.max_size
    said = [line.text for line in checked.lines if line.speaker == Speaker.CLIENT]
    assert [text.partition(" ")[0] for text in said] == [
        "EHLO", "STARTTLS", "EHLO", "AUTH", "MAIL", "RCPT", "RSET", "QUIT"
    ]  # fmt: skip
    assert said[3] == f"AUTH PLAIN {MASK}"


@pytest.mark.security("C16", "C18")
@pytest.mark.parametrize("mechanisms", ["PLAIN", "LOGIN", "CRAM-MD5"])
def test_no_secret_is_shown(server: MailServer, mechanisms: str) -> None:
    server.auth, server.mechanisms = "mailrun:right", mechanisms
    checked = check(address(server, username="user-name", password="wrong secret"), WAITS)
    shown = repr(checked.lines)
    assert cause(checked) in (SetupCause.LOGIN_REFUSED, SetupCause.LOGIN_BROKEN)
    for secret in ("wrong secret", "d3Jvbmcgc2VjcmV0", "dXNlci1uYW1l", "user-name"):
        assert secret not in shown
    assert MASK in shown or mechanisms == "CRAM-MD5"


@pytest.mark.security("C16", "C18")
@pytest.mark.parametrize(
    "echoed", [PASSWORD, "AG1haWxydW4AWmFobHN0cmHDn2XigqwxICAg", "WmFobHN0cmHDn2XigqwxICAg"]
)
def test_f_a_server_that_repeats_the_login_gives_nothing_away(server: MailServer, echoed: str) -> None:
    """Neither in the conversation, nor in what is wrong, nor in the trouble that every page tells."""
    password = PASSWORD + "   "
    server.auth, server.challenge = "mailrun:x", f"535 5.7.8 bad login \N{GREEK SMALL LETTER ALPHA} {echoed}"
    at = address(server, username="mailrun", password=password)
    if echoed == PASSWORD:
        at = replace(at, password=PASSWORD)
    checked = check(at, WAITS)
    trouble = Conversation(at, WAITS).open()
    assert trouble is not None
    assert cause(checked) == SetupCause.LOGIN_REFUSED
    for shown in (repr(checked.lines), str(checked.problem), trouble.words):
        assert echoed not in shown
        assert MASK in shown


LOGIN = {"username": "mailrun", "password": "right"}
REFUSING: list[tuple[SetupCause, dict[str, Any], dict[str, Any]]] = [
    (SetupCause.SPEAKS_NO_TLS, {}, {"security": "tls"}),
    (SetupCause.NO_STARTTLS, {}, {"security": "starttls"}),
    (SetupCause.LOGIN_REFUSED, {"auth": "mailrun:right"}, {"username": "mailrum", "password": "right"}),
    (SetupCause.LOGIN_REFUSED, {"auth": "mailrun:right"}, {"username": "mailrun", "password": "ß€"}),
    (SetupCause.LOGIN_NOT_OFFERED, {}, LOGIN),
    (SetupCause.LOGIN_ONLY_OAUTH, {"auth": "x:y", "mechanisms": "XOAUTH2 OAUTHBEARER"}, LOGIN),
    (SetupCause.LOGIN_UNKNOWN, {"auth": "x:y", "mechanisms": "GSSAPI NTLM"}, LOGIN),
    (SetupCause.LOGIN_LATER, {"auth": "x:y", "challenge": "454 4.7.0 later"}, LOGIN),
    (SetupCause.LOGIN_BROKEN, {"auth": "x:y", "mechanisms": "CRAM-MD5", "challenge": "334 no!"}, LOGIN),
    (SetupCause.LOGIN_NEEDED, {"auth": "mailrun:right"}, {}),
    (SetupCause.GREETING_REFUSED, {"greeting": "554 5.7.1 no access from your address"}, {}),
    (SetupCause.BUSY, {"greeting": "421 4.3.2 too many connections"}, {}),
    (SetupCause.NOT_SMTP, {"greeting": "HTTP/1.1 400 Bad Request"}, {}),
    (SetupCause.NAME_REFUSED, {"strict_helo": 550}, {"ehlo_name": "web_1"}),
    (SetupCause.SENDER_REFUSED, {"mail_reply": "553 5.7.1 not your address"}, {}),
    (SetupCause.RELAY_DENIED, {"shut": "554 5.7.1 <a@customers.test>: Relay access denied"}, {}),
    (SetupCause.RECIPIENT_REFUSED, {"shut": "550 5.1.1 no such user"}, {}),
    (SetupCause.NO_ANSWER, {"silent_first": 9}, {}),
]  # fmt: skip


@pytest.mark.parametrize(("expected", "fields", "ours"), REFUSING, ids=lambda value: str(value)[:40])
def test_what_the_server_says_leads_to_the_cause(
    server: MailServer, expected: SetupCause, fields: dict[str, Any], ours: dict[str, Any]
) -> None:
    for name, value in fields.items():
        setattr(server, name, value)
    checked = check(address(server, **ours), WAITS, **ENVELOPE)
    assert cause(checked) == expected
    assert checked.problem is not None
    assert checked.problem.title.endswith(".")
    assert checked.problem.advice.endswith(".")


@pytest.mark.parametrize("security", ["starttls", "none"])
def test_a_port_that_speaks_tls_at_once(server: MailServer, tmp_path: Path, security: str) -> None:
    server.certificate, server.tls = certificate(tmp_path / "right.pem", OURS), "implicit"
    checked = check(address(server, security=security), WAITS)
    assert cause(checked) == SetupCause.NEEDS_TLS_AT_ONCE
    assert str(checked.problem).startswith("This port speaks TLS at once. Choose TLS")


@pytest.mark.parametrize("security", ["starttls", "tls"])
@pytest.mark.parametrize(
    ("expected", "host", "days", "issuer"),
    [
        (SetupCause.CERTIFICATE_EXPIRED, "127.0.0.1", (-30, -4), OURS),
        (SetupCause.CERTIFICATE_TOO_EARLY, "127.0.0.1", (4, 30), OURS),
        (SetupCause.CERTIFICATE_NAME, "mail.example.com", (-1, 30), OURS),
        (SetupCause.CERTIFICATE_UNKNOWN, "127.0.0.1", (-1, 30), authority("Another CA")),
    ],
)
def test_a_certificate_that_is_wrong_is_shown_all_the_same(
    server: MailServer, tmp_path: Path, expected: SetupCause, host: str, days: Any, issuer: Any, security: str
) -> None:
    server.certificate = certificate(tmp_path / "wrong.pem", issuer, host, days)
    server.tls = "implicit" if security == "tls" else "starttls"
    server.auth = "mailrun:right"
    checked = check(address(server, security=security, **LOGIN), WAITS)
    assert cause(checked) == expected
    assert checked.certificate is not None
    assert checked.certificate.names == (host,)
    assert server.logins == []


def test_a_login_only_under_tls(server: MailServer, tmp_path: Path) -> None:
    server.certificate = certificate(tmp_path / "right.pem", OURS)
    assert cause(check(address(server, **LOGIN), WAITS)) == SetupCause.LOGIN_NEEDS_TLS


def test_a_firewall_that_rewrites_smtp() -> None:
    greeting = b"220 ****************************\r\n"
    with scripted([greeting, b"250-hi\r\n250-XXXXXXXA\r\n250 SIZE 1000\r\n"]) as server:
        checked = check(address(server, security="starttls"), WAITS)
    assert cause(checked) == SetupCause.INTERCEPTED


def test_a_name_refused_at_ehlo() -> None:
    refusal = b"550 5.7.1 no such name\r\n"
    with scripted([b"220 hi\r\n", refusal, refusal]) as server:
        assert cause(check(address(server), WAITS)) == SetupCause.NAME_REFUSED


def test_a_missing_variable() -> None:
    at = ServerAddress("127.0.0.1", 9, "none", "mailrun", missing_variable="SMTP_PASSWORD")
    checked = check(at, WAITS)
    assert cause(checked) == SetupCause.PASSWORD_MISSING
    assert "SMTP_PASSWORD" in str(checked.problem)


def test_a_port_where_nothing_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    assert cause(check(ServerAddress("127.0.0.1", port, "none"), WAITS)) == SetupCause.REFUSED


def test_a_name_that_is_not_found() -> None:
    assert cause(check(ServerAddress("mail.invalid", 25, "none"), WAITS)) == SetupCause.NAME_NOT_FOUND


@pytest.mark.security("C16")
def test_an_address_that_is_never_a_mail_server() -> None:
    assert cause(check(ServerAddress("169.254.169.254", 25, "none"), WAITS)) in (
        SetupCause.FORBIDDEN,
        SetupCause.NO_ANSWER,
        SetupCause.UNREACHABLE,
    )


@pytest.fixture
def unreachable(monkeypatch: pytest.MonkeyPatch) -> Callable[[OSError, list[str]], None]:
    """Has connections fail as on a machine without such a network."""

    def set_up(error: OSError, addresses: list[str]) -> None:
        def refuse(*_: object, **__: object) -> None:
            raise error

        def found(*_: object, **__: object) -> list[tuple[Any, ...]]:
            return [
                (socket.AF_INET6 if ":" in each else socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, 25))
                for each in addresses
            ]

        monkeypatch.setattr(socket, "create_connection", refuse)
        monkeypatch.setattr(socket, "getaddrinfo", found)

    return set_up


@pytest.mark.parametrize(
    ("error", "addresses", "expected"),
    [
        (OSError(101, "Network is unreachable"), ["2001:db8::1"], SetupCause.ONLY_IPV6),
        (OSError(101, "Network is unreachable"), ["192.0.2.1", "2001:db8::1"], SetupCause.UNREACHABLE),
        (TimeoutError("timed out"), ["192.0.2.1"], SetupCause.NO_ANSWER),
    ],
)
def test_a_machine_that_is_not_reached(
    unreachable: Callable[[OSError, list[str]], None],
    error: OSError,
    addresses: list[str],
    expected: SetupCause,
) -> None:
    unreachable(error, addresses)
    assert cause(check(ServerAddress("mail.example.com", 25, "none"), WAITS)) == expected


def warned(checked: CheckedConnection) -> list[SetupCause]:
    assert checked.problem is None
    return [each.cause for each in checked.warnings]


def test_what_is_worth_knowing_and_no_fault(server: MailServer) -> None:
    server.auth, server.mechanisms, server.refuses = "mailrun:right", "CRAM-MD5 PLAIN", ("CRAM-MD5",)
    server.size, server.greylist = "40000", 300.0
    checked = check(address(server, **LOGIN), WAITS, **ENVELOPE, largest=55_000)
    assert warned(checked) == [
        SetupCause.PASSWORD_IN_CLEAR,
        SetupCause.LOGIN_BROKEN,
        SetupCause.GREYLISTED,
        SetupCause.SIZE_TOO_SMALL,
    ]


def test_f_a_check_ends_however_slow_the_server_is(
    server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorded, "CHECK_SECONDS_MAX", 1.5)
    server.auth, server.latency = "mailrun:x", 0.7
    begun = time.monotonic()
    checked = check(address(server, **LOGIN), Waits(reply=5.0, data=5.0))
    assert checked.problem is not None
    assert time.monotonic() - begun < 3


def test_f_a_certificate_that_cannot_be_read_is_none() -> None:
    assert _certificate(b"0\x03\x02\x01\x01") is None


def test_f_the_look_for_tls_asks_no_service_of_mailruns_own() -> None:
    with scripted([]) as server:
        at = ServerAddress("127.0.0.1", server.port, "none", own_services=(("127.0.0.1", server.port),))
        assert not ServerConnection(at, WAITS)._speaks_tls()
