"""A mailbox on a POP3 server, by poplib. What has been read is deleted there: POP3 has no folders. The server
deletes at the goodbye; if that is lost, it is read again, which does no harm."""

from __future__ import annotations

import poplib
from collections.abc import Iterator
from contextlib import suppress

from webapp.bounces.mailboxes import TIMEOUT_SECONDS, MailboxAddress, MailboxTrouble, OpenMailbox
from webapp.bounces.receiving import RAW_MAX
from webapp.smtp.client import describe
from webapp.store.statuses import Security
from webapp.translation import N_

poplib._MAXLINE = 1_000_000  # type: ignore[attr-defined]  # bytes; 2,048 break at the lines of many HTML mails
LINES_OF_LARGE = 500
"""Of a mail that is too large these are read, after its headers."""
LOGIN_REFUSED = N_("it refuses the login of “%(name)s”: %(reply)s")


class Pop3Mailbox(OpenMailbox):
    """An open mailbox of a POP3 server."""

    def __init__(self, address: MailboxAddress) -> None:
        address.check()
        self.address = address
        try:
            self.client = _connected(address)
        except OSError as error:
            raise MailboxTrouble(describe(error)) from None
        except poplib.error_proto as error:
            raise MailboxTrouble(address.without_secrets(_words(error))) from None
        try:
            address.check_peer(self.client.sock)
            self.client.user(address.username)
            self.client.pass_(address.password)
        except poplib.error_proto as error:
            self.close()
            values = {"name": address.username, "reply": address.without_secrets(_words(error))}
            raise MailboxTrouble(LOGIN_REFUSED % values) from None
        except BaseException:
            self.close()
            raise

    def count(self) -> int:
        """How many mails are there."""
        return self.client.stat()[0]

    def mails(self) -> Iterator[tuple[str, bytes]]:
        """Each mail by its number; of a large one its beginning."""
        for listed in self.client.list()[1]:
            number, size = listed.split()[:2]
            try:
                if int(size) > RAW_MAX:
                    lines = self.client.top(int(number), LINES_OF_LARGE)[1]
                else:
                    lines = self.client.retr(int(number))[1]
            except poplib.error_proto as error:
                raise MailboxTrouble(self.address.without_secrets(_words(error))) from None
            yield number.decode("ascii"), b"\r\n".join([*lines, b""])

    def put_away(self, known_by: str) -> None:
        """Mark the mail as deleted: the server deletes it at the goodbye."""
        try:
            self.client.dele(int(known_by))
        except poplib.error_proto as error:
            raise MailboxTrouble(self.address.without_secrets(_words(error))) from None

    def close(self) -> None:
        """Say goodbye, so that the server deletes what was put away."""
        with suppress(OSError, poplib.error_proto):
            self.client.quit()


def _connected(address: MailboxAddress) -> poplib.POP3:
    if address.security == Security.TLS:
        return poplib.POP3_SSL(address.host, address.port, timeout=TIMEOUT_SECONDS, context=address.tls())
    client = poplib.POP3(address.host, address.port, TIMEOUT_SECONDS)
    if address.security == Security.STARTTLS:
        client.stls(address.tls())
    return client


def _words(error: poplib.error_proto) -> str:
    said = error.args[0] if error.args else ""
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
