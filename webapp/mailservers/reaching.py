"""How to reach a mail server: its row, with what the settings and the environment add."""

from __future__ import annotations

import os
from functools import partial

from sqlalchemy import update
from sqlalchemy.orm import Session

from webapp.config import Settings
from webapp.destinations import may_hold_password
from webapp.mailservers import passwords
from webapp.oauth.logging_in import token_for
from webapp.oauth.no_token import NoToken
from webapp.smtp.client import TokenMissing
from webapp.smtp.server_connection import ServerAddress
from webapp.store.database import Database
from webapp.store.mailservers import MailServer, OAuthAccount


def address_of(server: MailServer, settings: Settings, database: Database | None = None) -> ServerAddress:
    """How to reach this server. `database` is where a server that has an OAuth account gets its token, when a
    connection is opened. The password is the one that is stored, else the value of the variable that
    `password_env` names, in the environment or else in `.env`; never of one of Mailrun's own, which no server
    may learn."""
    account = _account(server, database)
    name = server.password_env if may_hold_password(server.password_env) else ""
    password = (os.environ.get(name) or settings.dotenv.get(name, "")) if name else ""
    stored, unreadable = passwords.opened(server, settings)
    password = stored or password
    ask = None
    if server.oauth_account_id is not None and database is not None:
        ask = partial(_token, server, settings, database)
        password = name = unreadable = ""
    return ServerAddress(
        host=server.host,
        port=server.port,
        security=server.security,
        username=server.username or (account.mailbox if account else ""),
        password=password,
        own_services=settings.own_services,
        believes_any_certificate=server.host.lower() in settings.unverified_hosts,
        ehlo_name=server.ehlo_name or settings.ehlo_name,
        refused_logins=tuple(server.refused_logins.split()),
        authorities=server.authorities,
        missing_variable=name if server.username and name and not (password or server.password) else "",
        unreadable_password=unreadable,
        access_token=ask,
    )


def _account(server: MailServer, database: Database | None) -> OAuthAccount | None:
    if server.oauth_account_id is None:
        return None
    assert database is not None, "a server with an OAuth account is reached with the database"
    with database.reading() as session:
        return session.get(OAuthAccount, server.oauth_account_id)


def _token(server: MailServer, settings: Settings, database: Database, refused: str) -> str:
    """The token for this server. Raises TokenMissing."""
    assert server.oauth_account_id is not None
    try:
        return token_for(server.host, server.security, server.oauth_account_id, settings, database, refused)
    except NoToken as why:
        raise TokenMissing(str(why), needs_a_person=why.needs_a_person) from None


def remember_logins(session: Session, server_id: int, refused: str) -> None:
    """Remember the login mechanisms that this server turned out not to carry out."""
    session.execute(update(MailServer).where(MailServer.id == server_id).values(refused_logins=refused))
