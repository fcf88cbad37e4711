"""One-time links: by one, a person who was invited, or has forgotten the password, chooses a password.

The token is random and only its hash is stored, so that neither a copy of the database nor a log opens an
account. A link opens once, for 72 hours, and is void as soon as a newer one is made.

A link that was made on the command line to log in with sets no password: it is the way in when neither
passwords nor a provider are."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from webapp import audit
from webapp.errors import NotFound, Refused
from webapp.store.dialects import insert_into
from webapp.store.logins import UserIdentity
from webapp.store.types import now
from webapp.store.users import User, UserLink
from webapp.translation import N_, _
from webapp.users import accounts

HOURS = 72
PATH = "/login/link"
VOID = N_(
    "This link opens nothing: it was used, replaced by a newer one, or is older than 72 hours. Ask an "
    "administrator for a new one."
)


def make(session: Session, by: str, user: User, *, logs_in: bool = False) -> str:
    """Make a link for this user, to choose a password by or only to log in; return its token, which is stored
    nowhere. Raises Refused for a disabled user, and to choose a password for one who signs in elsewhere."""
    if not logs_in and session.scalar(select(UserIdentity.id).where(UserIdentity.user_id == user.id)):
        raise Refused(_("this user signs in elsewhere and has no password here"))
    if user.disabled_at is not None:
        raise Refused(_("this user is disabled: enable the account first, then make a link"))
    token = secrets.token_urlsafe(32)
    at = now()
    values = {
        "token_hash": _hash(token),
        "made_at": at,
        "ends_at": at + timedelta(hours=HOURS),
        "logs_in": logs_in,
    }
    session.execute(
        insert_into(session, UserLink)
        .values(user_id=user.id, **values)
        .on_conflict_do_update(index_elements=["user_id"], set_=values)
    )
    what = "password link made" if user.password_hash else "invitation made"
    what = "login link made" if logs_in else what
    audit.note(session, by, what, user.email, f"opens once, within {HOURS} hours")
    return token


def user_of(session: Session, token: str, *, logs_in: bool = False) -> User | None:
    """The user whose link this is, while it opens anything: to choose a password by, or to log in."""
    return session.scalar(
        select(User)
        .join(UserLink, UserLink.user_id == User.id)
        .where(UserLink.token_hash == _hash(token), UserLink.ends_at > now(), User.disabled_at.is_(None))
        .where(UserLink.logs_in.is_(logs_in))
    )


def use(session: Session, token: str, password: str) -> User:
    """Set the password of the user whose link this is, and end all their sessions. Of two at once, one finds
    the link used. Raises NotFound for a link that opens nothing, Refused for a short password."""
    user = _use_up(session, token, user_of(session, token))
    was_invited = not user.password_hash
    accounts.set_password(session, user, password)
    audit.note(session, user.email, "invitation accepted" if was_invited else "password chosen", user.email)
    return user


def use_to_log_in(session: Session, token: str) -> User:
    """Use up a link to log in with; return whose it is. Raises NotFound for one that opens nothing."""
    user = _use_up(session, token, user_of(session, token, logs_in=True))
    audit.note(session, user.email, "login", user.email, "by a link that was made on the command line")
    return user


def _use_up(session: Session, token: str, user: User | None) -> User:
    used = delete(UserLink).where(UserLink.token_hash == _hash(token)).returning(UserLink.user_id)
    if user is None or session.scalar(used) is None:
        raise NotFound(_(VOID))
    return user


def open_link(session: Session, user_id: int) -> UserLink | None:
    """The link of this user that still opens."""
    return session.scalar(select(UserLink).where(UserLink.user_id == user_id, UserLink.ends_at > now()))


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
