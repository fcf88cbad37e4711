"""The catcher's SMTP side: accepts any mail for any recipient, from this machine only."""

from __future__ import annotations

import asyncio
import signal
from datetime import UTC, datetime

from aiosmtpd.smtp import SMTP, Envelope, Session

from webapp.catcher.box import Box, Caught
from webapp.mailing import parsed_mail

HOST = "127.0.0.1"
PRUNE_EVERY = 100
LARGEST = 64 * 1024 * 1024


class Keeper:
    """What aiosmtpd calls when a mail has come."""

    def __init__(self, box: Box) -> None:
        self._box = box
        self._taken = 0

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        """Keeps the mail, and only then takes responsibility for it."""
        caught = await asyncio.to_thread(_describe, self._box.next_id(), envelope)
        try:
            await asyncio.to_thread(self._box.put, caught, envelope.original_content or b"")
        except OSError as problem:
            return f"452 4.3.1 cannot keep the mail: {problem.strerror}"
        self._taken += 1
        if self._taken % PRUNE_EVERY == 0:
            await asyncio.to_thread(self._box.prune)
        return f"250 2.0.0 caught as {caught.id}"


def serve(box: Box, port: int) -> None:
    """Catches mails until SIGTERM or Ctrl-C. Raises OSError if the port cannot be had."""
    with box.being_filled():
        asyncio.run(_serve(box, port))


async def _serve(box: Box, port: int) -> None:
    box.prune()
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    keeper = Keeper(box)
    server = await loop.create_server(
        lambda: SMTP(
            keeper,
            loop=loop,
            hostname="catcher.localhost",
            ident="Mailrun mail catcher",
            data_size_limit=LARGEST,
            enable_SMTPUTF8=True,
        ),
        HOST,
        port,
    )
    await ended.wait()
    server.close()  # not waiting for its connections: a worker may hold one open


def _describe(id: str, envelope: Envelope) -> Caught:
    content = envelope.original_content or b""
    subject, named = parsed_mail.subject_and_named(content)
    recipients = tuple(envelope.rcpt_tos)
    return Caught(
        id=id,
        at=datetime.now(UTC),
        mail_from=envelope.mail_from or "",
        rcpt_to=recipients,
        bcc=tuple(address for address in recipients if address.lower() not in named),
        subject=subject,
        size=len(content),
    )
