"""One SMTP connection: offer a message up to its last byte, then finish it. The outcome is a value.

The configuration and the Connection are Flask-Mail's; its send() is not used, because it cannot tell where a
conversation broke, waits forever, checks no certificate and drops the server's words. The socket and the
dialogue are smtplib's, with a deadline on every wait (client.py).

The caller marks a message as on the wire between `offer` and `finish`. Before `finish` no final dot has gone
out, so whatever breaks there is safe to try again; after it, only the server's reply decides."""

from __future__ import annotations

import smtplib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from webapp.smtp.client import ConnectionLost, DeadlineSMTP
from webapp.smtp.envelope import Envelope, is_about_our_name, judged, our_name_refused, refusal
from webapp.smtp.event_loop import ALONE, Waiting
from webapp.smtp.outcomes import (
    Accepted,
    Broken,
    Deferred,
    Finish,
    Offer,
    Offered,
    Refusals,
    Rejected,
    Reply,
    ServerTrouble,
    Unknown,
)
from webapp.smtp.server_connection import ServerConnection, reply_text, trouble_of
from webapp.translation import N_

T = TypeVar("T")

REFUSED_IN_A_ROW_MAX = 4
"""Messages that may be refused on one connection before it is replaced."""
QUIT_SECONDS = 2.0
"""How long a goodbye may take. What happens at QUIT changes nothing."""


@dataclass
class Conversation(ServerConnection):
    """One connection to a mail server, opened at the first message and again whenever it was lost."""

    waiting: Waiting = ALONE
    transcript: list[tuple[float, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._smtp: DeadlineSMTP | None = None
        self._began = time.monotonic()
        self._refused_in_a_row = 0

    @property
    def is_open(self) -> bool:
        return self._smtp is not None

    def open(self) -> ServerTrouble | None:
        """Make sure that there is a connection. Returns None if there is; else what keeps the server from
        being used."""
        if self._smtp is not None and self._smtp.heard_from():
            self.drop()
        if self._smtp is not None:
            return None
        self.num_emails = self._refused_in_a_row = 0
        try:
            self._smtp = self.waiting.run_in_thread(self.configure_host)
            self._smtp.waiting = self.waiting
        except (smtplib.SMTPException, ConnectionLost, OSError) as error:
            return trouble_of(error)
        return None

    def offer(self, envelope: Envelope, data: bytes) -> Offer:
        """Hand over everything but the final dot, on an open connection.

        1. A message larger than the server's SIZE is refused before anything is sent (RFC 1870).
        2. MAIL and every RCPT; in one go if the server supports it (RFC 2920), and DATA with them if there is
        only one recipient: with several, a refusal must be seen first.
        3. Judge the replies: see `judged`.
        4. DATA, and the message without its final dot."""
        smtp = self._smtp
        if smtp is None:
            return Broken("connect", N_("the connection is closed"))
        self.transcript, self._began = [], time.monotonic()
        smtp.deadline = time.monotonic() + 3 * self.waits.reply + self.waits.data
        size = smtp.esmtp_features.get("size", "")
        limit = int(size) if size.isdecimal() and len(size) <= MOST_DIGITS else 0
        if limit and len(data) > limit:
            return Rejected("SIZE", Reply(552, TOO_LARGE % {"size": f"{len(data):,}", "limit": f"{limit:,}"}))
        self._stage = "MAIL"
        try:
            return self._offer(smtp, envelope, data)
        except ConnectionLost as error:
            stale = self.num_emails > 0 and self._stage == "MAIL"
            self.drop()
            return Broken(self._stage, str(error), stale)

    def _offer(self, smtp: DeadlineSMTP, envelope: Envelope, data: bytes) -> Offer:
        everybody = (*envelope.to, *envelope.bcc)
        commands = envelope.commands(smtp.esmtp_features, len(data))
        pipelined = "pipelining" in smtp.esmtp_features
        data_too = pipelined and len(everybody) == 1
        if data_too:
            commands.append("DATA")
        refused: Refusals = {}
        replies: list[Reply] = []
        try:
            for reply in self._replies(smtp, commands, pipelined):
                replies.append(reply)
                self._stage = "RCPT" if len(replies) <= len(everybody) else "DATA"
                if not pipelined and judged(envelope, replies, refused) is not None:
                    break
        except ConnectionLost:  # a server that says 421 and goes has said why
            if outcome := judged(envelope, replies, refused):
                self.drop()
                return outcome
            raise
        outcome = judged(envelope, replies, refused)
        if outcome is not None:
            if data_too and replies[-1].code == 354:  # an empty message is never sent to get out of this
                self.drop()
            return self._given_up(outcome)
        self._stage = "DATA"
        reply = replies[-1] if data_too else self._ask(smtp, "DATA")
        if reply.code != 354:
            return self._given_up(refusal("DATA", reply))
        self._stage = "body"
        smtp.put(_dot_stuffed(data), self.waits.data)
        self._note(f"{len(data):,} bytes")
        return Offered(refused)

    def _replies(self, smtp: DeadlineSMTP, commands: list[str], pipelined: bool) -> Iterator[Reply]:
        """The reply to each command. Pipelined, all are sent before the first reply is awaited."""
        if pipelined:
            smtp.put("".join(f"{command}\r\n" for command in commands).encode("ascii"), self.waits.reply)
        for command in commands:
            if not pipelined:
                smtp.put(f"{command}\r\n".encode("ascii"), self.waits.reply)
            yield self._reply_to(smtp, command)

    def heard_from(self) -> bool:
        """Whether the server spoke or closed although it was not asked. Then no dot may go out."""
        return self._smtp is None or self._smtp.heard_from()

    def finish(self) -> Finish:
        """Send the final dot and wait for the reply. Broken means: the dot did not leave."""
        return self.send_dot() or self.reply_to_dot()

    def send_dot(self) -> Broken | Unknown | None:
        """Send the final dot. None if it left; Broken if it did not; Unknown if that cannot be told."""
        smtp = self._smtp
        if smtp is None:
            return Broken("dot", N_("the connection is closed"))
        try:
            smtp.put(b".\r\n", self.waits.reply)
        except ConnectionLost as error:
            self.drop()
            if self.mail.use_ssl or self.mail.use_tls:  # a TLS record may have left though its write failed
                return Unknown(N_("the connection broke at the final dot: %(why)s") % {"why": error})
            return Broken("dot", str(error))
        smtp.deadline = time.monotonic() + self.waits.data
        return None

    def reply_to_dot(self) -> Accepted | Deferred | Rejected | Unknown | ServerTrouble:
        """Wait for the reply to the final dot, for `waits.data` seconds since it left."""
        smtp = self._smtp
        if smtp is None:
            return Unknown(LOST)
        smtp.reply_wait = self.waits.data
        try:
            reply = self._reply_to(smtp, ".")
        except ConnectionLost as error:
            self.drop()
            return Unknown(f"{LOST}: {error}")
        finally:
            smtp.reply_wait = self.waits.reply
        self.num_emails += 1
        if reply.code // 100 == 2:
            self._refused_in_a_row = 0
            return Accepted(reply)
        if reply.code == 421:
            self.drop()
            return Deferred("dot", reply, closing=True)
        if is_about_our_name(reply):
            return our_name_refused(reply)
        return Rejected("dot", reply) if reply.code // 100 == 5 else Deferred("dot", reply)

    def drop(self) -> None:
        """Close the connection without a word. This withdraws an offered message."""
        if self._smtp is not None:
            self._smtp.close()
            self._smtp = None

    def close(self) -> None:
        """Say goodbye, for at most QUIT_SECONDS, and close."""
        if self._smtp is not None:
            self._smtp.reply_wait, self._smtp.deadline = QUIT_SECONDS, float("inf")
            try:
                self._smtp.put(b"QUIT\r\n", QUIT_SECONDS)
                self._smtp.getreply()
            except ConnectionLost:
                pass
            self.drop()

    def _given_up(self, outcome: T) -> T:
        """Prepare the connection for the next message; if that fails, the next one opens another.

        So it does after a few refusals: each is two errors to Postfix, which answers a client with ten in a
        row a second later each time, and drops one with twenty (smtpd_soft_error_limit)."""
        self.num_emails += 1
        self._refused_in_a_row += 1
        if self._refused_in_a_row >= REFUSED_IN_A_ROW_MAX:
            self.close()
        elif self._smtp is not None:
            try:
                self._smtp.put(b"RSET\r\n", self.waits.reply)
                if self._smtp.getreply()[0] != 250:
                    self.drop()
            except ConnectionLost:
                self.drop()
        return outcome

    def _ask(self, smtp: DeadlineSMTP, command: str) -> Reply:
        smtp.put(f"{command}\r\n".encode("ascii"), self.waits.reply)
        return self._reply_to(smtp, command)

    def _reply_to(self, smtp: DeadlineSMTP, command: str) -> Reply:
        code, text = smtp.getreply()
        reply = Reply(code, reply_text(text))
        self._note(f"{command}  {reply}")
        return reply

    def _note(self, line: str) -> None:
        self.transcript.append((round(time.monotonic() - self._began, 3), line))


TOO_LARGE = N_("the message has %(size)s bytes, the server takes %(limit)s")
"""The only words after a code that are ours."""
LOST = N_("the connection was lost after the whole message was handed over")

MOST_DIGITS = 20
"""Digits of a SIZE (RFC 1870, 3). More make no meaningful number, and Python reads no more than 4,300."""


def _dot_stuffed(data: bytes) -> bytes:
    """Double the dot at the start of a line (RFC 5321, 4.5.2). The data end with CRLF."""
    last = data.rfind(b".")  # one byte is sought much faster than two, and base64 has no dots
    if data.find(b"\n.", 0, last + 1) < 0 and not data.startswith(b"."):
        return data
    return (b"\r\n" + data).replace(b"\r\n.", b"\r\n..")[2:]
