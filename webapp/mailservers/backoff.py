"""Back-off for a mail server in trouble: no message fails, its runs wait, and one worker at a time tries
again, at growing intervals, until it works."""

from __future__ import annotations

import os
from datetime import datetime, timedelta

from sqlalchemy import update
from sqlalchemy.orm import Session

from webapp.config import Settings
from webapp.destinations import may_hold_password
from webapp.mailing.smtp_connection import ServerAddress
from webapp.store.mailservers import MailServer
from webapp.store.types import now

PROBE_SECONDS = 30.0
"""How long a worker that probes a server in trouble has it to itself."""


def address_of(server: MailServer, settings: Settings) -> ServerAddress:
    """How to reach this server. The password is read from the environment variable that `password_env`
    names."""
    return ServerAddress(
        host=server.host,
        port=server.port,
        security=server.security,
        username=server.username,
        password=_password(server.password_env),
        own_services=settings.own_services,
        believes_any_certificate=server.host.lower() in settings.unverified_hosts,
    )


def _password(variable: str) -> str:
    """What the variable holds; nothing if it is one of Mailrun's own, which no server may learn."""
    return os.environ.get(variable, "") if variable and may_hold_password(variable) else ""


def may_try(session: Session, server: MailServer) -> bool:
    """Whether this worker may connect now. To a server in trouble only one worker may, once its next try is
    due."""
    if server.trouble is None:
        return True
    taken = session.execute(
        update(MailServer)
        .where(
            MailServer.id == server.id,
            (MailServer.trouble.is_(None)) | (MailServer.next_try_at <= now()),
        )
        .values(next_try_at=now() + timedelta(seconds=PROBE_SECONDS))
        .execution_options(synchronize_session=False)
    )
    return bool(taken.rowcount)  # type: ignore[attr-defined]


def note_trouble(session: Session, settings: Settings, server_id: int, words: str, *, probing: bool) -> None:
    """Make the server wait: the pause doubles with every failed try, up to `settings.trouble_last` seconds.

    If others have noted the trouble already, only the worker that probes again (`probing`) adds to it."""
    server = session.get_one(MailServer, server_id, with_for_update=True)
    if server.trouble is not None and not probing:
        return
    pause = min(settings.trouble_first * 2 ** min(server.trouble_count, 20), settings.trouble_last)
    server.trouble = words
    server.trouble_since = server.trouble_since or now()
    server.trouble_count += 1
    server.next_try_at = now() + timedelta(seconds=pause)


def note_fine(session: Session, server_id: int) -> None:
    """End the trouble: the server accepted a message, or refused one because of the message itself."""
    session.execute(
        update(MailServer)
        .where(MailServer.id == server_id, MailServer.trouble.is_not(None))
        .values(trouble=None, trouble_since=None, trouble_count=0, next_try_at=None)
        .execution_options(synchronize_session=False)
    )


def waiting_sentence(server: MailServer) -> str | None:
    """ "waiting for mail server smtp.example.com: connection refused, next try at 14:05", in the machine's
    time zone; None for a server that works."""
    if server.trouble is None:
        return None
    when = _clock(server.next_try_at)
    return f"waiting for mail server {server.host}: {server.trouble}, next try at {when}"


def _clock(moment: datetime | None) -> str:
    return f"{(moment or now()).astimezone():%H:%M}"
