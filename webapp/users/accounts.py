"""Users and their passwords (argon2id). What is refused is told in words."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from webapp.errors import Refused
from webapp.mailing.addresses import BadAddress, checked_address
from webapp.store.customers import Cluster
from webapp.store.statuses import Role
from webapp.store.users import User, UserCluster

SHORTEST_PASSWORD = 10
LONGEST_PASSWORD = 1000
_hasher = PasswordHasher()


def create_user(
    session: Session, email: str, password: str, role: str, name: str = "", clusters: Iterable[str] = ()
) -> User:
    """Makes an account. `clusters` are tag names; bound to none, the user sees everything.

    Needs a writing session. Raises Refused for a bad or taken address, a short password, a role or a cluster
    that does not exist.
    """
    try:
        address = checked_address(email).lower()
    except BadAddress as problem:
        raise Refused(str(problem)) from None
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise Refused(f"a password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters")
    if role not in set(Role):
        raise Refused(f"{role!r} is no role; there are {', '.join(Role)}")
    if session.scalar(select(User.id).where(User.email == address)):
        raise Refused(f"there is an account for {address} already")
    bound = _clusters(session, clusters)
    user = User(
        email=address,
        name=name.strip() or address.partition("@")[0],
        password_hash=_hasher.hash(password),
        role=role,
        session_key=secrets.token_urlsafe(32),
    )
    session.add(user)
    session.flush()
    session.add_all([UserCluster(user_id=user.id, cluster_id=cluster_id) for cluster_id in bound])
    session.flush()
    return user


def authenticate(session: Session, email: str, password: str) -> User | None:
    """The user with this address and password, unless disabled. Takes as long for an unknown address as for
    a wrong password."""
    user = session.scalar(select(User).where(User.email == func.lower(email.strip()))) if email else None
    known = user is not None and user.disabled_at is None
    fits = _fits(user.password_hash if user and known else _nobodys_hash(), password[:LONGEST_PASSWORD])
    return user if known and fits else None


def has_old_hash(user: User) -> bool:
    """Whether the password was hashed with weaker parameters than today's."""
    return _hasher.check_needs_rehash(user.password_hash)


def rehash(session: Session, user: User, password: str) -> None:
    """Stores the hash of the same password with today's parameters. The user's sessions go on."""
    session.execute(update(User).where(User.id == user.id).values(password_hash=_hasher.hash(password)))


def _fits(stored: str, password: str) -> bool:
    try:
        return _hasher.verify(stored, password)
    except VerificationError:
        return False


@cache
def _nobodys_hash() -> str:
    return _hasher.hash(secrets.token_urlsafe(32))


def _clusters(session: Session, tags: Iterable[str]) -> list[int]:
    ids = []
    for tag in dict.fromkeys(tags):
        found = session.scalar(select(Cluster.id).where(Cluster.tag_name == tag))
        if found is None:
            raise Refused(f"there is no customer cluster {tag!r}")
        ids.append(found)
    return ids
