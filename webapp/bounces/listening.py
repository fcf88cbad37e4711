"""A port of Mailrun's own that mails come back to, by SMTP or LMTP: each is stored with what it changes, in
one commit, before it is accepted. A client that did not see the answer offers it again; it is known by its
SHA-256.

Only mails to an address that this installation has signed are accepted, one recipient at a time, so that
there is one answer. There is no login and no TLS: the port is for the mail server on this machine or next to
it."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import cast

from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError

from webapp.bounces.applying import NotYet
from webapp.bounces.receiving import receive
from webapp.extensions import Runtime
from webapp.logs import ids
from webapp.mailing import return_address
from webapp.store.bounces import Mailbox, MailboxKind
from webapp.store.database import Database
from webapp.store.installation import held
from webapp.store.types import now

log = logging.getLogger(__name__)

SIZE_MAX = 10_000_000
"""Bytes of a mail that is accepted: some mail systems return the whole of ours."""
CONNECTIONS_MAX = 50
LOOK_SECONDS = 10.0
"""How often it is looked which mailboxes are ports."""
COMMAND_SECONDS_MAX = 300.0
"""How long a client may take for a command, or for a mail (RFC 5321, 4.5.3.2.7)."""

STORED = "250 2.0.0 stored"
NOT_OURS = "550 5.1.1 this is no address of a mail that was sent from here"
ONE_AT_A_TIME = "452 4.5.3 one recipient at a time"
NOT_HERE = "451 4.3.2 no mail is taken here: this installation does not send"
NOT_YET = "451 4.3.0 the sending of that mail is not noted yet; try again"
NOT_STORED = "451 4.3.0 the mail could not be stored; try again"
TOO_MANY = b"421 4.7.0 too many connections; try again\r\n"


@dataclass(frozen=True)
class ReturnPort:
    """Where mails to this mailbox are taken."""

    mailbox_id: int
    name: str
    host: str
    port: int


def return_ports(database: Database) -> list[ReturnPort]:
    """The mailboxes that are ports of Mailrun's own."""
    columns = (Mailbox.id, Mailbox.name, Mailbox.host, Mailbox.port)
    with database.reading() as session:
        query = select(*columns).where(Mailbox.kind == MailboxKind.PORT).order_by(Mailbox.name)
        return [ReturnPort(*row) for row in session.execute(query)]


def accept(runtime: Runtime, mailbox_id: int, raw: bytes) -> str:
    """Store the mail with what it changes, in one commit; return the answer."""
    try:
        with runtime.database.writing() as session:
            if held(session) or runtime.settings.redirect_to:
                return NOT_HERE
            values = {"last_read_at": now(), "trouble": None, "trouble_since": None}
            here = update(Mailbox).where(Mailbox.id == mailbox_id).values(**values)
            if session.scalar(here.returning(Mailbox.id)) is None:
                return NOT_HERE
            receive(session, mailbox_id, raw)
    except NotYet:
        return NOT_YET
    except Exception:
        log.exception("a returned mail cannot be stored", extra=ids(mailbox=mailbox_id))
        return NOT_STORED
    return STORED


class Recipient:
    """What aiosmtpd calls: for each recipient, and when a mail has come."""

    def __init__(self, runtime: Runtime, mailbox_id: int) -> None:
        self._runtime, self._mailbox_id = runtime, mailbox_id
        self._keys = (runtime.settings.secret_key, *runtime.settings.former_keys)
        self.connections = 0

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Accepts an address that was signed here."""
        if return_address.find(self._keys, [address]) is None:
            return NOT_OURS
        if envelope.rcpt_tos:
            return ONE_AT_A_TIME
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 ok"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        """Stores the mail, and only then takes responsibility for it."""
        return await asyncio.to_thread(accept, self._runtime, self._mailbox_id, delivered(envelope))


def delivered(envelope: Envelope) -> bytes:
    """The mail with the headers of a final delivery (RFC 5321, 4.4): the same whenever it is offered."""
    sender = (envelope.mail_from or "").strip("<>")  # the empty one comes as "<>"
    head = f"Return-Path: <{sender}>\r\nDelivered-To: {envelope.rcpt_tos[0]}\r\n"
    return head.encode("utf-8", "replace") + (envelope.original_content or b"")


class ReturnConversation(SMTP):
    """One connection: SMTP, or LMTP (RFC 2033) for a client that begins with LHLO."""

    is_one_too_many = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begins, unless there are too many."""
        self.event_handler.connections += 1
        self.is_one_too_many = self.event_handler.connections > CONNECTIONS_MAX
        if self.is_one_too_many:
            cast(asyncio.Transport, transport).write(TOO_MANY)
            cast(asyncio.Transport, transport).close()
            return
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        """Ends what was begun."""
        self.event_handler.connections -= 1
        if not self.is_one_too_many:
            super().connection_lost(error)

    async def smtp_LHLO(self, hostname: str) -> None:
        """Greets a client that speaks LMTP. Its one recipient has one answer, as in SMTP."""
        await self.smtp_EHLO(hostname)


def listen(runtime: Runtime, opened: Callable[[ReturnPort], None]) -> None:
    """Take mails at the ports that mailboxes are, also those that are added or changed meanwhile, until
    SIGTERM or Ctrl-C; `opened` is told of each. Raises OSError if one cannot be had."""
    asyncio.run(_listen(runtime, opened))


async def _listen(runtime: Runtime, opened: Callable[[ReturnPort], None]) -> None:
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    servers: dict[ReturnPort, asyncio.Server] = {}
    while not ended.is_set():
        wanted = await asyncio.to_thread(_wanted, runtime.database, list(servers))
        for port in servers.keys() - set(wanted):
            servers.pop(port).close()
        for port in wanted:
            if port not in servers:
                begin = _conversations(runtime, port.mailbox_id, loop)
                servers[port] = await loop.create_server(begin, port.host, port.port)
                opened(port)
        with suppress(TimeoutError):
            await asyncio.wait_for(ended.wait(), LOOK_SECONDS)


def _wanted(database: Database, before: list[ReturnPort]) -> list[ReturnPort]:
    """The ports that are to be open: the same as before while the database does not answer."""
    try:
        return return_ports(database)
    except DBAPIError:
        return before


def _conversations(
    runtime: Runtime, mailbox_id: int, loop: asyncio.AbstractEventLoop
) -> Callable[[], ReturnConversation]:
    recipient = Recipient(runtime, mailbox_id)

    def begin() -> ReturnConversation:
        return ReturnConversation(
            recipient,
            loop=loop,
            hostname=runtime.settings.ehlo_name or "mailrun",
            ident="Mailrun, for mails that come back",
            data_size_limit=SIZE_MAX,
            timeout=COMMAND_SECONDS_MAX,
        )

    return begin
