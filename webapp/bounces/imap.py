"""A mailbox on an IMAP server, by imap-tools, around three of its traps:

1. It keeps the capabilities from before the login, so that `move()` would copy, mark as deleted and expunge
   the whole folder although the server has MOVE. They are asked for again after the login.
2. `flag()` and `delete()` expunge the folder, and with it what others have marked as deleted. Neither is
   used: a server without MOVE is told to copy, to mark, and to expunge these mails alone (UIDPLUS, RFC 4315).
3. A search for the UIDs `n:*` always finds the last mail. It is not used: what is not in the folder any more
   has been read."""

from __future__ import annotations

import imaplib
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from imap_tools import BaseMailBox, MailBox, MailBoxStartTls, MailBoxUnencrypted
from imap_tools.errors import ImapToolsError, MailboxLoginError
from imap_tools.utils import encode_folder

from webapp.bounces.mailboxes import TIMEOUT_SECONDS, MailboxAddress, MailboxTrouble, OpenMailbox
from webapp.bounces.receiving import RAW_MAX
from webapp.smtp.client import describe
from webapp.store.statuses import Security
from webapp.translation import N_

LOGIN_REFUSED = N_("it refuses the login of “%(name)s”: %(reply)s")
NO_FOLDER = N_("there is no folder “%(name)s”: %(reply)s")
PROTOCOL_ERROR = N_("it answered what was not expected: %(reply)s")
Outcome = tuple[str, list[Any]]


class ImapMailbox(OpenMailbox):
    """An open folder of an IMAP server."""

    def __init__(self, address: MailboxAddress) -> None:
        address.check()
        self.address, self.token = address, ""
        self.box = _connected(address)
        try:
            address.check_peer(self.box.client.socket())
            self._log_in()
            self._look_around()
        except BaseException:
            self.close()
            raise

    def _log_in(self) -> None:
        """By user name and password, or by the token of its OAuth account."""
        address = self.address
        if address.access_token is not None:
            self._log_in_by_token()
            return
        in_ascii = address.username.isascii() and address.password.isascii()
        log_in: Callable[..., Any] = self.box.login if in_ascii else self.box.login_utf8
        try:
            log_in(address.username, address.password, initial_folder=None)
        except (MailboxLoginError, imaplib.IMAP4.error) as error:
            values = {"name": address.username, "reply": self._said(error)}
            raise MailboxTrouble(LOGIN_REFUSED % values) from None

    def _log_in_by_token(self) -> None:
        """By XOAUTH2; once more, with another token, if the server does not accept the stored one."""
        self.token = self.address.token()
        if self._refuses_token():
            self.token = self.address.token(refused=self.token)
            if reply := self._refuses_token():
                raise MailboxTrouble(LOGIN_REFUSED % {"name": self.address.username, "reply": reply})

    def _refuses_token(self) -> str:
        """Why the server does not accept the token; empty if it does. It says so in a challenge first, which
        is answered by nothing; imap-tools would answer by the token again."""
        token = f"user={self.address.username}\x01auth=Bearer {self.token}\x01\x01".encode()

        def answer(challenge: bytes) -> bytes:
            return b"" if challenge else token

        try:
            self.box.client.authenticate("XOAUTH2", answer)
        except imaplib.IMAP4.error as error:
            return self._said(error) or "?"
        return ""

    def _look_around(self) -> None:
        client = self.box.client
        capabilities = self._done(client.capability())[-1]
        client.capabilities = tuple(capabilities.decode("ascii", "replace").upper().split())
        try:
            self.box.folder.set(self.address.folder)
        except (ImapToolsError, imaplib.IMAP4.error) as error:
            values = {"name": self.address.folder, "reply": self._said(error)}
            raise MailboxTrouble(NO_FOLDER % values) from None
        self.done_folder = ""

    def count(self) -> int:
        """How many mails are in the folder that are not marked as deleted."""
        return len(self._uids())

    def mails(self) -> Iterator[tuple[str, bytes]]:
        """Each mail by its UID; of a large one its beginning. Does not mark it as seen."""
        for uid in self._uids():
            found = self._asked("FETCH", uid, f"(BODY.PEEK[]<0.{RAW_MAX}>)")
            raw = next((part[1] for part in found if isinstance(part, tuple)), None)
            if isinstance(raw, bytes):  # else another reader has put it away meanwhile
                yield uid, raw

    def put_away(self, known_by: str) -> None:
        """Move the mail to the folder of what has been read, which is made if there is none."""
        folder = encode_folder(self.done_folder or self._make_done_folder())
        capabilities = self.box.client.capabilities
        if "MOVE" in capabilities:
            self._asked("MOVE", known_by, folder)
            return
        self._asked("COPY", known_by, folder)
        self._asked("STORE", known_by, "+FLAGS.SILENT", r"(\Deleted)")
        if "UIDPLUS" in capabilities:
            self._asked("EXPUNGE", known_by)

    def close(self) -> None:
        """Log out, or give up the connection."""
        with suppress(OSError, ImapToolsError, imaplib.IMAP4.error):
            self.box.logout()

    def _uids(self) -> list[str]:
        try:
            return self.box.uids("UNDELETED")
        except (ImapToolsError, imaplib.IMAP4.error) as error:
            raise MailboxTrouble(PROTOCOL_ERROR % {"reply": self._said(error)}) from None

    def _make_done_folder(self) -> str:
        """The folder of what has been read. Some servers have all folders below INBOX."""
        name = self.address.done_folder
        delimiter = next((each.delim for each in self.box.folder.list(search_args="INBOX")), "/") or "/"
        for candidate in (name, f"INBOX{delimiter}{name}"):
            with suppress(ImapToolsError):
                if not self.box.folder.exists(candidate):
                    self.box.folder.create(candidate)
                self.done_folder = candidate
                return candidate
        raise MailboxTrouble(NO_FOLDER % {"name": name, "reply": N_("it cannot be created")})

    def _asked(self, command: str, *arguments: Any) -> list[Any]:
        try:
            return self._done(self.box.client.uid(command, *arguments))
        except imaplib.IMAP4.error as error:
            raise MailboxTrouble(PROTOCOL_ERROR % {"reply": self._said(error)}) from None

    def _done(self, answer: Outcome) -> list[Any]:
        status, data = answer
        if status != "OK":
            raise MailboxTrouble(
                PROTOCOL_ERROR % {"reply": self.address.without_secrets(str(data), self.token)}
            )
        return data

    def _said(self, error: Exception) -> str:
        return self.address.without_secrets(str(error), self.token)


def _connected(address: MailboxAddress) -> BaseMailBox:
    host, port = address.host, address.port
    try:
        if address.security == Security.TLS:
            return MailBox(host, port, TIMEOUT_SECONDS, ssl_context=address.tls())
        if address.security == Security.STARTTLS:
            return MailBoxStartTls(host, port, TIMEOUT_SECONDS, ssl_context=address.tls())
        return MailBoxUnencrypted(host, port, TIMEOUT_SECONDS)
    except OSError as error:
        raise MailboxTrouble(describe(error)) from None
    except (ImapToolsError, imaplib.IMAP4.error, ValueError) as error:
        raise MailboxTrouble(PROTOCOL_ERROR % {"reply": address.without_secrets(str(error))}) from None
