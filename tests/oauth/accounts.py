"""Accounts at the tests' provider, stored as the pages store them, and mail servers that they are for."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from tests.token_endpoint import CLIENT_ID, TokenEndpoint
from tests.world import World
from webapp.oauth import secrets
from webapp.store.database import Database
from webapp.store.mailservers import MailServer, OAuthAccount
from webapp.store.types import now

MAILBOX = "invoicing@example.test"


def account(session: Session, endpoint: TokenEndpoint, way: str = "delegated", **fields: Any) -> OAuthAccount:
    """An account; a delegated one is connected, with a refresh token that counts and no access token yet."""
    made = OAuthAccount(
        **{
            "name": "Provider",
            "provider": "other",
            "way": way,
            "token_url": endpoint.token_url,
            "authorize_url": f"{endpoint.url}/authorize",
            "device_url": f"{endpoint.url}/device",
            "hosts": "127.0.0.1",
            "client_id": CLIENT_ID,
            "mailbox": MAILBOX,
            "connected_at": now(),
            "connected_by": "admin@example.com",
            **fields,
        }
    )
    session.add(made)
    session.flush()
    secrets.store(session, made, client_secret=endpoint.client_secret)
    if way == "delegated":
        secrets.store(session, made, refresh_token=endpoint._give()["refresh_token"])
        endpoint.good.clear()
    return made


def with_account(world: World, endpoint: TokenEndpoint, way: str = "delegated") -> int:
    """The world's mail server takes tokens of this provider alone, and has an account; returns its id."""
    world.server.accepts_token, world.server.mechanisms = endpoint.accepts, "XOAUTH2"
    with world.runtime.database.writing() as session:
        id = account(session, endpoint, way).id
        session.execute(update(MailServer).values(oauth_account_id=id))
    return id


def stored(database: Database) -> OAuthAccount:
    """The one account."""
    with database.reading() as session:
        return session.scalars(select(OAuthAccount)).one()


def age(database: Database, **ago: float) -> None:
    """Have the stored token end in this time (`seconds=30`), which was given an hour ago."""
    with database.writing() as session:
        ends = now() + timedelta(**ago)
        session.execute(update(OAuthAccount).values(expires_at=ends, renewed_at=ends - timedelta(hours=1)))
