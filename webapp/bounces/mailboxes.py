"""What all kinds of mailboxes have in common: how to reach one, what it gives, why it cannot be read."""

from __future__ import annotations

import socket
import ssl
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

from webapp.config import Settings
from webapp.destinations import Service, peer_refusal, refusal
from webapp.mailservers import passwords
from webapp.oauth.logging_in import token_for
from webapp.oauth.no_token import NoToken
from webapp.smtp.client import MASK
from webapp.store.bounces import Mailbox
from webapp.store.database import Database
from webapp.store.types import storable
from webapp.translation import N_

TIMEOUT_SECONDS = 30.0
"""How long a mailbox's server may be silent."""
DONE_FOLDER = "Read by Mailrun"
PASSWORD_UNREADABLE = N_("its password cannot be read: %(why)s")


class MailboxTrouble(Exception):
    """The mailbox cannot be read; the message says why, in English, marked to be translated."""


@dataclass(frozen=True)
class MailboxAddress:
    """How to reach a mailbox: its row, with what the settings add. `access_token` gives the token of its
    OAuth account, if it has one, other than one that was refused. `unreadable_password`: why the stored
    password cannot be read."""

    kind: str
    host: str
    port: int
    security: str
    username: str
    folder: str
    done_folder: str
    password: str = field(default="", repr=False)
    access_token: Callable[[str], str] | None = field(default=None, repr=False)
    unreadable_password: str = ""
    authorities: str = ""
    believes_any_certificate: bool = False
    own_services: tuple[Service, ...] = ()

    def check(self) -> None:
        """Raise MailboxTrouble for what must not be tried."""
        if self.unreadable_password:
            raise MailboxTrouble(PASSWORD_UNREADABLE % {"why": self.unreadable_password})
        if words := refusal(self.host, self.port, self.own_services):
            raise MailboxTrouble(words)

    def check_peer(self, connection: socket.socket) -> None:
        """Raise MailboxTrouble if a connection leads where no password may go (destinations.py)."""
        if words := peer_refusal(connection, self.own_services):
            raise MailboxTrouble(words)

    def tls(self) -> ssl.SSLContext:
        """How the server's certificate is checked."""
        context = ssl.create_default_context()
        if self.authorities:
            context.load_verify_locations(cadata=self.authorities)
        if self.believes_any_certificate:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context

    def token(self, refused: str = "") -> str:
        """The token to log in with, which is not this one. Raises MailboxTrouble."""
        assert self.access_token is not None
        try:
            return self.access_token(refused)
        except NoToken as why:
            raise MailboxTrouble(str(why)) from None

    def without_secrets(self, words: str, token: str = "") -> str:
        """What a server said, without the password or token that it may have repeated."""
        said = words
        for secret in (self.password, token):
            said = said.replace(secret, MASK) if secret else said
        return storable(said)[:500]


def address_of(mailbox: Mailbox, settings: Settings, database: Database) -> MailboxAddress:
    """How to reach this mailbox. `database` is where the token of its OAuth account comes from, at the
    login."""
    password, unreadable = passwords.opened(mailbox, settings)
    ask = None
    if mailbox.oauth_account_id is not None:
        about = (mailbox.host, mailbox.security, mailbox.oauth_account_id, settings, database)
        ask, password, unreadable = partial(token_for, *about), "", ""
    return MailboxAddress(
        kind=mailbox.kind,
        host=mailbox.host,
        port=mailbox.port,
        security=mailbox.security,
        username=mailbox.username,
        folder=mailbox.folder,
        done_folder=mailbox.done_folder or DONE_FOLDER,
        password=password,
        access_token=ask,
        unreadable_password=unreadable,
        authorities=mailbox.authorities,
        believes_any_certificate=mailbox.host.lower() in settings.unverified_hosts,
        own_services=settings.own_services,
    )


class OpenMailbox(ABC):
    """A mailbox that is open for reading. Errors of the connection are OSError or MailboxTrouble."""

    @abstractmethod
    def count(self) -> int:
        """How many mails are in it that have not been put away."""

    @abstractmethod
    def mails(self) -> Iterator[tuple[str, bytes]]:
        """Each mail that has not been put away, with what `put_away` knows it by. Changes nothing."""

    @abstractmethod
    def put_away(self, known_by: str) -> None:
        """Take the mail out of the way, once it is stored. What is not put away is read again: that does no
        harm."""

    @abstractmethod
    def close(self) -> None:
        """Say goodbye. Raises nothing that matters: what was stored is stored."""
