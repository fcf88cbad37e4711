"""From what went wrong while a connection was opened to its cause, in words that say what to change."""

from __future__ import annotations

import errno
import smtplib
import socket
import ssl
from contextlib import suppress

from webapp.smtp.causes import SetupCause, SetupProblem
from webapp.smtp.client import ConnectionLost, WrongSetup, describe
from webapp.smtp.outcomes import Reply
from webapp.smtp.recorded import Talk
from webapp.smtp.server_connection import ServerAddress, reply_text

EXPIRED, TOO_EARLY = 10, 9
WRONG_NAME = (62, 64)
UNKNOWN_ISSUER = (18, 19, 20, 21)
"""X509_V_ERR_… of OpenSSL (x509_vfy.h)."""
NEEDS_ENCRYPTION = (530, 538)
"""Replies to AUTH or MAIL before STARTTLS (RFC 3207, 4; RFC 4954, 6)."""

HIDDEN = "XXXX"
"""What a firewall that rewrites SMTP puts in the place of words that it does not know."""

ASK_OPERATOR = "Ask the server's operator."
USUAL = "Usual are port 587 with STARTTLS and port 465 with TLS."

_SETUP = {
    SetupCause.NEEDS_TLS_AT_ONCE: "Choose TLS from the first byte as security, or port 587 with STARTTLS.",
    SetupCause.SPEAKS_NO_TLS: "Choose STARTTLS or none as security, or port 465.",
    SetupCause.NO_STARTTLS: f"Choose another port or another security. {USUAL}",
    SetupCause.PASSWORD_MISSING: "Set it in the environment of the workers or in .env, and restart them.",
}


def problem_of(error: Exception, address: ServerAddress, talk: Talk) -> SetupProblem:
    """What kept the connection from being opened."""
    where = f"{address.host}, port {address.port}"
    if isinstance(error, WrongSetup):
        return _setup(error, talk)
    if isinstance(error, ssl.SSLCertVerificationError):
        return _certificate(error, address)
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return _no_login(address, talk)
    if isinstance(error, smtplib.SMTPResponseException):
        return _refused(error, talk)
    if isinstance(error, ConnectionLost):
        return _lost(error, where, talk)
    if isinstance(error, ssl.SSLError):
        words = f"No encrypted connection comes about with {where}: {error.reason or describe(error)}."
        return SetupProblem(
            SetupCause.TLS_FAILED, words, f"{ASK_OPERATOR} It may speak only TLS 1.1 or older."
        )
    return _not_reached(error, address, where)


def _setup(error: WrongSetup, talk: Talk) -> SetupProblem:
    if error.cause == SetupCause.NO_STARTTLS and _is_rewritten(talk):
        return SetupProblem(
            SetupCause.INTERCEPTED,
            "A firewall between Mailrun and the server changes what they say, and hides STARTTLS.",
            "Switch off its inspection of SMTP (“fixup”, “ESMTP inspection”), or use port 465 with TLS.",
        )
    title = {
        SetupCause.NEEDS_TLS_AT_ONCE: "This port speaks TLS at once.",
        SetupCause.SPEAKS_NO_TLS: "This port does not speak TLS from the first byte.",
        SetupCause.NO_STARTTLS: "The server does not offer STARTTLS on this port.",
        SetupCause.PASSWORD_MISSING: f"The password is missing: {str(error).partition(';')[0]}.",
    }[error.cause]
    return SetupProblem(error.cause, title, _SETUP[error.cause])


def _is_rewritten(talk: Talk) -> bool:
    return any(HIDDEN in name.upper() for name in talk.features) or any(
        line.text.startswith("220") and "***" in line.text for line in talk.lines
    )


def _certificate(error: ssl.SSLCertVerificationError, address: ServerAddress) -> SetupProblem:
    rule = "Nothing is sent to a server that cannot prove who it is."
    code = error.verify_code
    if code == EXPIRED:
        return SetupProblem(
            SetupCause.CERTIFICATE_EXPIRED,
            "The server's certificate has expired.",
            f"{rule} Ask its operator for a new certificate.",
        )
    if code == TOO_EARLY:
        return SetupProblem(
            SetupCause.CERTIFICATE_TOO_EARLY, "The server's certificate is not valid yet.",
            "Check this machine's clock; else ask the server's operator.",
        )  # fmt: skip
    if code in WRONG_NAME:
        return SetupProblem(
            SetupCause.CERTIFICATE_NAME,
            f"The server's certificate is not for “{address.host}”.",
            "Enter the name that is in the certificate as host, if it is the same machine.",
        )
    if code in UNKNOWN_ISSUER:
        return SetupProblem(
            SetupCause.CERTIFICATE_UNKNOWN,
            "The server's certificate is issued by an authority that this machine does not know.",
            "If it is your company's own, enter its certificate (PEM) here. If not, a proxy or a virus "
            "scanner may stand between: ask your network's operator.",
        )
    return SetupProblem(
        SetupCause.CERTIFICATE_INVALID,
        f"The server's certificate is not valid: {error.verify_message}.",
        rule,
    )


def _no_login(address: ServerAddress, talk: Talk) -> SetupProblem:
    offered = talk.features.get("auth", "").upper().split()
    if not offered and not talk.protocol and "starttls" in talk.features:
        return SetupProblem(
            SetupCause.LOGIN_NEEDS_TLS,
            "The server offers a login only on an encrypted connection.",
            "Choose STARTTLS as security.",
        )
    if not offered:
        return SetupProblem(
            SetupCause.LOGIN_NOT_OFFERED,
            "The server offers no login on this port.",
            f"Choose no login if it knows this machine by its address; else another port. {USUAL}",
        )
    if all("OAUTH" in name or name == "OAUTHBEARER" for name in offered):
        return SetupProblem(
            SetupCause.LOGIN_ONLY_OAUTH,
            f"The server accepts only OAuth 2 ({', '.join(offered)}).",
            "A user name and a password do not work there. Ask for SMTP AUTH, an app password or a relay.",
        )
    words = f"The server offers only logins that Mailrun does not know: {', '.join(offered)}."
    return SetupProblem(
        SetupCause.LOGIN_UNKNOWN, words, f"{ASK_OPERATOR} Mailrun knows PLAIN, LOGIN and CRAM-MD5."
    )


def _refused(error: smtplib.SMTPResponseException, talk: Talk) -> SetupProblem:
    reply = Reply(error.smtp_code, reply_text(error.smtp_error))
    is_for_good = reply.code // 100 == 5
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return _login_refused(reply, talk)
    if isinstance(error, smtplib.SMTPHeloError):
        return SetupProblem(
            SetupCause.NAME_REFUSED,
            f"The server refuses Mailrun's name in EHLO: {reply}.",
            "Enter a full host name that DNS knows as “Name in EHLO”.",
        )
    if not is_for_good:
        return SetupProblem(SetupCause.BUSY, f"The server is busy: {reply}.", "Try again in some minutes.")
    return SetupProblem(
        SetupCause.GREETING_REFUSED,
        f"The server refuses this machine at the greeting: {reply}.",
        "Ask its operator to accept this machine's address, or send through your provider's relay.",
    )


def _login_refused(reply: Reply, talk: Talk) -> SetupProblem:
    if reply.code in NEEDS_ENCRYPTION and not talk.protocol:
        return SetupProblem(
            SetupCause.LOGIN_NEEDS_TLS,
            f"The server accepts a login only on an encrypted connection: {reply}.",
            "Choose STARTTLS as security.",
        )
    if reply.code // 100 == 4:
        return SetupProblem(
            SetupCause.LOGIN_LATER,
            f"The server cannot check the login now: {reply}.",
            "Try again in some minutes.",
        )
    if reply.code == 501 and "makes no sense" in reply.text:
        return SetupProblem(
            SetupCause.LOGIN_BROKEN, "The server offers CRAM-MD5 and does not carry it out.", ASK_OPERATOR
        )
    return SetupProblem(
        SetupCause.LOGIN_REFUSED,
        f"The server refuses the user name or the password: {reply}.",
        "Check both. The server does not say which is wrong.",
    )


def _lost(error: ConnectionLost, where: str, talk: Talk) -> SetupProblem:
    words = str(error)
    if "link-local" in words or "service of Mailrun" in words:
        return SetupProblem(
            SetupCause.FORBIDDEN, f"{words[:1].upper()}{words[1:]}.", "Enter another host or port."
        )
    if "which is not SMTP" in words:
        speaks = "a web server or a proxy" if "HTTP" in words else "not a mail server"
        return SetupProblem(
            SetupCause.NOT_SMTP,
            f"What answers at {where} is {speaks}.",
            f"Check host and port, and whether a proxy stands between. {USUAL}",
        )
    if any(line.text.startswith("AUTH ") for line in talk.lines):
        return SetupProblem(
            SetupCause.LOGIN_BROKEN,
            f"The server breaks off during the login: {words}.",
            f"Check user name and password. {ASK_OPERATOR}",
        )
    if "in time" in words:
        return SetupProblem(
            SetupCause.NO_ANSWER,
            f"{where} accepts the connection, and says nothing.",
            "A firewall or a virus scanner may stand between. Check the port and the security.",
        )
    return SetupProblem(
        SetupCause.CLOSED,
        f"The connection to {where} was cut: {words}.",
        f"The server may not accept this machine's address. {ASK_OPERATOR}",
    )


def _not_reached(error: Exception, address: ServerAddress, where: str) -> SetupProblem:
    if isinstance(error, socket.gaierror):
        return SetupProblem(
            SetupCause.NAME_NOT_FOUND,
            f"The name “{address.host}” cannot be found.",
            "Check its spelling, and this machine's DNS.",
        )
    if isinstance(error, ConnectionRefusedError):
        return SetupProblem(
            SetupCause.REFUSED,
            f"Nothing listens at {where}.",
            f"Check the port, and whether the server runs. {USUAL}",
        )
    if isinstance(error, TimeoutError):
        return SetupProblem(
            SetupCause.NO_ANSWER,
            f"{where} does not answer.",
            "A firewall may stand between: many providers close port 25. Check host and port.",
        )
    if isinstance(error, OSError) and error.errno in (errno.ENETUNREACH, errno.EADDRNOTAVAIL):
        if _has_only_ipv6(address):
            return SetupProblem(
                SetupCause.ONLY_IPV6,
                f"{address.host} has only IPv6 addresses, and this machine has no way to them.",
                "Give this machine IPv6, or enter a host with an IPv4 address.",
            )
        return SetupProblem(
            SetupCause.UNREACHABLE, f"There is no way to {where}.", "Check this machine's network."
        )
    words = f"{where} cannot be reached: {describe(error)}."
    return SetupProblem(SetupCause.UNREACHABLE, words, "Check host, port and this machine's network.")


def _has_only_ipv6(address: ServerAddress) -> bool:
    with suppress(OSError, UnicodeError):
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
        return bool(found) and all(family == socket.AF_INET6 for family, *_ in found)
    return False
