"""Mails sent over time, as a chart that a page can draw: in the chart's own units, with its labels."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp import notation
from webapp.lifecycle.throughput import SLOT_SECONDS, sent_by_slot
from webapp.store.runs import Run
from webapp.store.users import AuditEntry

WIDTH, HEIGHT = 480, 150
POINTS_MAX = 120
TIME_LABELS = 5
IDLE_AFTER_SECONDS = 60


@dataclass(frozen=True)
class StoppedSpan:
    """While the run was stopped: where on the chart, by whom, and from when to when."""

    x: float
    width: float
    by: str
    first: datetime
    last: datetime


@dataclass(frozen=True)
class SentChart:
    """Mails sent, cumulated. `line` is the path of the curve; `marks` are (mails, height) of the grid lines,
    the first at the upper edge; `times` are labels below it at equal distances."""

    line: str
    marks: list[tuple[int, float]]
    times: list[datetime]
    held: list[StoppedSpan]
    sent: int
    per_second: float


def sent_over_time(session: Session, run: Run) -> SentChart | None:
    """The chart of everything that a run has sent; None when there is nothing to draw."""
    slots = sent_by_slot(session, run.id)
    if run.started_at is None or not slots:
        return None
    begin = min(run.started_at.timestamp(), float(slots[0][0]))
    end = float(slots[-1][0] + SLOT_SECONDS)
    if run.finished_at and slots[-1][0] <= run.finished_at.timestamp() < end:
        end = run.finished_at.timestamp()
    span = max(1.0, end - begin)
    sent = sum(n for _, n in slots)
    step = _step(sent)
    top = -(-sent // step) * step
    held = _held(session, run, begin, end)
    return SentChart(
        line=_path(slots, begin, span, top),
        marks=[(value, HEIGHT * (1 - value / top)) for value in range(top, -1, -step)],
        times=[_moment(begin + span * i / (TIME_LABELS - 1)) for i in range(TIME_LABELS)],
        held=held,
        sent=sent,
        per_second=sent / max(1.0, span - _idle(slots, begin)),
    )


def _idle(slots: list[tuple[int, int]], begin: float) -> float:
    """The seconds in which the run sent nothing for more than a minute at a time: stopped, waiting for the
    mail server, or finished until something was sent again."""
    ends = [begin, *(float(at + SLOT_SECONDS) for at, _ in slots)]
    gaps = (at - end for (at, _), end in zip(slots, ends, strict=False))
    return sum(gap for gap in gaps if gap > IDLE_AFTER_SECONDS)


def _moment(timestamp: float) -> datetime:
    return notation.local(datetime.fromtimestamp(timestamp, UTC))


def _path(slots: list[tuple[int, int]], begin: float, span: float, top: int) -> str:
    """A line from the lower left corner, a point per slot; about a hundred points if there are very many
    slots."""
    every = max(1, len(slots) // POINTS_MAX)
    points, total, before = ["0 150"], 0, begin
    for i, (at, n) in enumerate(slots):
        if at > before + SLOT_SECONDS:  # nothing was sent since: the line stays level until here
            points.append(f"{_x(at, begin, span)} {_y(total, top)}")
        total += n
        if (
            i % every == 0
            or i == len(slots) - 1
            or (i + 1 < len(slots) and slots[i + 1][0] > at + SLOT_SECONDS)
        ):
            points.append(f"{_x(at + SLOT_SECONDS, begin, span)} {_y(total, top)}")
        before = at
    return "M" + " ".join(points)


def _x(at: float, begin: float, span: float) -> float:
    return round(WIDTH * min(1.0, max(0.0, (at - begin) / span)), 1)


def _y(value: int, top: int) -> float:
    return round(HEIGHT * (1 - value / top), 1)


def _step(highest: int) -> int:
    """The distance of the grid lines: a round number of which two to five reach the highest value."""
    size: int = 10 ** max(0, len(str(highest)) - 2)
    for factor in (1, 2, 5, 10, 20, 50):
        if highest <= 4 * factor * size:
            return factor * size
    return 100 * size


def _held(session: Session, run: Run, begin: float, end: float) -> list[StoppedSpan]:
    """When the run was stopped and started again, from the audit trail."""
    entries = session.scalars(
        select(AuditEntry)
        .where(AuditEntry.subject == f"run {run.id}", AuditEntry.action.in_(("stop", "start")))
        .order_by(AuditEntry.id)
    ).all()
    held = []
    for stop, start in pairwise(entries):
        if (stop.action, start.action) == ("stop", "start"):
            x = _x(stop.at.timestamp(), begin, end - begin)
            until = _x(start.at.timestamp(), begin, end - begin)
            held.append(StoppedSpan(x, round(until - x, 1), stop.actor, stop.at, start.at))
    return held
