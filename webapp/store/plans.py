"""Plans, which make runs by a recurring rule, and each date of theirs."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, false, true
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.store.base import Base, one_of
from webapp.store.customers import Cluster
from webapp.store.definitions import MessageDefinition
from webapp.store.runs import Run
from webapp.store.types import Instant, Json, Key, now
from webapp.store.users import User


class PlanSpan(StrEnum):
    """How often a plan makes a run: once in each."""

    MONTH = "month"
    QUARTER = "quarter"
    WEEK = "week"


class PlanDay(StrEnum):
    """On which day of the span: counted from its first or its last, all days, working days or one
    weekday."""

    WORKING = "working_day"
    LAST_WORKING = "last_working_day"
    OF_MONTH = "day"
    LAST = "last_day"
    WEEKDAY = "weekday"
    LAST_WEEKDAY = "last_weekday"


class PlanShift(StrEnum):
    """Where a day goes that is no working day."""

    NONE = ""
    BEFORE = "before"
    AFTER = "after"


class PlanPeriod(StrEnum):
    """Which invoices a plan takes, seen from the day that its rule names."""

    LAST_MONTH = "last_month"
    THIS_MONTH = "this_month"
    MONTH_BEFORE_LAST = "month_before_last"
    LAST_QUARTER = "last_quarter"
    LAST_WEEK = "last_week"
    LAST_7_DAYS = "last_7_days"


class PlanAction(StrEnum):
    """What a plan does once its run is created: start it if it is as expected, have it wait for a person, or
    nothing."""

    START = "start"
    WAIT = "wait"
    CREATE = "create"


class OccurrenceState(StrEnum):
    """What became of one date of a plan. `creating`: its run's list is being made, what is to happen then is
    not decided yet. `unexpected` and `waiting`: the run waits for a person; `asked`: for an approval. `held`:
    its owner may not make or start it. `skipped`: it was missed by too many hours. `taken`: a person started
    the run, or put it away, before the plan decided."""

    CREATING = "creating"
    STARTED = "started"
    ASKED = "asked"
    UNEXPECTED = "unexpected"
    WAITING = "waiting"
    CREATED = "created"
    HELD = "held"
    SKIPPED = "skipped"
    TAKEN = "taken"


class Plan(Base):
    """A recurring rule that makes a run in the name of its owner, who saved it last.

    `every` to `days_struck` are the rule (plans/rules.py): `at` is the wall time in `time_zone` ("07:00"),
    `days_added` and `days_struck` are days as ISO text. `count_margin`, `sum_margin` and `skipped_max` are
    per cent; None: not looked at. `no_oddities`: of no kind (oddities/kinds.py) but those of
    `oddities_allowed`. `next_day`, `next_nominal` and `next_at` are the next date, worked out
    again from the rule after each; a paused plan has none. `problem`: why the last date was held."""

    __tablename__ = "plan"
    __table_args__ = (
        one_of("every", PlanSpan),
        one_of("day", PlanDay),
        one_of("shift", PlanShift),
        one_of("period", PlanPeriod),
        one_of("action", PlanAction),
        CheckConstraint("(paused_at IS NULL) = (next_at IS NOT NULL)", name="paused_or_next"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    name: Mapped[str] = mapped_column(String(200), unique=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"), index=True)
    definition_id: Mapped[int] = mapped_column(ForeignKey("message_definition.id"), index=True)
    cluster_id: Mapped[int] = mapped_column(ForeignKey("cluster.id"), index=True)
    include_children: Mapped[bool] = mapped_column(default=True, server_default=true())
    period: Mapped[str] = mapped_column(String(24))
    bcc: Mapped[list[str]] = mapped_column(Json, default=list)
    every: Mapped[str] = mapped_column(String(16))
    day: Mapped[str] = mapped_column(String(24))
    nth: Mapped[int] = mapped_column(default=1)
    weekday: Mapped[int] = mapped_column(default=0)
    shift: Mapped[str] = mapped_column(String(8), default=PlanShift.NONE)
    at: Mapped[str] = mapped_column(String(5))
    time_zone: Mapped[str] = mapped_column(String(64))
    country: Mapped[str] = mapped_column(String(2), default="")
    days_added: Mapped[list[str]] = mapped_column(Json, default=list)
    days_struck: Mapped[list[str]] = mapped_column(Json, default=list)
    count_margin: Mapped[int | None]
    sum_margin: Mapped[int | None]
    skipped_max: Mapped[int | None]
    no_suspect: Mapped[bool] = mapped_column(default=True, server_default=true())
    no_oddities: Mapped[bool] = mapped_column(default=False, server_default=false())
    oddities_allowed: Mapped[list[str]] = mapped_column(Json, default=list, server_default="[]")
    action: Mapped[str] = mapped_column(String(8))
    late_hours_max: Mapped[int] = mapped_column(default=12)
    next_day: Mapped[date | None]
    next_nominal: Mapped[date | None]
    next_at: Mapped[datetime | None] = mapped_column(Instant, index=True)
    paused_at: Mapped[datetime | None] = mapped_column(Instant)
    paused_by: Mapped[str] = mapped_column(String(254), default="")
    problem: Mapped[str] = mapped_column(Text, default="")
    made_at: Mapped[datetime] = mapped_column(Instant, default=now)
    made_by: Mapped[str] = mapped_column(String(254))

    owner: Mapped[User] = relationship()
    definition: Mapped[MessageDefinition] = relationship()
    cluster: Mapped[Cluster] = relationship()


class PlanOccurrence(Base):
    """One date of a plan, or one that a person asked for between two dates (no `day`). Written in the commit
    that makes its run: UNIQUE (plan, day) has each date once, whatever dies when.

    A plan that is deleted leaves its history: `plan_name` is what it was called. In English: `findings` has
    what was not as expected (plans/expectations.py), `detail` why there is no run, or why it was not started.
    `odd_kinds`: the kinds of oddity among the findings. `late_minutes`: how long after its time the run was
    made; None: not late."""

    __tablename__ = "plan_occurrence"
    __table_args__ = (
        one_of("state", OccurrenceState),
        UniqueConstraint("plan_id", "day"),
        Index("ix_plan_occurrence_state", "state"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    plan_id: Mapped[int | None] = mapped_column(ForeignKey("plan.id", ondelete="SET NULL"))
    plan_name: Mapped[str] = mapped_column(String(200))
    day: Mapped[date | None]
    due_at: Mapped[datetime] = mapped_column(Instant)
    made_at: Mapped[datetime] = mapped_column(Instant, default=now)
    asked_by: Mapped[str] = mapped_column(String(254), default="")
    late_minutes: Mapped[int | None]
    run_id: Mapped[int | None] = mapped_column(ForeignKey("run.id", ondelete="SET NULL"), unique=True)
    state: Mapped[str] = mapped_column(String(16))
    findings: Mapped[list[str]] = mapped_column(Json, default=list)
    odd_kinds: Mapped[list[str]] = mapped_column(Json, default=list, server_default="[]")
    detail: Mapped[str] = mapped_column(Text, default="")

    run: Mapped[Run | None] = relationship()
