"""Users and their passwords (argon2id). What is refused is told in words."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from sqlalchemy import delete, exists, func, or_, select, update
from sqlalchemy.orm import Session

from webapp.errors import NotFound, Refused
from webapp.mailing.addresses import BadAddress, checked_address
from webapp.store.customers import Cluster
from webapp.store.logins import UserIdentity
from webapp.store.statuses import SENDING_ROLES, Role
from webapp.store.types import now
from webapp.store.users import User, UserCluster, UserLink, UserSession
from webapp.translation import N_, _

SHORTEST_PASSWORD = 10
LONGEST_PASSWORD = 1000
_hasher = PasswordHasher()


def create_user(
    session: Session,
    email: str,
    password: str | None,
    role: str,
    name: str = "",
    clusters: Iterable[str] = (),
    *,
    may_send: bool | None = None,
    may_approve: bool = False,
) -> User:
    """Makes an account. `clusters` are tag names; bound to none, the user sees everything. Without a password
    the user is invited: a link lets them choose one (links.py). The right to send comes with any role that
    can have it, unless `may_send` says otherwise; any role can have the right to approve.

    Needs a writing session. Raises Refused for a bad or taken address, a short password, a role or a cluster
    that does not exist.
    """
    try:
        address = checked_address(email).lower()
    except BadAddress as problem:
        raise Refused(str(problem)) from None
    hashed, role = "" if password is None else _hasher.hash(_checked(password)), _known_role(role)
    if session.scalar(select(User.id).where(User.email == address)):
        raise Refused(_("there is an account for %(address)s already", address=address))
    bound = _clusters(session, clusters)
    user = User(
        email=address,
        name=named(name) or address.partition("@")[0],
        password_hash=hashed,
        role=role,
        session_key=_new_session_key(),
        may_send=role in SENDING_ROLES and may_send is not False,
        may_approve=may_approve,
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
        raise NotFound(_("there is no account for %(email)s", email=email))
    return user


def disable(session: Session, email: str) -> User:
    """Let this user no longer log in, and end all their sessions; no link of theirs opens anything. Raises
    NotFound, or Refused for the last administrator."""
    _lock_administrators(session)
    user = find(session, email)
    _refuse_if_last(session, user)
    user.disabled_at = user.disabled_at or now()
    end_all_sessions(session, user)
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
    set_password(session, user, password)
    return user


def set_password(session: Session, user: User, password: str) -> None:
    """Store this password, end all sessions of the user, and void a link of theirs. Raises Refused for a
    short one."""
    user.password_hash = _hasher.hash(_checked(password))
    end_all_sessions(session, user)


def end_all_sessions(session: Session, user: User) -> None:
    """End every session of this user at its next request; an open link of theirs is void, too."""
    user.session_key = _new_session_key()
    session.execute(delete(UserSession).where(UserSession.user_id == user.id))
    session.execute(delete(UserLink).where(UserLink.user_id == user.id))


def change(
    session: Session,
    email: str,
    role: str | None = None,
    clusters: Iterable[str] | None = None,
    *,
    may_send: bool | None = None,
    may_approve: bool | None = None,
    name: str | None = None,
) -> User:
    """Give this user another role, bind them to these clusters (none: to everything), give or take the right
    to send or to approve, or call them otherwise; None leaves it as it is. It holds at the next request of
    any session. Viewers and editors never have the right to send; one who becomes something else gets it only
    if `may_send` says so.

    Raises NotFound, or Refused for a role or cluster that does not exist, and for the last administrator."""
    _lock_administrators(session)
    user = find(session, email)
    clusters = None if clusters is None else list(clusters)
    if clusters or (role is not None and _known_role(role) != Role.ADMIN):
        _refuse_if_last(session, user)
    user.role = user.role if role is None else role
    wanted = user.may_send if may_send is None else may_send
    if may_send and user.role not in SENDING_ROLES:
        raise Refused(
            _("viewers and editors cannot have the right to send: choose another role, or no such right")
        )
    user.may_send = wanted and user.role in SENDING_ROLES
    user.may_approve = user.may_approve if may_approve is None else may_approve
    if name is not None:
        user.name = named(name) or user.name
    if clusters is not None:
        bound = _clusters(session, clusters)
        session.execute(delete(UserCluster).where(UserCluster.user_id == user.id))
        session.add_all([UserCluster(user_id=user.id, cluster_id=cluster_id) for cluster_id in bound])
    return user


LAST_ADMINISTRATOR = N_(
    "this is the last administrator who can log in and sees all clusters: make another user one first, so "
    "that someone can still manage users"
)
_ACTIVE_ADMINISTRATOR = (
    *(User.role == Role.ADMIN, User.disabled_at.is_(None)),
    or_(User.password_hash != "", exists().where(UserIdentity.user_id == User.id)),
    ~exists().where(UserCluster.user_id == User.id),
)


def _lock_administrators(session: Session) -> None:
    """Have two changes of administrators wait for one another, so that each sees what the other has left."""
    session.execute(select(User.id).where(*_ACTIVE_ADMINISTRATOR).order_by(User.id).with_for_update()).all()


def _refuse_if_last(session: Session, user: User) -> None:
    active = set(session.scalars(select(User.id).where(*_ACTIVE_ADMINISTRATOR)))
    if active == {user.id}:
        raise Refused(_(LAST_ADMINISTRATOR))


def named(name: str) -> str:
    """The name without blanks around it. Raises Refused for one that cannot be shown."""
    name = " ".join(name.split())
    if not name.isprintable() or len(name) > NAME_MAX:
        raise Refused(_("a name has at most %(num)s characters, all of which can be shown", num=NAME_MAX))
    return name


NAME_MAX = 200


def authenticate(session: Session, email: str, password: str) -> User | None:
    """The user with this address and password, unless disabled. Takes as long for an unknown address as for
    a wrong password."""
    user = session.scalar(select(User).where(User.email == func.lower(email.strip()))) if email else None
    known = user is not None and user.disabled_at is None and bool(user.password_hash)
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
        raise Refused(
            _(
                "a password has %(least)s to %(most)s characters",
                least=SHORTEST_PASSWORD,
                most=LONGEST_PASSWORD,
            )
        )
    return password


def _known_role(role: str) -> str:
    if role not in set(Role):
        raise Refused(_("%(role)s is no role; there are %(roles)s", role=repr(role), roles=", ".join(Role)))
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
            raise Refused(_("there is no customer cluster %(name)s", name=repr(tag)))
        ids.append(found)
    return ids
