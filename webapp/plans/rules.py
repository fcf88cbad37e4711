"""When a plan makes its runs: a rule of the calendar, and the moments that it names.

Each moment is worked out from the rule, as a wall clock shows it, and never from the moment before: a change
to summer time moves none. A wall time that a clock skips is made that much later (02:30 becomes 03:30); of
one that it shows twice, the first is meant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from webapp.plans.workdays import WorkCalendar
from webapp.store.plans import PlanDay, PlanShift, PlanSpan

ONE_DAY = timedelta(days=1)
SPANS_BEFORE = 3
"""Spans that are looked at before the present one: a shift to the next working day can leave its span."""
SHIFT_DAYS_MAX = 40
"""Days within which there is a working day. A calendar without one has no shifted day."""


@dataclass(frozen=True)
class Rule:
    """Once in every span, on a day of it, at a wall time of a zone. `nth` counts days from 1, `weekday` from
    Monday, 0. `shift`: where a day goes that is no working day."""

    every: PlanSpan
    day: PlanDay
    at: time
    zone: str
    nth: int = 1
    weekday: int = 0
    shift: PlanShift = PlanShift.NONE
    calendar: WorkCalendar = field(default_factory=WorkCalendar)


@dataclass(frozen=True)
class Moment:
    """One date of a rule. `nominal` is the day that the rule names, before it was shifted: which invoices are
    taken goes by it. `due` is in UTC."""

    day: date
    nominal: date
    due: datetime


def moments(rule: Rule, after: datetime) -> Iterator[Moment]:
    """The moments of the rule after this instant, in their order, each day once."""
    present = after.astimezone(ZoneInfo(rule.zone)).date()
    first = _span_start(rule.every, present)
    for _n in range(SPANS_BEFORE):
        first = _span_start(rule.every, first - ONE_DAY)
    before = date.min
    while True:
        following = next_span(rule.every, first)
        nominal = nominal_day(rule, first, following - ONE_DAY)
        day = _shifted(rule, nominal) if nominal else None
        if nominal and day and day > before:
            before, due = day, instant_of(day, rule.at, rule.zone)
            if due > after:
                yield Moment(day, nominal, due)
        first = following


def instant_of(day: date, at: time, zone: str) -> datetime:
    """The instant at which a clock of this zone shows this time, in UTC: with fold 0 zoneinfo counts a
    skipped time by the offset before the change, and takes the first of two (PEP 495)."""
    return datetime.combine(day, at.replace(fold=0), tzinfo=ZoneInfo(zone)).astimezone(UTC)


def nominal_day(rule: Rule, first: date, last: date) -> date | None:
    """The day that the rule names in the span from `first` to `last`; None if the span has none. Where there
    are fewer than `nth`, the last of them."""
    month_end = min(last, next_span(PlanSpan.MONTH, first) - ONE_DAY) if rule.every != PlanSpan.WEEK else last
    if rule.day == PlanDay.OF_MONTH:
        return min(first + (rule.nth - 1) * ONE_DAY, month_end)
    if rule.day == PlanDay.LAST:
        return last
    if rule.day == PlanDay.WEEKDAY:
        return _nth([day for day in _days(first, month_end) if day.weekday() == rule.weekday], rule.nth)
    if rule.day == PlanDay.LAST_WEEKDAY:
        return _nth([day for day in _days(first, last) if day.weekday() == rule.weekday][::-1], rule.nth)
    working = [day for day in _days(first, last) if rule.calendar.is_working_day(day)]
    return _nth(working[::-1] if rule.day == PlanDay.LAST_WORKING else working, rule.nth)


def next_span(every: PlanSpan, first: date) -> date:
    """The first day of the span after the one that begins on `first`."""
    if every == PlanSpan.WEEK:
        return first + timedelta(days=7)
    months = first.year * 12 + first.month - 1 + (3 if every == PlanSpan.QUARTER else 1)
    return date(months // 12, months % 12 + 1, 1)


def _span_start(every: PlanSpan, day: date) -> date:
    if every == PlanSpan.WEEK:
        return day - timedelta(days=day.weekday())
    month = 3 * ((day.month - 1) // 3) + 1 if every == PlanSpan.QUARTER else day.month
    return date(day.year, month, 1)


def _shifted(rule: Rule, day: date) -> date | None:
    if rule.shift == PlanShift.NONE:
        return day
    step = ONE_DAY if rule.shift == PlanShift.AFTER else -ONE_DAY
    near = (day + n * step for n in range(SHIFT_DAYS_MAX))
    return next((each for each in near if rule.calendar.is_working_day(each)), None)


def _days(first: date, last: date) -> list[date]:
    return [first + n * ONE_DAY for n in range((last - first).days + 1)]


def _nth(days: list[date], nth: int) -> date | None:
    return days[min(nth, len(days)) - 1] if days else None
