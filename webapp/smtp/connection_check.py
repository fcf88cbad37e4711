"""Checks the connection to a mail server as a worker would open it, and keeps the conversation.

1. Connect, greet, encrypt and log in with the very code that sends mails (server_connection.py).
2. If the certificate is refused, connect once more without a look at it, and without a login, to show it.
3. Offer an envelope, and withdraw it: this shows what the server says to our name, sender and recipient.
   Instead of withdrawing it, a test mail can be sent.
4. Compare its SIZE with the largest mail."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from cryptography import x509
from cryptography.x509.oid import NameOID

from webapp import notation
from webapp.printable import printable
from webapp.smtp.causes import SetupCause, SetupProblem
from webapp.smtp.client import MASK, ConnectionLost, DeadlineSMTP
from webapp.smtp.diagnosis import problem_of
from webapp.smtp.outcomes import Reply
from webapp.smtp.probed_envelope import envelope_problem
from webapp.smtp.recorded import RecordedSMTP, RecordedTls, Speaker, SpokenLine, Talk
from webapp.smtp.server_connection import ServerAddress, ServerConnection, Waits, reply_text
from webapp.translation import _

NO_FAULT = (SetupCause.GREYLISTED, SetupCause.LATER)
"""What the server says for now, to anyone: the connection is right."""


@dataclass(frozen=True)
class ServerCertificate:
    """What a server's certificate says. Its instants are in UTC."""

    names: tuple[str, ...]
    issuer: str
    valid_from: datetime
    valid_until: datetime


@dataclass(frozen=True)
class CheckedConnection:
    """What came of a check. `problem`: what keeps mails from being sent; None if nothing does. `features`:
    what EHLO offers; `size_max`: the bytes of the largest mail that the server takes, 0 if it names none.
    `protocol`: of the encryption, empty without. `taken`: what the server said when it took the test mail."""

    lines: list[SpokenLine]
    problem: SetupProblem | None = None
    warnings: list[SetupProblem] = field(default_factory=list)
    certificate: ServerCertificate | None = None
    protocol: str = ""
    features: dict[str, str] = field(default_factory=dict)
    taken: str = ""

    @property
    def size_max(self) -> int:
        size = self.features.get("size", "")
        return int(size) if size.isdecimal() and len(size) < SIZE_DIGITS_MAX else 0


SIZE_DIGITS_MAX = 20


def _recorded(address: ServerAddress, waits: Waits, talk: Talk) -> ServerConnection:
    if ask := address.access_token:
        address = replace(address, access_token=partial(_token, ask, talk))
    plain, tls = partial(RecordedSMTP, talk=talk), partial(RecordedTls, talk=talk)
    return ServerConnection(address, waits, plain_client=plain, tls_client=tls)


def _token(ask: Callable[[str], str], talk: Talk, refused: str) -> str:
    token = ask(refused)
    talk.add(Speaker.NOTE, "has another access token" if refused else f"has an access token: {MASK}")
    return token


def check(
    address: ServerAddress,
    waits: Waits,
    *,
    sender: str = "",
    recipient: str = "",
    largest: int = 0,
    mail: bytes = b"",
) -> CheckedConnection:
    """Check this server. With a sender and a recipient an envelope is offered; this mail is sent in it, or if
    there is none, the envelope is withdrawn. `largest`: the bytes of the largest mail that was sent lately.
    Takes a few times `waits.reply` at most."""
    talk, taken = Talk(), ""
    problem: SetupProblem | None = None
    warnings: list[SetupProblem] = []
    connection = _recorded(address, waits, talk)
    try:
        smtp = connection.configure_host()
    except (smtplib.SMTPException, ConnectionLost, OSError) as error:
        problem = problem_of(error, address, talk)
        if isinstance(error, ssl.SSLCertVerificationError):
            _look_at_certificate(address, waits, talk)
    else:
        warnings = _login_warnings(address, connection.refused_logins, talk)
        try:
            if sender and recipient:
                problem, taken = _offer(smtp, sender, recipient, mail)
            smtp.docmd("QUIT")
        except (smtplib.SMTPException, ConnectionLost, OSError) as error:
            problem = problem_of(error, address, talk)
        finally:
            smtp.close()
    if problem and problem.cause in NO_FAULT:
        warnings, problem = [*warnings, problem], None
    checked = CheckedConnection(
        talk.lines, problem, warnings, _certificate(talk.certificate), talk.protocol, talk.features, taken
    )
    if largest and 0 < checked.size_max < largest:
        words = _(
            "The server takes mails up to %(size_max)s bytes; your largest has %(largest)s.",
            size_max=notation.number(checked.size_max),
            largest=notation.number(largest),
        )
        advice = _("Ask its operator to raise the limit, or send the documents in a ZIP.")
        checked.warnings.append(SetupProblem(SetupCause.SIZE_TOO_SMALL, words, advice))
    return checked


def _login_warnings(address: ServerAddress, refused: tuple[str, ...], talk: Talk) -> list[SetupProblem]:
    found = []
    if address.username and not talk.protocol:
        found.append(
            SetupProblem(
                SetupCause.PASSWORD_IN_CLEAR,
                _("The password crosses the network unencrypted."),
                _("Choose STARTTLS or TLS if the server offers it."),
            )
        )
    if refused:
        names = " and ".join(refused)
        words = _(
            "The server offers %(names)s as login and does not carry it out; another login worked.",
            names=names,
        )
        found.append(SetupProblem(SetupCause.LOGIN_BROKEN, words))
    return found


def _offer(smtp: DeadlineSMTP, sender: str, recipient: str, mail: bytes) -> tuple[SetupProblem | None, str]:
    """Offer the envelope, and send the mail if there is one: what is wrong, or what the server said to it."""
    for stage, command in (("MAIL", f"FROM:<{sender}>"), ("RCPT", f"TO:<{recipient}>")):
        code, text = smtp.docmd(stage, command)
        problem = envelope_problem(Reply(code, reply_text(text)), stage, smtp.esmtp_features)
        if problem:
            return problem, ""
    if not mail:
        smtp.docmd("RSET")
        return None, ""
    reply = _send(smtp, mail)
    problem = envelope_problem(reply, "DATA", smtp.esmtp_features)
    return problem, "" if problem else str(reply)


def _send(smtp: DeadlineSMTP, mail: bytes) -> Reply:
    try:
        code, text = smtp.data(mail)
    except smtplib.SMTPDataError as refused:  # at DATA itself
        return Reply(refused.smtp_code, reply_text(refused.smtp_error))
    return Reply(code, reply_text(text))


def _look_at_certificate(address: ServerAddress, waits: Waits, talk: Talk) -> None:
    """Keep the certificate that was refused: TLS ends before it can be read."""
    seen = Talk()
    anonymous = replace(address, username="", password="", access_token=None, believes_any_certificate=True)
    with suppress(smtplib.SMTPException, ConnectionLost, OSError):
        _recorded(anonymous, waits, seen).configure_host().close()
    talk.certificate = seen.certificate


def _certificate(der: bytes) -> ServerCertificate | None:
    """What the certificate says; None if there is none, or none that can be read."""
    try:
        return _read_certificate(der) if der else None
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType, x509.InvalidVersion):
        return None


def _read_certificate(der: bytes) -> ServerCertificate:
    found = x509.load_der_x509_certificate(der)
    try:
        alternative = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names = [
            *alternative.get_values_for_type(x509.DNSName),
            *map(str, alternative.get_values_for_type(x509.IPAddress)),
        ]
    except x509.ExtensionNotFound:
        names = _texts(found.subject, NameOID.COMMON_NAME)
    issuer = _texts(found.issuer, NameOID.COMMON_NAME) or _texts(found.issuer, NameOID.ORGANIZATION_NAME)
    return ServerCertificate(
        tuple(map(printable, names)),
        printable(", ".join(issuer)),
        found.not_valid_before_utc,
        found.not_valid_after_utc,
    )


def _texts(name: x509.Name, kind: x509.ObjectIdentifier) -> list[str]:
    return [str(each.value) for each in name.get_attributes_for_oid(kind)]
