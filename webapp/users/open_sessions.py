"""The open sessions of a user: which browsers are logged in, and how one of them is ended."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from webapp import audit
from webapp.errors import NotFound
from webapp.store.types import now
from webapp.store.users import SESSION_IDLE_MAX, SESSION_MAX, User, UserSession
from webapp.translation import _, ngettext


def of_user(session: Session, user_id: int) -> Sequence[UserSession]:
    """The open sessions of this user, the one that was used last first."""
    return session.scalars(
        select(UserSession)
        .where(
            UserSession.user_id == user_id,
            UserSession.created_at > now() - SESSION_MAX,
            UserSession.seen_at > now() - SESSION_IDLE_MAX,
        )
        .order_by(UserSession.seen_at.desc(), UserSession.id.desc())
    ).all()


def end(session: Session, by: str, user: User, session_id: int) -> str:
    """End this one session of the user at its next request; return what to say. Raises NotFound for another
    user's."""
    ended = session.scalar(
        delete(UserSession)
        .where(UserSession.id == session_id, UserSession.user_id == user.id)
        .returning(UserSession.device)
    )
    if ended is None:
        raise NotFound(_("This session has ended already."))
    audit.note(session, by, "session ended", user.email, ended)
    return _("The session in %(device)s has ended.", device=ended)


def end_others(session: Session, user: User, own_id: int) -> str:
    """End all sessions of the user but this one; return what to say."""
    ended = session.scalars(
        delete(UserSession)
        .where(UserSession.user_id == user.id, UserSession.id != own_id)
        .returning(UserSession.id)
    ).all()
    if not ended:
        return _("There is no other session.")
    audit.note(session, user.email, "sessions ended", user.email, f"all others: {len(ended)}")
    return ngettext(
        "%(num)s other session has ended.", "%(num)s other sessions have ended.", len(ended), num=len(ended)
    )
