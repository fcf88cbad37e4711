"""The notices of a user, as the bell and the page show them; and that they were read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.orm import Session

from webapp.access import Viewer, plans_of, whole_to
from webapp.notices.words import NoticeWords, words_of
from webapp.store.notices import Notice, NoticeKind
from webapp.store.plans import Plan
from webapp.store.runs import Run
from webapp.store.types import now

BELL_MAX = 6
PAGE_MAX = 50
UNREAD_SHOWN_MAX = 99


@dataclass(frozen=True)
class NoticeLine:
    """A notice with its words."""

    notice: Notice
    words: NoticeWords


@dataclass(frozen=True)
class NoticePage:
    """Some notices, the newest first; `older`: the id from which older ones go on, None without any."""

    lines: list[NoticeLine]
    older: int | None = None


@dataclass(frozen=True)
class Bell:
    """`unread` counts to one more than UNREAD_SHOWN_MAX."""

    unread: int
    lines: list[NoticeLine]

    @property
    def shown(self) -> str:
        """The number on the bell: 3, or 99+"""
        return f"{UNREAD_SHOWN_MAX}+" if self.unread > UNREAD_SHOWN_MAX else str(self.unread)


def is_seen(viewer: Viewer) -> ColumnElement[bool]:
    """Whether the Notice is of something that this person still sees: the run, or plan, may have become
    another's since."""
    runs, plans = select(Run.id).where(whole_to(viewer)), select(Plan.id).where(plans_of(viewer))
    if not viewer.clusters:
        return Notice.kind != NoticeKind.DIGEST
    return (
        (Notice.kind != NoticeKind.DIGEST)
        & or_(Notice.run_id.is_(None), Notice.run_id.in_(runs))
        & or_(Notice.plan_id.is_(None), Notice.plan_id.in_(plans))
    )


def bell(session: Session, viewer: Viewer, user_id: int) -> Bell:
    """What the top bar shows."""
    unread = select(Notice.id).where(Notice.user_id == user_id, Notice.read_at.is_(None), is_seen(viewer))
    counted = select(func.count()).select_from(unread.limit(UNREAD_SHOWN_MAX + 1).subquery())
    lines = _lines(_newest(session, viewer, user_id, BELL_MAX))
    return Bell(session.scalars(counted).one() if lines else 0, lines)


def page(session: Session, viewer: Viewer, user_id: int, before: int | None = None) -> NoticePage:
    """A page of notices, those from before this id."""
    rows = _newest(session, viewer, user_id, PAGE_MAX + 1, before)
    older = rows[PAGE_MAX - 1].id if len(rows) > PAGE_MAX else None
    return NoticePage(_lines(rows[:PAGE_MAX]), older)


def _newest(
    session: Session, viewer: Viewer, user_id: int, most: int, before: int | None = None
) -> Sequence[Notice]:
    query = select(Notice).where(Notice.user_id == user_id, is_seen(viewer))
    if before is not None:
        query = query.where(Notice.id < before)
    return session.scalars(query.order_by(Notice.id.desc()).limit(most)).all()


def _lines(notices: Sequence[Notice]) -> list[NoticeLine]:
    return [NoticeLine(notice, words_of(notice)) for notice in notices]


def mark_read(session: Session, user_id: int, notice_id: int | None = None, up_to: int | None = None) -> int:
    """Mark as read: this notice of the user, or all of theirs up to this id; return how many were unread.

    Like when a session was last used, this is not in the audit trail: it changes what one person sees as new,
    and nothing else."""
    conditions = [Notice.user_id == user_id, Notice.read_at.is_(None)]
    if notice_id is not None:
        conditions.append(Notice.id == notice_id)
    if up_to is not None:
        conditions.append(Notice.id <= up_to)
    marking = update(Notice).where(*conditions).values(read_at=now()).returning(Notice.id)
    return len(session.scalars(marking.execution_options(synchronize_session=False)).all())
