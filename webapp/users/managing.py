"""What an administrator does to users in the browser; each change is in the audit trail with what was there
before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

from sqlalchemy.orm import Session

from webapp import audit, edits
from webapp.access import Viewer
from webapp.errors import NotFound, Refused
from webapp.factors import held
from webapp.store.users import User
from webapp.translation import N_, _, english
from webapp.users import accounts, links

FOR_ADMINS = N_("Only administrators who see all clusters manage users. Ask one of them.")


class Rights(TypedDict):
    """The rights of their own that a user has, or not."""

    may_send: bool
    may_approve: bool


@dataclass(frozen=True)
class UserFacts:
    """What an administrator sets of a user."""

    name: str
    role: str
    clusters: Sequence[str]
    may_send: bool
    may_approve: bool = False

    @property
    def rights(self) -> Rights:
        """The rights that the role does not give."""
        return {"may_send": self.may_send, "may_approve": self.may_approve}

    def told(self) -> dict[str, Any]:
        """As the audit trail tells it."""
        seen = ", ".join(sorted(self.clusters)) or "all clusters"
        rights = {"may send": self.may_send, "may approve": self.may_approve}
        return {"name": self.name, "role": self.role, "sees": seen, **rights}


def found(session: Session, user_id: int) -> User:
    """The user. Raises NotFound."""
    user = session.get(User, user_id)
    if user is None:
        raise NotFound
    return user


def facts_of(session: Session, user: User) -> UserFacts:
    """What is stored of the user."""
    tags = accounts.bound_tags(session, user)
    return UserFacts(user.name, user.role, tags, user.may_send, user.may_approve)


def invite(session: Session, viewer: Viewer, email: str, facts: UserFacts) -> tuple[User, str]:
    """Make an account without a password; return it and the token of its link. Raises Refused."""
    refuse_others(viewer)
    user = accounts.create_user(session, email, None, facts.role, facts.name, facts.clusters, **facts.rights)
    audit.note(session, viewer.name, "user invited", user.email, _in_words(facts_of(session, user)))
    return user, links.make(session, viewer.name, user)


def change(session: Session, viewer: Viewer, user_id: int, facts: UserFacts, seen: str) -> bool:
    """Change what an administrator sets, unless it is no longer as the form with the fingerprint `seen`
    showed it. It holds from the next request on. Returns whether anything differs. Raises Refused or
    NotFound."""
    refuse_others(viewer)
    user = found(session, user_id)
    before = facts_of(session, user).told()
    edits.refuse_if_changed(session, user.email, before, seen)
    if not facts.name.strip():
        raise Refused(_("Enter a name."))
    accounts.change(session, user.email, facts.role, facts.clusters, name=facts.name, **facts.rights)
    session.flush()
    return edits.note_change(session, viewer.name, user.email, before, facts_of(session, user).told())


def make_link(session: Session, viewer: Viewer, user_id: int) -> str:
    """Make a one-time link for the user; return its token. Raises Refused or NotFound."""
    refuse_others(viewer)
    return links.make(session, viewer.name, found(session, user_id))


def disable(session: Session, viewer: Viewer, user_id: int) -> str:
    """Disable the user; return what to say. Raises Refused or NotFound."""
    refuse_others(viewer)
    user = accounts.disable(session, found(session, user_id).email)
    audit.note(session, viewer.name, "user disabled", user.email)
    return _("%(name)s can no longer log in; all sessions have ended.", name=user.name)


def enable(session: Session, viewer: Viewer, user_id: int) -> str:
    """Enable the user; return what to say. Raises Refused or NotFound."""
    refuse_others(viewer)
    user = accounts.enable(session, found(session, user_id).email)
    audit.note(session, viewer.name, "user enabled", user.email)
    if user.password_hash:
        return _("%(name)s can log in again.", name=user.name)
    return _("%(name)s is enabled. Make a link, by which this person chooses a password.", name=user.name)


def end_sessions(session: Session, viewer: Viewer, user_id: int) -> str:
    """End every session of the user; return what to say. Raises Refused or NotFound."""
    refuse_others(viewer)
    user = found(session, user_id)
    accounts.end_all_sessions(session, user)
    audit.note(session, viewer.name, "sessions ended", user.email, "all")
    return _("All sessions of %(name)s have ended.", name=user.name)


def remove_factors(session: Session, viewer: Viewer, user_id: int) -> str:
    """Remove the second factor of a user who has lost it, and end all their sessions; return what to say.
    Raises Refused or NotFound."""
    refuse_others(viewer)
    user = found(session, user_id)
    if user.email == viewer.name:
        raise Refused(_("Remove your own second factor on the page of your account, with your password."))
    had = reset_factors(session, viewer.name, user)
    return _("%(name)s logs in by password alone now: %(had)s removed.", name=user.name, had=had)


def reset_factors(session: Session, by: str, user: User) -> str:
    """Remove everything that stands for a second factor of this user, and end all their sessions; return
    what it was. Raises Refused if there is nothing."""
    with english():
        told = held.of_user(session, user.id).words
    had = held.remove_all(session, user.id)
    if not had:
        raise Refused(_("%(name)s has no second factor.", name=user.name))
    accounts.end_all_sessions(session, user)
    audit.note(session, by, "second factor removed", user.email, told)
    return had


def refuse_others(viewer: Viewer) -> None:
    """Raise Refused for all who may not manage users: an administrator who is bound to clusters could give
    away, or take, what is outside them."""
    if not viewer.manages_users:
        raise Refused(_(FOR_ADMINS))


def _in_words(facts: UserFacts) -> str:
    return ", ".join(f"{key}: {value}" for key, value in facts.told().items())
