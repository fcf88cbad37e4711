"""What the start page says of all runs together: sent per day, why mails failed, what needs attention."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.orm import Session, joinedload

from webapp import notation
from webapp.access import Viewer, seen_in_part, visible_to, whole_to
from webapp.lifecycle.counts import counted
from webapp.lifecycle.throughput import SLOT_SECONDS
from webapp.results import to_fix
from webapp.results.to_fix import OpenCause
from webapp.runs.failure_reasons import why_failed
from webapp.runs.queries import RunLine, run_lines
from webapp.store.approvals import RunApproval
from webapp.store.counts import SentCount
from webapp.store.runs import Result, Run
from webapp.store.statuses import Decision, ResultStatus, RunStatus, SkipReason
from webapp.store.types import now
from webapp.translation import _

DAYS_SHOWN = 14
HALF_HOUR = 1800 // SLOT_SECONDS
"""Slots per half hour: time zones differ by half hours, so a day can be summed from these."""
FAILURE_REASONS_MAX = 5


@dataclass(frozen=True)
class Overview:
    """`per_day` is (day, mails sent), the oldest first, in the server's time zone; `failed` is (words, code,
    number) of the last 7 days; `waiting` counts what needs a person, by cause (results/to_fix.py)."""

    per_day: list[tuple[date, int]]
    failed: list[tuple[str, str, int]]
    waiting: dict[OpenCause, int]

    @property
    def highest(self) -> tuple[date, int]:
        return max(self.per_day, key=lambda one: one[1])

    @property
    def all_failed(self) -> int:
        return sum(each[2] for each in self.failed)


def overview(session: Session, viewer: Viewer) -> Overview:
    """The three cards of the start page."""
    week = now() - timedelta(days=7)
    mine = select(Run.id).where(visible_to(viewer, Run))
    failed = why_failed(
        session, viewer, Result.run_id.in_(mine.where(_touched_since(week))), Result.changed_at >= week
    )
    rest = sum(each[2] for each in failed[FAILURE_REASONS_MAX:])
    return Overview(
        per_day=_per_day(session, viewer),
        failed=failed[:FAILURE_REASONS_MAX] + ([(_("other reasons"), "", rest)] if rest else []),
        waiting=to_fix.counts(session, viewer),
    )


def _touched_since(moment: datetime) -> ColumnElement[bool]:
    """Whether a run may have results that changed since: otherwise its rows need no look."""
    return or_(Run.finished_at.is_(None), Run.finished_at >= moment, Run.archived_at.is_(None))


def _per_day(session: Session, viewer: Viewer) -> list[tuple[date, int]]:
    today = notation.local(now()).date()
    days = {today - timedelta(days=back): 0 for back in range(DAYS_SHOWN - 1, -1, -1)}
    first = int(time.time()) // SLOT_SECONDS - (DAYS_SHOWN + 1) * 86_400 // SLOT_SECONDS
    part = SentCount.slot // HALF_HOUR
    rows = session.execute(
        select(part, func.sum(SentCount.n))
        .where(SentCount.slot >= first, SentCount.run_id.in_(select(Run.id).where(whole_to(viewer))))
        .group_by(part)
    )
    for half_hour, n in rows:
        at = datetime.fromtimestamp(int(half_hour) * HALF_HOUR * SLOT_SECONDS, UTC)
        day = notation.local(at).date()
        if day in days:
            days[day] += int(n)
    if viewer.clusters:
        for day, n in _sent_in_part(session, viewer, list(days)):
            days[day] += n
    return list(days.items())


def _sent_in_part(session: Session, viewer: Viewer, days: list[date]) -> Iterable[tuple[date, int]]:
    """How many mails of runs that this person sees in part went out to their customers on each of these days.
    A mail that was sent again counts on the last day."""
    starts = [notation.start_of(day) for day in days]
    ends = [*starts[1:], now() + timedelta(days=1)]
    within = (
        and_(Result.sent_at >= start, Result.sent_at < end) for start, end in zip(starts, ends, strict=True)
    )
    sums = [func.count(case((condition, 1))) for condition in within]
    # Mails go out while a run is running: none of a run that had finished before.
    is_recent = or_(Run.status == RunStatus.RUNNING, Run.finished_at.is_(None), Run.finished_at >= starts[0])
    sending = session.scalars(select(Run.id).where(is_recent)).all()
    theirs = select(*sums).where(seen_in_part(viewer), Result.sent_at >= starts[0])
    row = session.execute(theirs.where(Result.run_id.in_(sending))).one() if sending else [0] * len(days)
    return zip(days, row, strict=True)


PROBLEMS = (ResultStatus.UNCONFIRMED, ResultStatus.FAILED, ResultStatus.BOUNCED)


def need_a_person(session: Session, viewer: Viewer, most: int = 20) -> list[RunLine]:
    """The runs, newest first, that are running, wait for an approval or for their time, or have a mail that
    failed, bounced, may have been sent, or is held for a suspect document."""
    seen = counted(viewer).c
    held = seen.reason == SkipReason.SUSPECT_DOCUMENT
    troubled = (
        select(seen.run_id)
        .where(or_(seen.status.in_(PROBLEMS), held))
        .group_by(seen.run_id)
        .having(func.sum(seen.n) > 0)
    )
    runs = list(
        session.scalars(
            select(Run)
            .options(joinedload(Run.definition), joinedload(Run.cluster))
            .where(
                visible_to(viewer, Run),
                Run.archived_at.is_(None),
                or_(
                    Run.status.in_((RunStatus.RUNNING, RunStatus.STOPPED)),
                    Run.awaits_approval,
                    Run.start_at.is_not(None),
                    Run.id.in_(troubled),
                ),
            )
            .order_by(Run.id.desc())
            .limit(most)
        )
    )
    return run_lines(session, viewer, runs)


def for_approval(session: Session, viewer: Viewer) -> list[Run]:
    """The runs that wait for an approval which this person may give, the oldest first."""
    if not viewer.may_approve:
        return []
    return list(
        session.scalars(
            select(Run)
            .join(RunApproval, RunApproval.run_id == Run.id)
            .where(
                Run.awaits_approval,
                RunApproval.decision == Decision.WAITING,
                RunApproval.requested_by != viewer.name,
                Run.created_by != viewer.name,
                whole_to(viewer),
            )
            .order_by(RunApproval.id)
        )
    )
