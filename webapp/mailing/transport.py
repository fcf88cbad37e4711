"""One SMTP connection: offer a message up to its last byte, then finish it. What became of it is a value.

The configuration and the Connection are Flask-Mail's; its send() is not used, because it cannot tell where a
conversation broke, waits for ever, checks no certificate and drops the server's words (spec stack.md, 4). The
socket and the dialogue are smtplib's, with a deadline on every wait (`_Bounded`).

The caller marks a message as on the wire between `offer` and `finish`. Before `finish` no final dot has gone
out, so whatever breaks there is safe to try again; after it, only the server's reply says what became of the
message."""

from __future__ import annotations

import smtplib
import socket
import ssl
import time
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

import flask_mail

T = TypeVar("T")

QUIT_SECONDS = 2.0
"""How long a goodbye may take. What happens at QUIT changes nothing."""

LONGEST_REPLY = 64 * 1024


@dataclass(frozen=True)
class ServerAddress:
    """How to reach a mail server. `security` is "none", "starttls" or "tls"; certificates are always
    verified."""

    host: str
    port: int
    security: str
    username: str = ""
    password: str = ""


@dataclass(frozen=True)
class Waits:
    """Seconds: for any reply, and for the reply to the final dot (RFC 5321, 4.5.3.2.6 wants ten minutes)."""

    reply: float
    data: float


@dataclass(frozen=True)
class Envelope:
    sender: str
    to: tuple[str, ...]
    bcc: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reply:
    code: int
    text: str

    def __str__(self) -> str:
        return f"{self.code} {self.text}"


Refusals = dict[str, str]
"""address → the server's words."""


@dataclass(frozen=True)
class Offered:
    """The server has the whole message but its last line. Some recipients may have been refused for good."""

    refused: Refusals


@dataclass(frozen=True)
class Accepted:
    """The server took responsibility: a 2yz reply to the final dot."""

    reply: Reply


@dataclass(frozen=True)
class Deferred:
    """A refusal for now. `closing`: the server said 421, so nothing more can go over it at present."""

    stage: str
    reply: Reply
    closing: bool = False


@dataclass(frozen=True)
class Refused:
    """A refusal for good."""

    stage: str
    reply: Reply


@dataclass(frozen=True)
class Unknown:
    """The final dot went out and no reply came: it may have been sent."""

    words: str


@dataclass(frozen=True)
class Broken:
    """The connection was lost before the final dot: the message did not go. `stale`: it had served an earlier
    message and was closed before this one began, which says nothing about this one."""

    stage: str
    words: str
    stale: bool = False


@dataclass(frozen=True)
class ServerTrouble:
    """The server itself is the problem: no message is to blame."""

    words: str


Offer = Offered | Deferred | Refused | Broken | ServerTrouble
Finish = Accepted | Deferred | Refused | Unknown | Broken


class _Lost(Exception):
    """The connection is gone, or silent for too long; the message says which."""


class _Bounded(smtplib.SMTP):
    """smtplib with a deadline on every wait, and a look at the socket that costs nothing."""

    reply_wait = 60.0
    deadline = float("inf")

    def getreply(self) -> tuple[int, bytes]:
        """The next reply, whole, within `reply_wait` seconds and before the message's deadline. Raises
        _Lost."""
        until = min(time.monotonic() + self.reply_wait, self.deadline)
        lines: list[bytes] = []
        received = 0
        while True:
            line = self._line(until)
            received += len(line) + 1
            lines.append(line[4:].strip(b" \t\r\n"))
            if not line[:3].isdigit():
                raise _Lost(
                    f"the server answered {line[:80].decode('ascii', 'replace')!r}, which is not SMTP"
                )
            if line[3:4] != b"-":
                return int(line[:3]), b"\n".join(lines)
            if received > LONGEST_REPLY:
                raise _Lost("the server's reply has no end")

    def _line(self, until: float) -> bytes:
        pending: bytes = self.__dict__.setdefault("pending", b"")
        while b"\n" not in pending:
            if len(pending) > LONGEST_REPLY:
                raise _Lost("the server's reply has no end")
            pending += self._receive(until)
        line, _, self.__dict__["pending"] = pending.partition(b"\n")
        return line

    def _receive(self, until: float) -> bytes:
        left = until - time.monotonic()
        if left <= 0 or self.sock is None:
            raise _Lost("no reply in time" if self.sock else "the connection is closed")
        self.sock.settimeout(left)
        try:
            received: bytes = self.sock.recv(8192)
        except TimeoutError:
            raise _Lost("no reply in time") from None
        except OSError as error:
            raise _Lost(_words(error)) from None
        if not received:
            raise _Lost("the server closed the connection")
        return received

    def put(self, data: bytes, seconds: float) -> None:
        """Sends all of this within so many seconds. Raises _Lost."""
        if self.sock is None:
            raise _Lost("the connection is closed")
        self.sock.settimeout(max(0.01, min(seconds, self.deadline - time.monotonic())))
        try:
            self.sock.sendall(data)
        except TimeoutError:
            raise _Lost("the server stopped reading") from None
        except OSError as error:
            raise _Lost(_words(error)) from None

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
            raise _Lost("the server spoke before TLS began")
        return answer


class _BoundedTls(_Bounded, smtplib.SMTP_SSL):
    """The same, with TLS from the first byte."""


@dataclass
class Conversation(flask_mail.Connection):
    """One connection to a mail server, opened at the first message and again whenever it was lost."""

    address: ServerAddress
    waits: Waits
    transcript: list[tuple[float, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        security = self.address.security
        config = {
            "MAIL_SERVER": self.address.host,
            "MAIL_PORT": self.address.port,
            "MAIL_USE_TLS": security == "starttls",
            "MAIL_USE_SSL": security == "tls",
            "MAIL_USERNAME": self.address.username or None,
            "MAIL_PASSWORD": self.address.password or None,
        }
        state = flask_mail.Mail().init_mail(config, debug=False, testing=False)
        super().__init__(cast(flask_mail.Mail, state))
        self._smtp: _Bounded | None = None
        self._began = time.monotonic()

    @property
    def is_open(self) -> bool:
        return self._smtp is not None

    def configure_host(self) -> _Bounded:
        """Connects, greets, encrypts, logs in. Raises _Lost, OSError or smtplib.SMTPException."""
        context = ssl.create_default_context()
        kind = _BoundedTls if self.mail.use_ssl else _Bounded
        options: dict[str, Any] = {"context": context} if self.mail.use_ssl else {}
        smtp = kind(timeout=self.waits.reply, local_hostname=_own_name(), **options)
        smtp.reply_wait = self.waits.reply
        smtp._host = self.mail.server  # type: ignore[attr-defined]  # the name that the certificate must bear
        try:
            code, text = smtp.connect(self.mail.server, self.mail.port)
            if code != 220:
                raise smtplib.SMTPConnectError(code, text)
            smtp.ehlo_or_helo_if_needed()
            if self.mail.use_tls:
                smtp.starttls(context=context)
                smtp.ehlo()
            if self.mail.username:
                smtp.login(self.mail.username, self.mail.password or "")
        except BaseException:
            smtp.close()
            raise
        return smtp

    def open(self) -> ServerTrouble | None:
        """Makes sure that there is a connection. None if there is; else what keeps the server from being
        used."""
        if self._smtp is not None and self._smtp.heard_from():
            self.drop()
        if self._smtp is not None:
            return None
        self.num_emails = 0
        try:
            self._smtp = self.configure_host()
        except smtplib.SMTPResponseException as error:
            return ServerTrouble(f"{error.smtp_code} {_text(error.smtp_error)}")
        except (smtplib.SMTPException, _Lost, OSError) as error:
            return ServerTrouble(_words(error))
        return None

    def offer(self, envelope: Envelope, data: bytes) -> Offer:
        """Hands over everything but the final dot, on an open connection.

        1. A message larger than the server's SIZE is refused before a word is said (RFC 1870).
        2. MAIL: 552 refuses the message; any other refusal is the server's trouble.
        3. RCPT for each To. One refused for now: the message is deferred. All refused for good: it is
        refused.
        4. RCPT for each Bcc. A refusal is noted, no more.
        5. DATA, and the message without its final dot.
        """
        smtp = self._smtp
        if smtp is None:
            return Broken("connect", "the connection is closed")
        self.transcript, self._began = [], time.monotonic()
        smtp.deadline = time.monotonic() + 3 * self.waits.reply + self.waits.data
        limit = int(smtp.esmtp_features.get("size") or 0)
        if limit and len(data) > limit:
            return Refused(
                "SIZE", Reply(552, f"the message has {len(data):,} bytes, the server takes {limit:,}")
            )
        self._stage = "MAIL"
        try:
            return self._offer(smtp, envelope, data)
        except _Lost as error:
            stale = self.num_emails > 0 and self._stage == "MAIL"
            self.drop()
            return Broken(self._stage, str(error), stale)

    def _offer(self, smtp: _Bounded, envelope: Envelope, data: bytes) -> Offer:
        size = f" SIZE={len(data)}" if "size" in smtp.esmtp_features else ""
        reply = self._ask(smtp, f"MAIL FROM:<{envelope.sender}>{size}")
        if reply.code == 552:
            return self._given_up(Refused("MAIL", reply))
        if reply.code // 100 != 2:
            return self._given_up(ServerTrouble(f"{reply} (to MAIL FROM)"))
        refused: Refusals = {}
        outcome = self._recipients(smtp, envelope, refused)
        if outcome is not None:
            return self._given_up(outcome)
        self._stage = "DATA"
        reply = self._ask(smtp, "DATA")
        if reply.code != 354:
            return self._given_up(_refusal("DATA", reply))
        self._stage = "body"
        smtp.put(_dot_stuffed(data), self.waits.data)
        self._note(f"{len(data):,} bytes")
        return Offered(refused)

    def _recipients(
        self, smtp: _Bounded, envelope: Envelope, refused: Refusals
    ) -> Deferred | Refused | ServerTrouble | None:
        """None if the message may go on; the refused are added to `refused`."""
        self._stage = "RCPT"
        last: Reply | None = None
        for address in (*envelope.to, *envelope.bcc):
            if address in envelope.bcc and len(refused) >= len(envelope.to) and last is not None:
                break
            reply = self._ask(smtp, f"RCPT TO:<{address}>")
            if reply.code == 421:
                return ServerTrouble(f"{reply} (to RCPT TO)")
            if reply.code // 100 == 2:
                continue
            if reply.code // 100 == 4 and address in envelope.to:
                return Deferred("RCPT", reply)
            refused[address] = str(reply)
            if address in envelope.to:
                last = reply
        if last is not None and all(address in refused for address in envelope.to):
            return Refused("RCPT", last)
        return None

    def heard_from(self) -> bool:
        """Whether the server spoke or closed although it was not asked. Then no dot may go out."""
        return self._smtp is None or self._smtp.heard_from()

    def finish(self) -> Finish:
        """Sends the final dot and waits for the reply. Broken means: the dot did not leave."""
        smtp = self._smtp
        if smtp is None:
            return Broken("dot", "the connection is closed")
        try:
            smtp.put(b".\r\n", self.waits.reply)
        except _Lost as error:
            self.drop()
            if self.mail.use_ssl or self.mail.use_tls:  # a TLS record may have left though its write failed
                return Unknown(f"the connection broke at the final dot: {error}")
            return Broken("dot", str(error))
        smtp.reply_wait, smtp.deadline = self.waits.data, float("inf")
        try:
            code, text = smtp.getreply()
        except _Lost as error:
            self.drop()
            return Unknown(f"the connection was lost after the whole message was handed over: {error}")
        finally:
            smtp.reply_wait = self.waits.reply
        reply = Reply(code, _text(text))
        self._note(f".  {reply}")
        self.num_emails += 1
        if reply.code // 100 == 2:
            return Accepted(reply)
        if reply.code == 421:
            self.drop()
            return Deferred("dot", reply, closing=True)
        return Refused("dot", reply) if reply.code // 100 == 5 else Deferred("dot", reply)

    def drop(self) -> None:
        """Closes the connection without a word. An offered message is thereby withdrawn."""
        if self._smtp is not None:
            self._smtp.close()
            self._smtp = None

    def close(self) -> None:
        """Says goodbye, for at most QUIT_SECONDS, and closes."""
        if self._smtp is not None:
            self._smtp.reply_wait, self._smtp.deadline = QUIT_SECONDS, float("inf")
            try:
                self._smtp.put(b"QUIT\r\n", QUIT_SECONDS)
                self._smtp.getreply()
            except _Lost:
                pass
            self.drop()

    def _given_up(self, outcome: T) -> T:
        """Gets the connection ready for the next message; if that fails, the next one opens another."""
        self.num_emails += 1
        if self._smtp is not None:
            try:
                self._smtp.put(b"RSET\r\n", self.waits.reply)
                if self._smtp.getreply()[0] != 250:
                    self.drop()
            except _Lost:
                self.drop()
        return outcome

    def _ask(self, smtp: _Bounded, command: str) -> Reply:
        smtp.put(command.encode("ascii") + b"\r\n", self.waits.reply)
        code, text = smtp.getreply()
        reply = Reply(code, _text(text))
        self._note(f"{command}  {reply}")
        return reply

    def _note(self, line: str) -> None:
        self.transcript.append((round(time.monotonic() - self._began, 3), line))


def _refusal(stage: str, reply: Reply) -> Deferred | Refused | ServerTrouble:
    if reply.code == 421:
        return ServerTrouble(f"{reply} (to {stage})")
    return Refused(stage, reply) if reply.code // 100 == 5 else Deferred(stage, reply)


def _dot_stuffed(data: bytes) -> bytes:
    """A line that begins with a dot gets a second one (RFC 5321, 4.5.2). The data end with CRLF."""
    if data.startswith(b"."):
        data = b"." + data
    return data.replace(b"\r\n.", b"\r\n..") if b"\r\n." in data else data


def _own_name() -> str:
    """What we call ourselves in EHLO: this machine's name if it is a full one, else an address literal."""
    name = socket.gethostname()
    return name if "." in name and name.isascii() else "[127.0.0.1]"


def _text(reply: bytes | str) -> str:
    return reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply


def _words(error: BaseException) -> str:
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
