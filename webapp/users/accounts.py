"""Users and their passwords (argon2id). What is refused is told in words."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from webapp.errors import NotFound, Refused
from webapp.mailing.addresses import BadAddress, checked_address
from webapp.store.customers import Cluster
from webapp.store.statuses import Role
from webapp.store.types import now
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
    hashed, role = _hasher.hash(_checked(password)), _known_role(role)
    if session.scalar(select(User.id).where(User.email == address)):
        raise Refused(f"there is an account for {address} already")
    bound = _clusters(session, clusters)
    user = User(
        email=address,
        name=name.strip() or address.partition("@")[0],
        password_hash=hashed,
        role=role,
        session_key=_new_session_key(),
    )
    session.add(user)
    session.flush()
    session.add_all([UserCluster(user_id=user.id, cluster_id=cluster_id) for cluster_id in bound])
    session.flush()
    return user


def find(session: Session, email: str) -> User:
    """The user with this address. Raises NotFound."""
    user = session.scalar(select(User).where(User.email == email.strip().lower()))
    if user is None:
        raise NotFound(f"there is no account for {email}")
    return user


def disable(session: Session, email: str) -> User:
    """Let this user no longer log in, and end all their sessions. Raises NotFound."""
    user = find(session, email)
    user.disabled_at = user.disabled_at or now()
    user.session_key = _new_session_key()
    return user


def enable(session: Session, email: str) -> User:
    """Let a disabled user log in again. Raises NotFound."""
    user = find(session, email)
    user.disabled_at = None
    return user


def reset_password(session: Session, email: str, password: str) -> User:
    """Give this user another password, and end all their sessions. Raises NotFound, or Refused for a short
    password."""
    user = find(session, email)
    user.password_hash = _hasher.hash(_checked(password))
    user.session_key = _new_session_key()
    return user


def change(session: Session, email: str, role: str | None, clusters: Iterable[str] | None) -> User:
    """Give this user another role, or bind them to these clusters (none: to everything); None leaves it as it
    is. All their sessions end, so that none keeps the old rights. Raises NotFound, or Refused for a role or
    cluster that does not exist."""
    user = find(session, email)
    if role is not None:
        user.role = _known_role(role)
    if clusters is not None:
        bound = _clusters(session, clusters)
        session.execute(delete(UserCluster).where(UserCluster.user_id == user.id))
        session.add_all([UserCluster(user_id=user.id, cluster_id=cluster_id) for cluster_id in bound])
    user.session_key = _new_session_key()
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


def _checked(password: str) -> str:
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise Refused(f"a password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters")
    return password


def _known_role(role: str) -> str:
    if role not in set(Role):
        raise Refused(f"{role!r} is no role; there are {', '.join(Role)}")
    return role


def _new_session_key() -> str:
    return secrets.token_urlsafe(32)


def bound_tags(session: Session, user: User) -> list[str]:
    """The tag names of the clusters that this user is bound to, in order; none: they see everything."""
    tags = (
        select(Cluster.tag_name)
        .join(UserCluster, UserCluster.cluster_id == Cluster.id)
        .where(UserCluster.user_id == user.id)
        .order_by(Cluster.tag_name)
    )
    return list(session.scalars(tags))


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
