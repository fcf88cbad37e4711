"""What is secret of an OAuth account, as the database keeps it: sealed (webapp/sealed.py) for the account and
the column, so that none counts in the place of another."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp import sealed
from webapp.store.mailservers import OAuthAccount
from webapp.translation import _

COLUMNS = ("client_secret", "refresh_token", "access_token", "pending")


def opened(session: Session, account: OAuthAccount, column: str) -> str:
    """The secret of this column. Raises sealed.CannotOpen."""
    return sealed.keys_of(session).open(_code(account), column, getattr(account, column))


def store(session: Session, account: OAuthAccount, **secrets: str) -> None:
    """Store these secrets, an empty one as none. Raises Refused if the database belongs to another secret
    key."""
    keys = sealed.get_ready(session)
    for column, text in secrets.items():
        assert column in COLUMNS
        setattr(account, column, keys.seal(_code(account), column, text) if text else "")


def seal_again(session: Session) -> tuple[int, list[str]]:
    """Seal all with the newest key; return how many were sealed, and the accounts that no key of this process
    opens, which stay as they are."""
    keys, done, unreadable = sealed.keys_of(session), 0, []
    for account in session.scalars(select(OAuthAccount).order_by(OAuthAccount.id).with_for_update()):
        for column in COLUMNS:
            stored = getattr(account, column)
            if not stored or keys.is_newest(stored):
                continue
            try:
                text = keys.open(_code(account), column, stored)
            except sealed.CannotOpen:
                unreadable.append(_("OAuth account %(name)s", name=account.name))
                break
            setattr(account, column, keys.seal(_code(account), column, text))
            done += 1
    return done, unreadable


def _code(account: OAuthAccount) -> str:
    return f"oauth account {account.id}"
