"""Counts of runs that each worker keeps for itself: the sum is the truth."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from webapp.store.base import Base
from webapp.store.types import Key


class RunCount(Base):
    """How many results of a run are in a status (for `skipped`: with a reason), as each worker moved them;
    the sum is the truth. A single row per run would be hot: every commit of every worker would wait for it on
    PostgreSQL, and so would Stop. Pages and the sweep count under worker 0."""

    __tablename__ = "run_count"

    run_id: Mapped[int] = mapped_column(ForeignKey("run.id"), primary_key=True)
    worker_id: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)
    status: Mapped[str] = mapped_column(String(16), primary_key=True)
    reason: Mapped[str] = mapped_column(String(32), primary_key=True, default="")
    n: Mapped[int] = mapped_column(Key, default=0)


class SentCount(Base):
    """How many mails of a run a worker has handed over in each slot of ten seconds (Unix time // 10): the
    speed of a run, and what was sent on which day. It only grows: a mail sent again counts again."""

    __tablename__ = "sent_count"
    __table_args__ = (Index("ix_sent_count_slot", "slot"),)

    run_id: Mapped[int] = mapped_column(ForeignKey("run.id"), primary_key=True)
    worker_id: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)
    slot: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)
    n: Mapped[int] = mapped_column(Key, default=0)
