"""The password of a mail server's login, as the database keeps it: sealed (webapp/sealed.py) for the name of
the server, which never changes."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp import sealed
from webapp.config import Settings
from webapp.store.mailservers import MailServer
from webapp.translation import _

FIELD = "SMTP password"
DESTINATION = ("host", "port", "security", "username", "authorities")
"""The columns that say where a password goes, and how safely. It is sent only as it was when a person entered
it."""


def opened(server: MailServer, settings: Settings) -> tuple[str, str]:
    """The stored password, and why it cannot be read; both empty if none is stored."""
    if not server.password:
        return "", ""
    try:
        keys = sealed.keys((settings.secret_key, *settings.former_keys))
        return keys.open(server.name, FIELD, server.password), ""
    except sealed.CannotOpen as why:
        return "", str(why)


def store(session: Session, server: MailServer, password: str) -> None:
    """Store this password, or none if it is empty. Raises Refused if the database belongs to another secret
    key."""
    server.password = sealed.get_ready(session).seal(server.name, FIELD, password) if password else ""


def seal_again(session: Session) -> tuple[int, list[str]]:
    """Seal all with the newest key; return how many were sealed, and the servers whose password no key of
    this process opens, which stay as they are."""
    keys, done, unreadable = sealed.keys_of(session), 0, []
    having = select(MailServer).where(MailServer.password != "").order_by(MailServer.id).with_for_update()
    for server in session.scalars(having):
        if keys.is_newest(server.password):
            continue
        try:
            text = keys.open(server.name, FIELD, server.password)
        except sealed.CannotOpen:
            unreadable.append(_("mail server %(name)s", name=server.name))
            continue
        server.password = keys.seal(server.name, FIELD, text)
        done += 1
    return done, unreadable
