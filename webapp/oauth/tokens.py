"""The access token of an account: the stored one while it is good, else another, which one worker asks for
while all others wait for it.

Who asks has a claim on the account's row, taken under its lock (PostgreSQL: FOR UPDATE; SQLite: BEGIN
IMMEDIATE) and committed before the request: a lock held for as long as a provider takes to answer would keep
every writer of SQLite waiting, heartbeats included. A claim counts for CLAIM_SECONDS, longer than a request
can last; so a worker that dies with it holds up the others no longer."""

from __future__ import annotations

import secrets as random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.config import Settings
from webapp.destinations import Service
from webapp.errors import Refused
from webapp.oauth import secrets
from webapp.oauth.clients import GrantedToken, OAuthClient
from webapp.oauth.no_token import NoToken
from webapp.sealed import CannotOpen
from webapp.store.bounces import Mailbox
from webapp.store.database import Database
from webapp.store.mailservers import MailServer, OAuthAccount
from webapp.store.statuses import OAuthWay
from webapp.store.types import now
from webapp.translation import N_

EARLY_SECONDS, EARLY_SHARE = 300.0, 0.2
"""How long before its end a token is renewed: this long, but no larger share of its life."""
USABLE_SECONDS = 20.0
"""A token that lives this long still is used if the provider is away."""
CLAIM_SECONDS = 40.0
WAIT_SECONDS = 60.0
LOOK_SECONDS = 0.1
STORE_SECONDS = 120.0
"""How long it is tried to store a token: the provider may have ended the refresh token before it."""

GONE = N_("its OAuth account was deleted")
UNREADABLE = N_("a secret of its OAuth account cannot be read: %(why)s")
IN_USE = N_("another worker renews the token, and does not come to an end")


@dataclass(frozen=True)
class _Claim:
    token: str
    version: int
    client: OAuthClient


def access_token(database: Database, settings: Settings, account_id: int, *, refused: str = "") -> str:
    """An access token of this account, for a mail server or a mailbox. `refused`: one that was stored, and
    that the server does not accept. Takes up to WAIT_SECONDS. Raises NoToken.

    1. The stored token, if it is not about to end.
    2. Else claim the renewal; or, if another worker has, wait for what it stores.
    3. Ask the provider, with no transaction open.
    4. Store the answer, a rotated refresh token with it, and commit. Only then is the token used. If the
    account was changed meanwhile, begin again.
    5. If the provider is away, and the stored token still good for a while: that one."""
    ends = time.monotonic() + WAIT_SECONDS
    while True:
        with database.reading() as session:
            stored = _stored(session, account_id, refused)
        if stored:
            return stored
        with database.writing() as session:
            taken = _claim(session, account_id, refused, settings.own_services)
        if isinstance(taken, str):
            return taken
        if taken is not None:
            granted = _renew(database, account_id, taken, refused)
            if granted:
                return granted
        if time.monotonic() > ends:
            raise NoToken(IN_USE, needs_a_person=False)
        time.sleep(LOOK_SECONDS)


def renews_at(account: OAuthAccount) -> datetime | None:
    """When the token is renewed at the next use; None if there is none."""
    if not account.access_token or account.expires_at is None:
        return None
    life = (account.expires_at - (account.renewed_at or account.expires_at)).total_seconds()
    return account.expires_at - timedelta(seconds=min(EARLY_SECONDS, EARLY_SHARE * max(0.0, life)))


def client_of(session: Session, account: OAuthAccount, own_services: tuple[Service, ...]) -> OAuthClient:
    """The account with its secrets opened. Raises NoToken."""
    try:
        return OAuthClient(
            way=OAuthWay(account.way),
            token_url=account.token_url,
            scope=account.scope,
            client_id=account.client_id,
            mailbox=account.mailbox,
            secret=secrets.opened(session, account, "client_secret"),
            refresh_token=secrets.opened(session, account, "refresh_token"),
            own_services=own_services,
        )
    except CannotOpen as why:
        raise NoToken(UNREADABLE % {"why": why}, needs_a_person=True) from None


def keep(session: Session, account: OAuthAccount, granted: GrantedToken) -> None:
    """Store a granted token in this account, whose row is locked. A provider that rotates refresh tokens
    gives another; one that does not gives none, and the one before stays. Raises Refused."""
    fresh = {"refresh_token": granted.refresh_token} if granted.refresh_token else {}
    secrets.store(session, account, access_token=granted.access_token, **fresh)
    account.renewed_at, account.expires_at = now(), granted.expires_at
    account.error, account.claim, account.claimed_until = "", "", None
    account.version += 1


def forget(account: OAuthAccount) -> None:
    """Forget the tokens of this account, whose row is locked: it must be connected again."""
    account.refresh_token = account.access_token = account.pending = ""
    account.renewed_at = account.expires_at = account.connected_at = None
    account.error, account.claim, account.claimed_until = "", "", None
    account.version += 1


def delete_unused(session: Session, account_id: int) -> str:
    """Delete this account, secrets and all, if nothing logs in with it any more; return its name if it was
    deleted."""
    account = session.get(OAuthAccount, account_id, with_for_update=True)
    using = [
        select(model.id).where(model.oauth_account_id == account_id).limit(1)
        for model in (MailServer, Mailbox)
    ]
    if account is None or any(session.scalar(query) is not None for query in using):
        return ""
    session.delete(account)
    return account.name


def _stored(session: Session, account_id: int, refused: str, *, good_for: float | None = None) -> str:
    """The stored token, if it is good (for this number of seconds); else empty."""
    account = session.get(OAuthAccount, account_id)
    if account is None:
        raise NoToken(GONE, needs_a_person=True)
    until = renews_at(account)
    if until is None or account.expires_at is None:
        return ""
    if good_for is not None:
        until = account.expires_at - timedelta(seconds=good_for)
    if until <= now():
        return ""
    try:
        token = secrets.opened(session, account, "access_token")
    except CannotOpen as why:
        raise NoToken(UNREADABLE % {"why": why}, needs_a_person=True) from None
    return token if token != refused else ""


def _claim(
    session: Session, account_id: int, refused: str, own_services: tuple[Service, ...]
) -> _Claim | str | None:
    """The claim on renewing this account; the token, if another worker has stored it meanwhile; None while
    another worker renews."""
    account = session.get(OAuthAccount, account_id, with_for_update=True, populate_existing=True)
    if account is None:
        raise NoToken(GONE, needs_a_person=True)
    if stored := _stored(session, account_id, refused):
        return stored
    if account.claimed_until is not None and account.claimed_until > now():
        return None
    client = client_of(session, account, own_services)
    account.claim, account.claimed_until = random.token_hex(16), now() + timedelta(seconds=CLAIM_SECONDS)
    return _Claim(account.claim, account.version, client)


def _renew(database: Database, account_id: int, claim: _Claim, refused: str) -> str:
    """Ask for another token and store it; empty if the account was changed meanwhile. Raises NoToken."""
    from webapp.oauth import exchange  # with Authlib: 11 MB, which most workers need not hold

    try:
        granted = exchange.renewed(claim.client)
    except NoToken as why:
        words = str(why)
        _persist(database, lambda session: _note_failure(session, account_id, claim, words))
        if not why.needs_a_person:
            with database.reading() as session:
                if stored := _stored(session, account_id, refused, good_for=USABLE_SECONDS):
                    return stored
        raise
    return _persist(database, lambda session: _keep(session, account_id, claim, granted))


def _keep(session: Session, account_id: int, claim: _Claim, granted: GrantedToken) -> str:
    """Store what was granted. A claim that has run out meanwhile does no harm unless another worker has
    stored something since; run a second time, after a commit in doubt, this stores nothing."""
    account = session.get(OAuthAccount, account_id, with_for_update=True, populate_existing=True)
    if account is None or account.version != claim.version:
        return ""
    try:
        keep(session, account, granted)
    except Refused as why:
        raise NoToken(str(why), needs_a_person=True) from None
    return granted.access_token


def _note_failure(session: Session, account_id: int, claim: _Claim, words: str) -> str:
    account = session.get(OAuthAccount, account_id, with_for_update=True, populate_existing=True)
    if account is not None and (account.version, account.claim) == (claim.version, claim.token):
        account.error, account.claim, account.claimed_until = words, "", None
    return ""


def _persist(database: Database, verb: Callable[[Session], str]) -> str:
    ends = time.monotonic() + STORE_SECONDS
    return database.persist(verb, give_up=lambda: time.monotonic() > ends)
