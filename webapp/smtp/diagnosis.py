"""From what went wrong while a connection was opened to its cause, in words that say what to change."""

from __future__ import annotations

import errno
import smtplib
import socket
import ssl
from contextlib import suppress

from webapp.smtp import login_diagnosis
from webapp.smtp.causes import SetupCause, SetupProblem
from webapp.smtp.client import ConnectionLost, TokenMissing, WrongSetup, describe
from webapp.smtp.login_diagnosis import ASK_OPERATOR, USUAL
from webapp.smtp.outcomes import Reply
from webapp.smtp.recorded import Talk
from webapp.smtp.server_connection import ServerAddress, reply_text
from webapp.translation import N_, _

EXPIRED, TOO_EARLY = 10, 9
WRONG_NAME = (62, 64)
UNKNOWN_ISSUER = (18, 19, 20, 21)
"""X509_V_ERR_… of OpenSSL (x509_vfy.h)."""

HIDDEN = "XXXX"
"""What a firewall that rewrites SMTP puts in the place of words that it does not know."""


_SETUP = {
    SetupCause.NEEDS_TLS_AT_ONCE: N_(
        "Choose TLS from the first byte as security, or port 587 with STARTTLS."
    ),
    SetupCause.SPEAKS_NO_TLS: N_("Choose STARTTLS or none as security, or port 465."),
    SetupCause.NO_STARTTLS: N_("Choose another port or another security. %(usual)s"),
    SetupCause.PASSWORD_MISSING: N_("Set it in the environment of the workers or in .env, and restart them."),
}


def problem_of(error: Exception, address: ServerAddress, talk: Talk) -> SetupProblem:
    """What kept the connection from being opened."""
    where = f"{address.host}, port {address.port}"
    has_token = address.access_token is not None
    if isinstance(error, TokenMissing):
        return login_diagnosis.no_token(error)
    if isinstance(error, WrongSetup):
        return _setup(error, talk)
    if isinstance(error, ssl.SSLCertVerificationError):
        return _certificate(error, address)
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return login_diagnosis.no_login(talk, has_token=has_token)
    if isinstance(error, smtplib.SMTPResponseException):
        return _refused(error, talk, has_token)
    if isinstance(error, ConnectionLost):
        return _lost(error, where, talk)
    if isinstance(error, ssl.SSLError):
        words = _(
            "No encrypted connection comes about with %(where)s: %(reason)s.",
            where=where,
            reason=error.reason or describe(error),
        )
        return SetupProblem(
            SetupCause.TLS_FAILED,
            words,
            _("%(ask_operator)s It may speak only TLS 1.1 or older.", ask_operator=_(ASK_OPERATOR)),
        )
    return _not_reached(error, address, where)


def _setup(error: WrongSetup, talk: Talk) -> SetupProblem:
    if error.cause == SetupCause.NO_STARTTLS and _is_rewritten(talk):
        return SetupProblem(
            SetupCause.INTERCEPTED,
            _("A firewall between Mailrun and the server changes what they say, and hides STARTTLS."),
            _("Switch off its inspection of SMTP (“fixup”, “ESMTP inspection”), or use port 465 with TLS."),
        )
    title = {
        SetupCause.NEEDS_TLS_AT_ONCE: _("This port speaks TLS at once."),
        SetupCause.SPEAKS_NO_TLS: _("This port does not speak TLS from the first byte."),
        SetupCause.NO_STARTTLS: _("The server does not offer STARTTLS on this port."),
        SetupCause.PASSWORD_MISSING: _(
            "The password is missing: %(what)s.", what=str(error).partition(";")[0]
        ),
    }[error.cause]
    return SetupProblem(error.cause, title, _(_SETUP[error.cause], usual=_(USUAL)))


def _is_rewritten(talk: Talk) -> bool:
    return any(HIDDEN in name.upper() for name in talk.features) or any(
        line.text.startswith("220") and "***" in line.text for line in talk.lines
    )


def _certificate(error: ssl.SSLCertVerificationError, address: ServerAddress) -> SetupProblem:
    rule = _("Nothing is sent to a server that cannot prove who it is.")
    code = error.verify_code
    if code == EXPIRED:
        return SetupProblem(
            SetupCause.CERTIFICATE_EXPIRED,
            _("The server's certificate has expired."),
            _("%(rule)s Ask its operator for a new certificate.", rule=rule),
        )
    if code == TOO_EARLY:
        return SetupProblem(
            SetupCause.CERTIFICATE_TOO_EARLY, _("The server's certificate is not valid yet."),
            _("Check this machine's clock; else ask the server's operator."),
        )  # fmt: skip
    if code in WRONG_NAME:
        return SetupProblem(
            SetupCause.CERTIFICATE_NAME,
            _("The server's certificate is not for “%(host)s”.", host=address.host),
            _("Enter the name that is in the certificate as host, if it is the same machine."),
        )
    if code in UNKNOWN_ISSUER:
        return SetupProblem(
            SetupCause.CERTIFICATE_UNKNOWN,
            _("The server's certificate is issued by an authority that this machine does not know."),
            _(
                "If it is your company's own, enter its certificate (PEM) here. If not, a proxy or "
                "a virus scanner may stand between: ask your network's operator."
            ),
        )
    return SetupProblem(
        SetupCause.CERTIFICATE_INVALID,
        _("The server's certificate is not valid: %(verify_message)s.", verify_message=error.verify_message),
        rule,
    )


def _refused(error: smtplib.SMTPResponseException, talk: Talk, has_token: bool) -> SetupProblem:
    reply = Reply(error.smtp_code, reply_text(error.smtp_error))
    is_for_good = reply.code // 100 == 5
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return login_diagnosis.refused(reply, talk, has_token=has_token)
    if isinstance(error, smtplib.SMTPHeloError):
        return SetupProblem(
            SetupCause.NAME_REFUSED,
            _("The server refuses Mailrun's name in EHLO: %(reply)s.", reply=reply),
            _("Enter a full host name that DNS knows as “Name in EHLO”."),
        )
    if not is_for_good:
        return SetupProblem(
            SetupCause.BUSY, _("The server is busy: %(reply)s.", reply=reply), _("Try again in some minutes.")
        )
    return SetupProblem(
        SetupCause.GREETING_REFUSED,
        _("The server refuses this machine at the greeting: %(reply)s.", reply=reply),
        _("Ask its operator to accept this machine's address, or send through your provider's relay."),
    )


def _lost(error: ConnectionLost, where: str, talk: Talk) -> SetupProblem:
    words = str(error)
    if "link-local" in words or "service of Mailrun" in words:
        return SetupProblem(
            SetupCause.FORBIDDEN, f"{words[:1].upper()}{words[1:]}.", _("Enter another host or port.")
        )
    if "which is not SMTP" in words:
        speaks = _("a web server or a proxy") if "HTTP" in words else _("not a mail server")
        return SetupProblem(
            SetupCause.NOT_SMTP,
            _("What answers at %(where)s is %(speaks)s.", where=where, speaks=speaks),
            _("Check host and port, and whether a proxy stands between. %(usual)s", usual=_(USUAL)),
        )
    if any(line.text.startswith("AUTH ") for line in talk.lines):
        return SetupProblem(
            SetupCause.LOGIN_BROKEN,
            _("The server breaks off during the login: %(words)s.", words=words),
            _("Check user name and password. %(ask_operator)s", ask_operator=_(ASK_OPERATOR)),
        )
    if "in time" in words:
        return SetupProblem(
            SetupCause.NO_ANSWER,
            _("%(where)s accepts the connection, and says nothing.", where=where),
            _("A firewall or a virus scanner may stand between. Check the port and the security."),
        )
    return SetupProblem(
        SetupCause.CLOSED,
        _("The connection to %(where)s was cut: %(words)s.", where=where, words=words),
        _("The server may not accept this machine's address. %(ask_operator)s", ask_operator=_(ASK_OPERATOR)),
    )


def _not_reached(error: Exception, address: ServerAddress, where: str) -> SetupProblem:
    if isinstance(error, socket.gaierror):
        return SetupProblem(
            SetupCause.NAME_NOT_FOUND,
            _("The name “%(host)s” cannot be found.", host=address.host),
            _("Check its spelling, and this machine's DNS."),
        )
    if isinstance(error, ConnectionRefusedError):
        return SetupProblem(
            SetupCause.REFUSED,
            _("Nothing listens at %(where)s.", where=where),
            _("Check the port, and whether the server runs. %(usual)s", usual=_(USUAL)),
        )
    if isinstance(error, TimeoutError):
        return SetupProblem(
            SetupCause.NO_ANSWER,
            _("%(where)s does not answer.", where=where),
            _("A firewall may stand between: many providers close port 25. Check host and port."),
        )
    if isinstance(error, OSError) and error.errno in (errno.ENETUNREACH, errno.EADDRNOTAVAIL):
        if _has_only_ipv6(address):
            return SetupProblem(
                SetupCause.ONLY_IPV6,
                _(
                    "%(host)s has only IPv6 addresses, and this machine has no way to them.",
                    host=address.host,
                ),
                _("Give this machine IPv6, or enter a host with an IPv4 address."),
            )
        return SetupProblem(
            SetupCause.UNREACHABLE,
            _("There is no way to %(where)s.", where=where),
            _("Check this machine's network."),
        )
    words = _("%(where)s cannot be reached: %(error)s.", where=where, error=describe(error))
    return SetupProblem(SetupCause.UNREACHABLE, words, _("Check host, port and this machine's network."))


def _has_only_ipv6(address: ServerAddress) -> bool:
    with suppress(OSError, UnicodeError):
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
        return bool(found) and all(family == socket.AF_INET6 for family, *_rest in found)
    return False
