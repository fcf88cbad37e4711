"""SMTP that keeps the conversation for people to read: who said what and when, without any secret."""

from __future__ import annotations

import smtplib
import ssl
import time
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from webapp.printable import printable
from webapp.smtp.client import MASK, BoundedTls, DeadlineSMTP
from webapp.store.types import storable

LINES_MAX = 200
CHECK_SECONDS_MAX = 30.0
LINE_MAX = 500


class Speaker(StrEnum):
    """Who says a line of the conversation; a note is Mailrun's own."""

    CLIENT = "client"
    SERVER = "server"
    NOTE = "note"


@dataclass(frozen=True)
class SpokenLine:
    """A line of the conversation, `at` seconds after its beginning."""

    at: float
    speaker: Speaker
    text: str


@dataclass
class Talk:
    """The conversation so far. `certificate`: the server's, in DER, once TLS was begun. `features`: what the
    last reply to EHLO offers."""

    lines: list[SpokenLine] = field(default_factory=list)
    certificate: bytes = b""
    protocol: str = ""
    features: dict[str, str] = field(default_factory=dict)
    _began: float = field(default_factory=time.monotonic)

    @property
    def deadline(self) -> float:
        """When the whole check must be over, by the monotonic clock."""
        return self._began + CHECK_SECONDS_MAX

    def add(self, speaker: Speaker, text: str) -> None:
        if len(self.lines) < LINES_MAX:
            at = round(time.monotonic() - self._began, 3)
            self.lines.append(SpokenLine(at, speaker, printable(storable(text)[:LINE_MAX])))


class _Recorded(DeadlineSMTP):
    def __init__(self, *args: Any, talk: Talk, **options: Any) -> None:
        self.talk = talk
        self.is_asked_for_login = False
        self.deadline = talk.deadline
        super().__init__(*args, **options)

    def _get_socket(self, host: str, port: int, timeout: float) -> Any:
        sock = super()._get_socket(host, port, timeout)
        peer = sock.getpeername()
        self.talk.add(Speaker.NOTE, f"connected to {peer[0]}, port {peer[1]}")
        return sock

    def putcmd(self, cmd: str, args: str = "") -> None:
        """Records the command; what follows AUTH is masked."""
        said = f"{cmd.upper()} {args}".strip()
        if self.is_asked_for_login:
            said = MASK if cmd else "(an empty line)"
        elif cmd.upper() == "AUTH" and " " in args:
            said = f"AUTH {args.partition(' ')[0]} {MASK}"
        self.talk.add(Speaker.CLIENT, said)
        super().putcmd(cmd, args)

    def getreply(self) -> tuple[int, bytes]:
        """Records the reply, line by line."""
        code, text = super().getreply()
        self.is_asked_for_login = code == 334
        *first, last = text.decode("utf-8", "replace").split("\n")
        for line in first:
            self.talk.add(Speaker.SERVER, f"{code}-{line}")
        self.talk.add(Speaker.SERVER, f"{code} {last}".rstrip())
        return code, text

    def ehlo(self, name: str = "") -> tuple[int, bytes]:
        """Records what the server offers, and that TLS has begun."""
        self.note_tls()
        answer = super().ehlo(name)
        self.talk.features = dict(self.esmtp_features)
        return answer

    def note_tls(self) -> None:
        """Keep the certificate once there is TLS."""
        if isinstance(self.sock, ssl.SSLSocket) and not self.talk.protocol:
            self.talk.protocol = (self.sock.version() or "").replace("TLSv", "TLS ")
            self.talk.certificate = self.sock.getpeercert(binary_form=True) or b""
            self.talk.add(Speaker.NOTE, f"encrypted with {self.talk.protocol}")


class RecordedSMTP(_Recorded):
    """DeadlineSMTP, recorded."""


class RecordedTls(_Recorded, BoundedTls, smtplib.SMTP_SSL):
    """BoundedTls, recorded."""
