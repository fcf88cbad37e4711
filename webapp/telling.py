"""Tells users what has happened: writes notices, in the transaction of the event, so that each event is told
of once, or did not happen.

A notice goes to the bell of the top bar and, as its user prefers, to their mail (webapp/notices). Who is told
of a run is in lifecycle/run_notices.py."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session

from webapp.store.dialects import insert_into
from webapp.store.mailservers import Sender
from webapp.store.notices import MailState, Notice, NoticeKind, NoticePreference, NoticeWay
from webapp.store.statuses import Role
from webapp.store.types import iso, now
from webapp.store.users import User

BELL_ONLY = (NoticeKind.NOT_MAILED,)
"""Kinds that are never mailed: they say that mail does not work."""


def tell(
    session: Session,
    kind: NoticeKind,
    subject: str,
    people: Iterable[User],
    details: Mapping[str, Any],
    *,
    run_id: int | None = None,
    plan_id: int | None = None,
) -> int:
    """Write a notice for each of these users who wants this kind; return how many are new. `subject` names
    the event: a user who was told of it is not told again. `details`: what notices/words.py makes words of.

    Needs a writing session. Without a sender for notices there is no mail."""
    told = {person.id for person in people}
    ways = ways_of(session, kind, told)
    mails = kind not in BELL_ONLY and bool(session.scalar(select(exists().where(Sender.for_notices))))
    at = now()
    rows = []
    for user_id in sorted(told):
        way = ways.get(user_id, NoticeWay.AT_ONCE)
        if way == NoticeWay.OFF:
            continue
        mail = _MAIL.get(way, MailState.NONE) if mails else MailState.NONE
        rows.append(
            {
                "user_id": user_id,
                "kind": kind,
                "subject": subject[:200],
                "run_id": run_id,
                "plan_id": plan_id,
                "details": dict(details),
                "made_at": at,
                "mail": mail,
                "next_try_at": at if mail == MailState.WAITING else None,
            }
        )
    if not rows:
        return 0
    once = ["user_id", "kind", "subject"]
    adding = insert_into(session, Notice).values(rows).on_conflict_do_nothing(index_elements=once)
    return len(session.scalars(adding.returning(Notice.id)).all())


_MAIL = {NoticeWay.AT_ONCE: MailState.WAITING, NoticeWay.DIGEST: MailState.COLLECTED}


def ways_of(session: Session, kind: NoticeKind, user_ids: Iterable[int]) -> dict[int, NoticeWay]:
    """How those of these users who have said so want to be told of this kind."""
    said = select(NoticePreference.user_id, NoticePreference.way).where(
        NoticePreference.kind == kind, NoticePreference.user_id.in_(user_ids)
    )
    return {user_id: NoticeWay(way) for user_id, way in session.execute(said)}


def drop_unmailed(session: Session, why: str) -> None:
    """Mail no notice that was written before now; `why` in English. They stay under the bell."""
    unmailed = (MailState.WAITING, MailState.COLLECTED, MailState.IN_DIGEST)
    session.execute(
        update(Notice)
        .where(Notice.mail.in_(unmailed))
        .values(mail=MailState.DROPPED, next_try_at=None, problem=why)
        .execution_options(synchronize_session=False)
    )


def person(session: Session, email: str) -> User | None:
    """The user of this address who can log in; None for the command line, Mailrun, and the disabled."""
    return session.scalar(select(User).where(User.email == email, User.disabled_at.is_(None)))


def administrators(session: Session) -> list[User]:
    """The administrators who can log in and see everything."""
    found = select(User).where(User.role == Role.ADMIN, User.disabled_at.is_(None), ~User.bound_to.any())
    return list(session.scalars(found.order_by(User.id)))


def connection_trouble(
    session: Session, what: str, name: str, words: str, since: datetime, address: str
) -> None:
    """Tell the administrators that something that Mailrun is connected to is in trouble.

    `what` is "mailbox" or "token"; `name` is what people call it; `words` is why, in English as it is stored,
    made of a marked text (stored_texts.py); `address` is the page where it is put right: /mailboxes/3. Call
    it whenever the trouble is seen, in the transaction that notes it: of a trouble that began at the same
    time (`since`) each is told once."""
    tell(
        session,
        NoticeKind.CONNECTION,
        f"{what} {name[:120]} since {iso(since)}",
        administrators(session),
        {"what": what, "name": name, "words": words, "address": address},
    )
