"""Digests: the notices of a day in one mail, at seven in the morning of each user."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta

from sqlalchemy import Exists, exists, func, select, update
from sqlalchemy.orm import Session

from webapp import notation
from webapp.mailservers.user_mail import notation_of
from webapp.store.dialects import insert_into
from webapp.store.notices import MailState, Notice, NoticeKind
from webapp.store.users import User

AT = time(7)


def last_time(user: User, at: datetime) -> datetime:
    """The last moment, up to this one, at which it was seven in the morning for this user."""
    with notation.reading(notation_of(user)):
        here = notation.local(at)
        today = _at_seven(here)
        return today if today <= at else _at_seven(here - timedelta(days=1))


def _at_seven(local: datetime) -> datetime:
    """Seven o'clock of this day. The machine's own zone has no rule here: `astimezone` asks for it."""
    morning = datetime.combine(local.date(), AT)
    if notation.current().time_zone and local.tzinfo is not None:
        return morning.replace(tzinfo=local.tzinfo)
    return morning.astimezone()


def due(session: Session, at: datetime) -> Sequence[tuple[User, datetime]]:
    """The users with a digest to be made, and the moment up to which it has their notices."""
    oldest = (
        select(Notice.user_id, func.min(Notice.made_at).label("made_at"))
        .where(Notice.mail == MailState.COLLECTED)
        .group_by(Notice.user_id)
        .subquery()
    )
    rows = session.execute(select(User, oldest.c.made_at).join(oldest, oldest.c.user_id == User.id))
    found = [(user, last_time(user, at), made_at) for user, made_at in rows]
    return [
        (user, until)
        for user, until, made_at in found
        if made_at < until and not session.scalar(select(_has_had(user, until)))
    ]


def _has_had(user: User, until: datetime) -> Exists:
    """Whether the user has had the digest of this moment's day."""
    of_day = Notice.subject == day_of(user, until)
    return exists().where(Notice.user_id == user.id, Notice.kind == NoticeKind.DIGEST, of_day)


def day_of(user: User, until: datetime) -> str:
    """What the digest of this moment is called: the user's day."""
    with notation.reading(notation_of(user)):
        return f"{notation.local(until).date()}"


def collect(session: Session, user: User, until: datetime) -> bool:
    """Make the user's digest of this moment's day, once; return whether it was made now. Needs a writing
    session. Notices of a user who has had the digest of that day wait for the next one."""
    adding = insert_into(session, Notice).values(
        user_id=user.id,
        kind=NoticeKind.DIGEST,
        subject=day_of(user, until),
        details={},
        made_at=until,
        mail=MailState.WAITING,
        next_try_at=until,
    )
    once = ["user_id", "kind", "subject"]
    id = session.scalar(adding.on_conflict_do_nothing(index_elements=once).returning(Notice.id))
    if id is None:
        return False
    session.execute(
        update(Notice)
        .where(Notice.user_id == user.id, Notice.mail == MailState.COLLECTED, Notice.made_at < until)
        .values(mail=MailState.IN_DIGEST, digest_id=id)
        .execution_options(synchronize_session=False)
    )
    return True
