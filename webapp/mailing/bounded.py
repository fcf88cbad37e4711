"""smtplib with a deadline on every wait, and a look at the socket that costs nothing."""

from __future__ import annotations

import smtplib
import socket
import ssl
import time
from typing import Any

LONGEST_REPLY = 64 * 1024


class Lost(Exception):
    """The connection is gone, or silent for too long; the message says which."""


class Bounded(smtplib.SMTP):
    """smtplib with a deadline on every wait, and a look at the socket that costs nothing."""

    reply_wait = 60.0
    deadline = float("inf")

    def getreply(self) -> tuple[int, bytes]:
        """The next reply, whole, within `reply_wait` seconds and before the message's deadline. Raises
        Lost."""
        until = min(time.monotonic() + self.reply_wait, self.deadline)
        lines: list[bytes] = []
        received = 0
        while True:
            line = self._line(until)
            received += len(line) + 1
            lines.append(line[4:].strip(b" \t\r\n"))
            if not line[:3].isdigit():
                raise Lost(f"the server answered {line[:80].decode('ascii', 'replace')!r}, which is not SMTP")
            if line[3:4] != b"-":
                return int(line[:3]), b"\n".join(lines)
            if received > LONGEST_REPLY:
                raise Lost("the server's reply has no end")

    def _line(self, until: float) -> bytes:
        pending: bytes = self.__dict__.setdefault("pending", b"")
        while b"\n" not in pending:
            if len(pending) > LONGEST_REPLY:
                raise Lost("the server's reply has no end")
            pending += self._receive(until)
        line, _, self.__dict__["pending"] = pending.partition(b"\n")
        return line

    def _receive(self, until: float) -> bytes:
        left = until - time.monotonic()
        if left <= 0 or self.sock is None:
            raise Lost("no reply in time" if self.sock else "the connection is closed")
        self.sock.settimeout(left)
        try:
            received: bytes = self.sock.recv(8192)
        except TimeoutError:
            raise Lost("no reply in time") from None
        except OSError as error:
            raise Lost(in_words(error)) from None
        if not received:
            raise Lost("the server closed the connection")
        return received

    def put(self, data: bytes, seconds: float) -> None:
        """Sends all of this within so many seconds. Raises Lost."""
        if self.sock is None:
            raise Lost("the connection is closed")
        self.sock.settimeout(max(0.01, min(seconds, self.deadline - time.monotonic())))
        try:
            self.sock.sendall(data)
        except TimeoutError:
            raise Lost("the server stopped reading") from None
        except OSError as error:
            raise Lost(in_words(error)) from None

    def send(self, s: Any) -> None:
        """What smtplib itself sends (EHLO, AUTH, …) is bounded, too."""
        self.put(s.encode(self.command_encoding) if isinstance(s, str) else bytes(s), self.reply_wait)

    def heard_from(self) -> bool:
        """Whether the server has said something unasked, or closed. Does not wait."""
        if self.sock is None:
            return True
        self.sock.settimeout(0)
        try:
            received: bytes = self.sock.recv(8192)
        except (BlockingIOError, ssl.SSLWantReadError):
            return bool(self.__dict__.get("pending"))
        except OSError:
            return True
        self.__dict__["pending"] = self.__dict__.get("pending", b"") + received
        return True

    def starttls(self, *args: Any, **kwargs: Any) -> tuple[int, bytes]:
        """As smtplib's, but what came before the handshake must not count as said under it
        (CVE-2011-0411)."""
        answer = super().starttls(*args, **kwargs)
        if self.__dict__.get("pending"):
            raise Lost("the server spoke before TLS began")
        return answer


class BoundedTls(Bounded, smtplib.SMTP_SSL):
    """The same, with TLS from the first byte."""


def in_words(error: BaseException) -> str:
    """A failure to connect in words that an account manager can pass on."""
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not valid: {error.verify_message}"
    if isinstance(error, socket.gaierror):
        return f"its name cannot be found: {error.strerror}"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error) or type(error).__name__
