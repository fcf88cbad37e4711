"""Who users are to an OpenID provider. From the moment that a user has an identity there, it is the one way
in: their password is deleted, so that a person who knew it, or set it in advance, is out."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp import audit
from webapp.errors import Refused
from webapp.store import locks
from webapp.store.logins import SUBJECT_MAX, UserIdentity
from webapp.store.users import User
from webapp.translation import _
from webapp.users import accounts


def find(session: Session, issuer: str, subject: str) -> UserIdentity | None:
    """The identity with this subject at this issuer; locks it until the end of the transaction, also while
    there is none: of two first sign-ins at once, the second finds what the first has made."""
    locks.lock_login(session.connection(), f"{issuer} {subject}")
    found = select(UserIdentity).where(UserIdentity.issuer == issuer, UserIdentity.subject == subject)
    return session.scalar(found)


def is_subject(value: object) -> bool:
    """Whether a person can be known by this."""
    return isinstance(value, str) and 0 < len(value) <= SUBJECT_MAX and value.isprintable()


def link(session: Session, by: str, user: User, issuer: str, subject: str, email: str) -> UserIdentity:
    """Have this user sign in as this subject from now on, and only so: the password is deleted, all sessions
    end. Raises Refused if either has another part already."""
    if not is_subject(subject):
        raise Refused(_("a subject has 1 to %(num)s characters, all of which can be shown", num=SUBJECT_MAX))
    if find(session, issuer, subject):
        raise Refused(_("this subject is another account already"))
    locks.lock_login(session.connection(), f"user {user.id}")
    if session.scalar(
        select(UserIdentity.id).where(UserIdentity.user_id == user.id, UserIdentity.issuer == issuer)
    ):
        raise Refused(_("%(email)s has another subject at this provider already", email=user.email))
    identity = UserIdentity(user_id=user.id, issuer=issuer, subject=subject, email=email[:254])
    session.add(identity)
    user.password_hash = ""
    accounts.end_all_sessions(session, user)
    session.flush()
    audit.note(session, by, "identity linked", user.email, f"{subject} of {issuer}; the password is deleted")
    return identity
