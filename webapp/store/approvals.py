"""A second person's yes to the list of a run: what was asked for, what was decided, and for which mails."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from webapp.store.base import Base, one_of
from webapp.store.statuses import Decision
from webapp.store.types import Instant, Json, Key, now

OPEN = text("decision = 'waiting'")


class RunApproval(Base):
    """A person has asked for the approval of a run's list by pressing Start; another decides.

    `mails` and `sums` (currency → amount, as text) are the numbers of the list as it was then, and `digest`
    the digest of all of it (lifecycle/mail_digests.py): the approval is for that list and no other. A run has
    at most one request that waits."""

    __tablename__ = "run_approval"
    __table_args__ = (
        one_of("decision", Decision),
        Index("uq_run_approval_open", "run_id", unique=True, sqlite_where=OPEN, postgresql_where=OPEN),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("run.id"), index=True)
    requested_by: Mapped[str] = mapped_column(String(254))
    requested_at: Mapped[datetime] = mapped_column(Instant, default=now)
    mails: Mapped[int]
    sums: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    digest: Mapped[str] = mapped_column(String(64))
    decision: Mapped[str] = mapped_column(String(16), default=Decision.WAITING)
    decided_by: Mapped[str] = mapped_column(String(254), default="")
    decided_at: Mapped[datetime | None] = mapped_column(Instant)
    reason: Mapped[str] = mapped_column(Text, default="")


class ApprovedResult(Base):
    """This mail of this result was approved: `message_number` counts the result's mails, and `digest` is of
    who would get what. No key leads to the result: collating deletes many while a list is made, and would
    look each up here. From then on results stay."""

    __tablename__ = "approved_result"

    approval_id: Mapped[int] = mapped_column(
        ForeignKey("run_approval.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    result_id: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)
    message_number: Mapped[int]
    digest: Mapped[str] = mapped_column(String(64))
