"""smtplib with a deadline on every wait, and a check of the socket that costs nothing."""

from __future__ import annotations

import smtplib
import socket
import ssl
import time
from typing import Any

from webapp.destinations import Service, peer_refusal
from webapp.smtp.causes import SetupCause
from webapp.smtp.event_loop import ALONE, READ, WRITE, Waiting
from webapp.translation import N_

MASK = "••••••••"
LONGEST_REPLY = 64 * 1024
WOULD_WAIT = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class ConnectionLost(Exception):
    """The connection is gone, or silent for too long; the message says which."""


class WrongSetup(ConnectionLost):
    """The server cannot be used as it is set up; the message says what to change."""

    def __init__(self, words: str, cause: SetupCause) -> None:
        super().__init__(words)
        self.cause = cause


class TokenMissing(ConnectionLost):
    """There is no access token to log in with; the message says why. `needs_a_person`: none comes by
    itself."""

    def __init__(self, words: str, *, needs_a_person: bool) -> None:
        super().__init__(words)
        self.needs_a_person = needs_a_person


class DeadlineSMTP(smtplib.SMTP):
    """smtplib with a deadline on every wait, and a check of the socket that costs nothing.

    The socket never blocks: all waits go through `waiting`, so that other conversations can continue."""

    reply_wait = 60.0
    deadline = float("inf")
    waiting: Waiting = ALONE
    own_services: tuple[Service, ...] = ()
    secrets: tuple[bytes, ...] = ()
    """What a reply must not repeat: it is shown to people, and kept."""

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        sock: socket.socket = super()._get_socket(host, port, timeout)  # type: ignore[misc]
        if words := peer_refusal(sock, self.own_services):
            sock.close()
            raise ConnectionLost(words)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # the dot must not wait for an ACK
        sock.settimeout(0)
        return sock

    def getreply(self) -> tuple[int, bytes]:
        """The next reply, whole, within `reply_wait` seconds and before the message's deadline. Raises
        ConnectionLost."""
        until = min(time.monotonic() + self.reply_wait, self.deadline)
        lines: list[bytes] = []
        received = 0
        while True:
            line = self._line(until)
            received += len(line) + 1
            lines.append(line[4:].strip(b" \t\r\n"))
            if not line[:3].isdigit():
                raise ConnectionLost(
                    N_("the server answered %(line)s, which is not SMTP")
                    % {"line": repr(self.without_secrets(line)[:80].decode("ascii", "replace"))}
                )
            if line[3:4] != b"-":
                return int(line[:3]), self.without_secrets(b"\n".join(lines))
            if received > LONGEST_REPLY:
                raise ConnectionLost(N_("the server's reply has no end"))

    def without_secrets(self, said: bytes) -> bytes:
        """What the server said, without what it must not repeat."""
        for secret in self.secrets:
            if secret in said:
                said = said.replace(secret, MASK.encode())
        return said

    def _line(self, until: float) -> bytes:
        pending: bytes = self.__dict__.setdefault("pending", b"")
        while b"\n" not in pending:
            if len(pending) > LONGEST_REPLY:
                raise ConnectionLost(N_("the server's reply has no end"))
            pending += self._receive(until)
        line, _, self.__dict__["pending"] = pending.partition(b"\n")
        return line

    def _receive(self, until: float) -> bytes:
        if self.sock is None:
            raise ConnectionLost(N_("the connection is closed"))
        while True:
            try:
                received: bytes = self.sock.recv(8192)
            except WOULD_WAIT as error:
                self._wait(error, READ, until, N_("no reply in time"))
                continue
            except OSError as error:
                raise ConnectionLost(describe(error)) from None
            if not received:
                raise ConnectionLost(N_("the server closed the connection"))
            return received

    def put(self, data: bytes, seconds: float) -> None:
        """Send all of this within `seconds`. Raises ConnectionLost."""
        if self.sock is None:
            raise ConnectionLost(N_("the connection is closed"))
        until = min(time.monotonic() + seconds, self.deadline)
        left = memoryview(data)
        while left:
            try:
                left = left[self.sock.send(left) :]
            except WOULD_WAIT as error:
                self._wait(error, WRITE, until, N_("the server stopped reading"))
            except OSError as error:
                raise ConnectionLost(describe(error)) from None

    def _wait(self, why: OSError, events: int, until: float, otherwise: str) -> None:
        """Wait until it is worth another try. Under TLS one may have to write in order to read."""
        if isinstance(why, ssl.SSLWantReadError):
            events = READ
        elif isinstance(why, ssl.SSLWantWriteError):
            events = WRITE
        assert self.sock is not None
        if until <= time.monotonic() or not self.waiting.ready(self.sock, events, until):
            raise ConnectionLost(otherwise)

    def send(self, s: Any) -> None:
        """Gives a deadline to what smtplib itself sends (EHLO, AUTH, …)."""
        self.put(s.encode(self.command_encoding) if isinstance(s, str) else bytes(s), self.reply_wait)

    def heard_from(self) -> bool:
        """Whether the server has said something unasked, or closed. Does not wait."""
        if self.sock is None:
            return True
        try:
            received: bytes = self.sock.recv(8192)
        except WOULD_WAIT:
            return bool(self.__dict__.get("pending"))
        except OSError:
            return True
        self.__dict__["pending"] = self.__dict__.get("pending", b"") + received
        return True

    def begin_tls(self, context: ssl.SSLContext) -> None:
        """STARTTLS, the handshake, and EHLO again: like smtplib's, which cannot do it on a socket that does
        not block. What came before the handshake must not count as said under TLS (CVE-2011-0411)."""
        if not self.has_extn("starttls"):
            raise smtplib.SMTPNotSupportedError("STARTTLS extension not supported by server.")
        code, text = self.docmd("STARTTLS")
        if code != 220:
            raise smtplib.SMTPResponseException(code, text)
        if self.__dict__.get("pending"):
            raise ConnectionLost(N_("the server spoke before TLS began"))
        assert self.sock is not None
        self.sock.settimeout(self.reply_wait)
        self.sock = context.wrap_socket(self.sock, server_hostname=self._host)  # type: ignore[attr-defined]
        self.sock.settimeout(0)
        self.file = None
        self.helo_resp = self.ehlo_resp = None
        self.esmtp_features, self.does_esmtp = {}, False
        self.ehlo()


class BoundedTls(DeadlineSMTP, smtplib.SMTP_SSL):
    """The same, with TLS from the first byte."""


def describe(error: BaseException) -> str:
    """A failure to connect, in words that an account manager can pass on."""
    if isinstance(error, ConnectionRefusedError):
        return N_("connection refused")
    if isinstance(error, ssl.SSLCertVerificationError):
        return N_("its certificate is not valid: %(why)s") % {"why": error.verify_message}
    if isinstance(error, socket.gaierror):
        return N_("its name cannot be found: %(why)s") % {"why": error.strerror}
    if isinstance(error, TimeoutError):
        return N_("no answer in time")
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error) or type(error).__name__
