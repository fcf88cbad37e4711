"""Logs in to a mail server: PLAIN and LOGIN in UTF-8 (RFC 4616), CRAM-MD5 (RFC 2195), XOAUTH2 with a token
(Google's, which Microsoft has too: https://developers.google.com/gmail/imap/xoauth2-protocol).

smtplib's own login writes ASCII only, and begins with the first mechanism again and again if the server
closes the connection after refusing it."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import smtplib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from webapp.printable import printable
from webapp.smtp.client import ConnectionLost, DeadlineSMTP
from webapp.store.types import storable
from webapp.translation import N_

MECHANISMS = ("CRAM-MD5", "PLAIN", "LOGIN")
"""In the order in which they are tried."""
XOAUTH2 = "XOAUTH2"
WHY_MAX = 200
LOGGED_IN = (235, 503)
"""The replies to a login that worked; 503: already logged in."""


def spellings(username: str, password: str, token: str = "") -> tuple[bytes, ...]:
    """The password, or the token, in every form in which a login sends it; the longest first."""
    if token:
        return (_encoded(_bearer(username, token)).encode(), _encoded(token).encode(), token.encode())
    if not password:
        return ()
    plain = f"\0{username}\0{password}"
    return (_encoded(plain).encode(), _encoded(password).encode(), password.encode())


class TryAgain(Exception):
    """The connection is gone, and there is a mechanism left to try on another one."""


@dataclass
class Login:
    """A login over as many connections as it takes. `skipped`: mechanisms that this server is known to offer
    and not to carry out; if it offers no other, they are tried all the same. `refused`: those that were
    refused before one worked, or were the last to be tried when the server closed the connection. `token`:
    logs in by XOAUTH2 alone; `is_last`: another one was refused before."""

    username: str
    password: str
    skipped: tuple[str, ...] = ()
    token: str = field(default="", repr=False)
    is_last: bool = False
    refused: list[str] = field(default_factory=list)
    _error: Exception | None = None

    def on(self, smtp: DeadlineSMTP) -> None:
        """Log in on this connection. Raises TryAgain if that needs another connection;
        smtplib.SMTPAuthenticationError or ConnectionLost if no mechanism is left;
        smtplib.SMTPNotSupportedError if the server offers none that we know."""
        offered = smtp.esmtp_features.get("auth", "").upper().split()
        if self.token:
            return self._by_token(smtp, offered)
        known = [name for name in MECHANISMS if name in offered]
        if not known:
            raise smtplib.SMTPNotSupportedError(N_("the server offers no login that Mailrun knows"))
        usable = [name for name in known if name not in self.skipped] or known
        is_fresh = True
        for name in [name for name in usable if name not in self.refused]:
            try:
                code, text = _HOW[name](smtp, self.username, self.password)
            except ConnectionLost as lost:
                if is_fresh:
                    self._refuse(name, lost)
                self._next_connection(usable)
            if code in LOGGED_IN:
                return None
            if code // 100 == 3:
                raise ConnectionLost(N_("what the server says to the login makes no sense"))
            self._refuse(name, smtplib.SMTPAuthenticationError(code, text))
            if code == 421:
                self._next_connection(usable)
            is_fresh = False
        raise self._error or ConnectionLost(N_("the server closed the connection during the login"))

    def _by_token(self, smtp: DeadlineSMTP, offered: list[str]) -> None:
        if XOAUTH2 not in offered:
            raise smtplib.SMTPNotSupportedError(N_("the server offers no login by XOAUTH2"))
        code, text = _xoauth2(smtp, self.username, self.token)
        if code // 100 == 3:
            raise ConnectionLost(N_("what the server says to the login makes no sense"))
        if code not in LOGGED_IN:
            raise smtplib.SMTPAuthenticationError(code, text)

    def _refuse(self, name: str, error: Exception) -> None:
        """A refusal in the server's words tells more than a closed connection."""
        self.refused.append(name)
        if not isinstance(self._error, smtplib.SMTPAuthenticationError):
            self._error = error

    def _next_connection(self, usable: list[str]) -> None:
        if all(name in self.refused for name in usable):
            raise self._error or ConnectionLost(N_("the server closed the connection during the login"))
        raise TryAgain


def _plain(smtp: DeadlineSMTP, username: str, password: str) -> tuple[int, bytes]:
    return smtp.docmd("AUTH", "PLAIN " + _encoded(f"\0{username}\0{password}"))


def _login(smtp: DeadlineSMTP, username: str, password: str) -> tuple[int, bytes]:
    reply = smtp.docmd("AUTH", "LOGIN")
    for answer in (username, password):
        if reply[0] != 334:
            break
        reply = smtp.docmd(_encoded(answer))
    return reply


def _cram_md5(smtp: DeadlineSMTP, username: str, password: str) -> tuple[int, bytes]:
    code, challenge = smtp.docmd("AUTH", "CRAM-MD5")
    if code != 334:
        return code, challenge
    try:
        asked = base64.b64decode(challenge, validate=True)
    except binascii.Error:
        smtp.docmd("*")  # withdraws the login (RFC 4954, 4)
        return 501, b"what the server says to the login makes no sense"
    digest = hmac.new(password.encode(), asked, "md5").hexdigest()
    return smtp.docmd(_encoded(f"{username} {digest}"))


def _xoauth2(smtp: DeadlineSMTP, username: str, token: str) -> tuple[int, bytes]:
    """A refusal is a challenge with JSON, which an empty line answers; then comes the code."""
    code, text = smtp.docmd("AUTH", f"{XOAUTH2} {_encoded(_bearer(username, token))}")
    if code != 334:
        return code, text
    why = _told(text)
    code, text = smtp.docmd("")
    return (code, text) if code in LOGGED_IN else (code, smtp.without_secrets(text + why))


def _bearer(username: str, token: str) -> str:
    return f"user={username}\x01auth=Bearer {token}\x01\x01"


def _told(challenge: bytes) -> bytes:
    """ " (status 400, schemes bearer)", as far as the challenge can be read."""
    try:
        said = json.loads(base64.b64decode(challenge, validate=True))
    except (ValueError, RecursionError):
        return b""
    if not isinstance(said, dict):
        return b""
    told = ", ".join(f"{key} {value}" for key, value in said.items() if isinstance(value, str | int))
    return f" ({printable(storable(told))[:WHY_MAX]})".encode() if told else b""


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode("ascii")


_HOW: Mapping[str, Callable[[DeadlineSMTP, str, str], tuple[int, bytes]]] = {
    "CRAM-MD5": _cram_md5,
    "PLAIN": _plain,
    "LOGIN": _login,
}
