"""A mailbox that is a port of Mailrun's own (listening.py). Nothing waits there: what comes is stored at
once. A worker that reads it looks whether it is open, so that a closed one is told as any mailbox's
trouble."""

from __future__ import annotations

import socket
from collections.abc import Iterator

from webapp.bounces.mailboxes import MailboxAddress, MailboxTrouble, OpenMailbox
from webapp.smtp.client import describe
from webapp.translation import N_

ANSWER_SECONDS_MAX = 5.0
NOT_OPEN = N_("the port is not open: %(why)s; start it: mailrun bounces listen")
GREETS_OTHERWISE = N_("another program has this port: it greets by “%(reply)s”")


class PortMailbox(OpenMailbox):
    """The port, seen from outside."""

    def __init__(self, address: MailboxAddress) -> None:
        address.check()
        try:
            with socket.create_connection((address.host, address.port), ANSWER_SECONDS_MAX) as connection:
                address.check_peer(connection)
                connection.settimeout(ANSWER_SECONDS_MAX)
                greeting = connection.recv(512)
        except OSError as error:
            raise MailboxTrouble(NOT_OPEN % {"why": describe(error)}) from None
        if b"Mailrun" not in greeting:
            said = address.without_secrets(greeting.decode("ascii", "replace").strip())
            raise MailboxTrouble(GREETS_OTHERWISE % {"reply": said})

    def count(self) -> int:
        """Nothing waits."""
        return 0

    def mails(self) -> Iterator[tuple[str, bytes]]:
        """Nothing waits."""
        return iter(())

    def put_away(self, known_by: str) -> None:
        """Nothing is ever to be put away."""

    def close(self) -> None:
        """Nothing is open."""
