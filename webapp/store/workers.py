"""Workers: the processes that hold connections to mail servers."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from webapp.store.base import Base
from webapp.store.types import Instant, Key, now


class Worker(Base):
    """`beat` increases every few seconds while the process lives.

    `machine` (boot id and PID namespace), `pid` and `pid_started` (clock ticks after boot) let an observer on
    the same machine ask the kernel whether the process still exists."""

    __tablename__ = "worker"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    machine: Mapped[str] = mapped_column(String(100))
    pid: Mapped[int]
    pid_started: Mapped[int] = mapped_column(Key)
    beat: Mapped[int] = mapped_column(Key, default=0)
    started_at: Mapped[datetime] = mapped_column(Instant, default=now)
    left_at: Mapped[datetime | None] = mapped_column(Instant)
    lost_at: Mapped[datetime | None] = mapped_column(Instant)
