"""The list of users, with what an administrator wants to know of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, exists, func, or_, select, true
from sqlalchemy.orm import Session

from webapp.access import Viewer, plans_of
from webapp.store.customers import Cluster
from webapp.store.logins import UserIdentity
from webapp.store.plans import Plan
from webapp.store.statuses import SENDING_ROLES, Role
from webapp.store.types import now
from webapp.store.users import User, UserCluster, UserLink
from webapp.translation import N_, _, ngettext

_SIGNS_IN_ELSEWHERE = exists().where(UserIdentity.user_id == User.id)
STATES: dict[str, tuple[str, ColumnElement[bool]]] = {
    "": (N_("All"), true()),
    "invited": (
        N_("Invited"),
        (User.password_hash == "") & User.disabled_at.is_(None) & ~_SIGNS_IN_ELSEWHERE,
    ),
    "disabled": (N_("Disabled"), User.disabled_at.is_not(None)),
}
"""The filter's values, their words and conditions."""
ROLE_WORDS = {
    Role.VIEWER: N_("reads runs, results and proof"),
    Role.EDITOR: N_("reads everything a viewer does, edits definitions and templates"),
    Role.MANAGER: N_("creates runs, fixes customer data, edits definitions"),
    Role.ADMIN: N_("everything, and users, mail servers and the other settings"),
}
ROLE_NAMES = (
    *(N_("viewer"), N_("editor"), N_("manager"), N_("admin")),
    *(N_("Viewer"), N_("Editor"), N_("Manager"), N_("Admin")),
)
"""The roles, marked for translation as pages write them."""


@dataclass(frozen=True)
class UserLine:
    """`look` and `state`: the state as a mark and in words, which are shown translated."""

    user: User
    tags: Sequence[str]
    look: str
    state: str
    link: UserLink | None
    signs_in_elsewhere: bool


def counts(session: Session) -> dict[str, int]:
    """How many users there are by value of the filter."""
    return {
        value: session.scalar(select(func.count()).select_from(User).where(condition)) or 0
        for value, (words, condition) in STATES.items()
    }


def lines(session: Session, state: str, search: str) -> list[UserLine]:
    """The users in this state whose name or address has these letters, by name."""
    users = session.scalars(
        select(User).where(STATES[state][1], _named_so(search)).order_by(func.lower(User.name), User.id)
    ).all()
    return _lines(session, users)


def line(session: Session, user_id: int) -> UserLine | None:
    """One user; None if there is none."""
    user = session.get(User, user_id)
    return _lines(session, [user])[0] if user else None


def _lines(session: Session, users: Sequence[User]) -> list[UserLine]:
    ids = [user.id for user in users]
    tags: dict[int, list[str]] = {id: [] for id in ids}
    bound = (
        select(UserCluster.user_id, Cluster.tag_name)
        .join(Cluster, Cluster.id == UserCluster.cluster_id)
        .where(UserCluster.user_id.in_(ids))
        .order_by(Cluster.tag_name)
    )
    for user_id, tag in session.execute(bound):
        tags[user_id].append(tag)
    open_links = select(UserLink).where(UserLink.user_id.in_(ids), UserLink.ends_at > now())
    links = {link.user_id: link for link in session.scalars(open_links)}
    elsewhere = set(session.scalars(select(UserIdentity.user_id).where(UserIdentity.user_id.in_(ids))))
    return [
        UserLine(
            *(user, tags[user.id], *_state(user, user.id in elsewhere), links.get(user.id)),
            signs_in_elsewhere=user.id in elsewhere,
        )
        for user in users
    ]


def _state(user: User, signs_in_elsewhere: bool) -> tuple[str, str]:
    if user.disabled_at is not None:
        return "stopped", N_("Disabled")
    return ("sent", N_("Active")) if user.password_hash or signs_in_elsewhere else ("deferred", N_("Invited"))


def sends_words(user: User) -> str:
    """Whether the user may send, in a word or two."""
    if user.role not in SENDING_ROLES:
        return _("no")
    return _("yes") if user.may_send else _("no, prepares only")


def _named_so(search: str) -> ColumnElement[bool]:
    if not search:
        return true()
    return or_(
        *(func.lower(column).contains(search.lower(), autoescape=True) for column in (User.name, User.email))
    )


def plans_held_without(session: Session, viewer: Viewer, user: User) -> str:
    """What becomes of the plans that work in the name of this user once they cannot log in, in words; empty
    if the viewer sees none."""
    ours = (Plan.owner_id == user.id, plans_of(viewer))
    names = session.scalars(select(Plan.name).where(*ours).order_by(Plan.name)).all()
    if not names:
        return ""
    return ngettext(
        "The plan %(plans)s works in this person’s name: it is held until another person saves it.",
        "The plans %(plans)s work in this person’s name: they are held until another person saves them.",
        len(names),
        plans=", ".join(f"“{name}”" for name in names),
    )
