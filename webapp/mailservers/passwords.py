"""The password of a mail server's login, or of a mailbox's, as the database keeps it: sealed
(webapp/sealed.py) for the name of the server or mailbox, which never changes."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp import sealed
from webapp.config import Settings
from webapp.store.bounces import Mailbox
from webapp.store.mailservers import MailServer
from webapp.translation import _

FIELD, FIELD_OF_MAILBOX = "SMTP password", "mailbox password"
DESTINATION = ("host", "port", "security", "username", "authorities")
"""The columns that say where a password goes, and how safely. It is sent only as it was when a person entered
it."""


def _field(server: MailServer | Mailbox) -> str:
    return FIELD if isinstance(server, MailServer) else FIELD_OF_MAILBOX


def opened(server: MailServer | Mailbox, settings: Settings) -> tuple[str, str]:
    """The stored password, and why it cannot be read; both empty if none is stored."""
    if not server.password:
        return "", ""
    try:
        keys = sealed.keys((settings.secret_key, *settings.former_keys))
        return keys.open(server.name, _field(server), server.password), ""
    except sealed.CannotOpen as why:
        return "", str(why)


def store(session: Session, server: MailServer | Mailbox, password: str) -> None:
    """Store this password, or none if it is empty. Raises Refused if the database belongs to another secret
    key."""
    keys = sealed.get_ready(session)
    server.password = keys.seal(server.name, _field(server), password) if password else ""


def seal_again(session: Session) -> tuple[int, list[str]]:
    """Seal all with the newest key; return how many were sealed, and the servers and mailboxes whose password
    no key of this process opens, which stay as they are."""
    keys, done, unreadable = sealed.keys_of(session), 0, []
    servers = select(MailServer).where(MailServer.password != "").order_by(MailServer.id).with_for_update()
    mailboxes = select(Mailbox).where(Mailbox.password != "").order_by(Mailbox.id).with_for_update()
    for row in (*session.scalars(servers), *session.scalars(mailboxes)):
        if keys.is_newest(row.password):
            continue
        try:
            text = keys.open(row.name, _field(row), row.password)
        except sealed.CannotOpen:
            of_server = isinstance(row, MailServer)
            unreadable.append(
                _("mail server %(name)s", name=row.name)
                if of_server
                else _("mailbox %(name)s", name=row.name)
            )
            continue
        row.password = keys.seal(row.name, _field(row), text)
        done += 1
    return done, unreadable
