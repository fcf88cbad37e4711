"""How to reach a mail server: its row, with what the settings and the environment add."""

from __future__ import annotations

import os

from sqlalchemy import update
from sqlalchemy.orm import Session

from webapp.config import Settings
from webapp.destinations import may_hold_password
from webapp.mailservers import passwords
from webapp.smtp.server_connection import ServerAddress
from webapp.store.mailservers import MailServer


def address_of(server: MailServer, settings: Settings) -> ServerAddress:
    """How to reach this server. The password is the one that is stored, else the value of the variable that
    `password_env` names, in the environment or else in `.env`; never of one of Mailrun's own, which no server
    may learn."""
    name = server.password_env if may_hold_password(server.password_env) else ""
    password = (os.environ.get(name) or settings.dotenv.get(name, "")) if name else ""
    stored, unreadable = passwords.opened(server, settings)
    password = stored or password
    return ServerAddress(
        host=server.host,
        port=server.port,
        security=server.security,
        username=server.username,
        password=password,
        own_services=settings.own_services,
        believes_any_certificate=server.host.lower() in settings.unverified_hosts,
        ehlo_name=server.ehlo_name or settings.ehlo_name,
        refused_logins=tuple(server.refused_logins.split()),
        authorities=server.authorities,
        missing_variable=name if server.username and name and not (password or server.password) else "",
        unreadable_password=unreadable,
    )


def remember_logins(session: Session, server_id: int, refused: str) -> None:
    """Remember the login mechanisms that this server turned out not to carry out."""
    session.execute(update(MailServer).where(MailServer.id == server_id).values(refused_logins=refused))
