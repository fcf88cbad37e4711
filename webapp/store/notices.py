"""What users are told of: notices, in the bell of the top bar and by mail; which kinds each wants, and of
which runs."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.store.base import Base, one_of
from webapp.store.types import Instant, Json, Key, now
from webapp.store.users import User


class NoticeKind(StrEnum):
    """What a notice is about. `connection`: a mailbox, or the token of an account, is in trouble.
    `not_mailed`: notices could not be mailed. `digest`: the mail that has a day's notices together; the bell
    does not show it."""

    RUN_FINISHED = "run_finished"
    RUN_STOPPED = "run_stopped"
    RUN_WAITS = "run_waits"
    APPROVAL_WANTED = "approval_wanted"
    APPROVAL_DECIDED = "approval_decided"
    PLAN_HELD = "plan_held"
    CONNECTION = "connection"
    NOT_MAILED = "not_mailed"
    DIGEST = "digest"


class NoticeWay(StrEnum):
    """How a user is told of a kind. `bell`: on the pages, without a mail."""

    AT_ONCE = "at_once"
    DIGEST = "digest"
    BELL = "bell"
    OFF = "off"


class MailState(StrEnum):
    """What becomes of the mail of a notice. `collected`: it waits for the next digest; `in_digest`: it is in
    one that is to be mailed. `dropped`: there was no reason left to mail it."""

    NONE = "none"
    WAITING = "waiting"
    COLLECTED = "collected"
    IN_DIGEST = "in_digest"
    MAILED = "mailed"
    GIVEN_UP = "given_up"
    DROPPED = "dropped"


IS_WAITING = text("mail = 'waiting'")
IS_COLLECTED = text("mail = 'collected'")
IS_UNREAD = text("read_at IS NULL")


class Notice(Base):
    """Something that a user is told of, written in the transaction of the event. `subject` names the event:
    a user is told of it once.

    `details` is what the words are made of (notices/words.py), in English and in numbers: it is put into the
    user's language where it is read. `mail` and what follows is about its mail: `tries` were made, the next
    one is due at `next_try_at`. `message_id` is set before the first try and never changes, so that a mail
    which is handed over twice is one mail to its user. `digest_id`: the digest that it is in."""

    __tablename__ = "notice"
    __table_args__ = (
        one_of("kind", NoticeKind),
        one_of("mail", MailState),
        UniqueConstraint("user_id", "kind", "subject"),
        Index("ix_notice_user_id", "user_id", "id"),
        Index("ix_notice_unread", "user_id", "id", sqlite_where=IS_UNREAD, postgresql_where=IS_UNREAD),
        Index("ix_notice_waiting", "next_try_at", "id", sqlite_where=IS_WAITING, postgresql_where=IS_WAITING),
        Index("ix_notice_collected", "user_id", sqlite_where=IS_COLLECTED, postgresql_where=IS_COLLECTED),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(24))
    subject: Mapped[str] = mapped_column(String(200))
    run_id: Mapped[int | None] = mapped_column(ForeignKey("run.id", ondelete="CASCADE"), index=True)
    plan_id: Mapped[int | None] = mapped_column(ForeignKey("plan.id", ondelete="SET NULL"), index=True)
    details: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    made_at: Mapped[datetime] = mapped_column(Instant, default=now)
    read_at: Mapped[datetime | None] = mapped_column(Instant)
    mail: Mapped[str] = mapped_column(String(16), default=MailState.NONE)
    tries: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[datetime | None] = mapped_column(Instant)
    message_id: Mapped[str] = mapped_column(String(300), default="")
    mailed_at: Mapped[datetime | None] = mapped_column(Instant)
    problem: Mapped[str] = mapped_column(Text, default="")
    digest_id: Mapped[int | None] = mapped_column(ForeignKey("notice.id", ondelete="SET NULL"), index=True)

    user: Mapped[User] = relationship()


class NoticePreference(Base):
    """How a user wants to be told of a kind; without a row: at once. `of_all`: of every run that they see,
    and not only of those that they started."""

    __tablename__ = "notice_preference"
    __table_args__ = (one_of("kind", NoticeKind), one_of("way", NoticeWay))

    user_id: Mapped[int] = mapped_column(
        ForeignKey("user_account.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    kind: Mapped[str] = mapped_column(String(24), primary_key=True)
    way: Mapped[str] = mapped_column(String(16), default=NoticeWay.AT_ONCE)
    of_all: Mapped[bool] = mapped_column(default=False, server_default=false())


class RunSubscription(Base):
    """What a user said on the page of a run: whether they want to be told of it. It counts before all that
    they said of its plan or of every run, and before that they started it."""

    __tablename__ = "run_subscription"

    run_id: Mapped[int] = mapped_column(
        ForeignKey("run.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    user_id: Mapped[int] = mapped_column(
        ForeignKey("user_account.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    wanted: Mapped[bool]


class PlanSubscription(Base):
    """The same of all runs that a plan makes."""

    __tablename__ = "plan_subscription"

    plan_id: Mapped[int] = mapped_column(
        ForeignKey("plan.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    user_id: Mapped[int] = mapped_column(
        ForeignKey("user_account.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    wanted: Mapped[bool]
