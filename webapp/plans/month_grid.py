"""The next dates of a rule as a calendar: the months that have one, in weeks from Monday."""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

from webapp.plans.rules import Moment, Rule, moments

SATURDAY = 5


@dataclass(frozen=True)
class GridDay:
    """A day of a month. `moment`: the date of the rule on it; `holiday`: what the country calls it, empty if
    it is none; `is_off`: the company does not work."""

    day: date
    moment: Moment | None
    holiday: str
    is_off: bool
    is_today: bool

    @property
    def is_weekend(self) -> bool:
        """Whether it is a Saturday or a Sunday."""
        return self.day.weekday() >= SATURDAY


@dataclass(frozen=True)
class MonthGrid:
    """A month, by its first day; a week has seven days, None for those of another month."""

    first: date
    weeks: Sequence[Sequence[GridDay | None]]


def dates_shown(rule: Rule, at_least: int, after: datetime) -> list[Moment]:
    """The next dates after this instant: this many, and the others of the last one's month, so that no month
    is shown with only some of its dates."""
    first = list(islice(moments(rule, after), at_least))
    last = _month_of(first[-1])
    rest = islice(moments(rule, first[-1].due), 31)
    return [*first, *takewhile(lambda moment: _month_of(moment) == last, rest)]


def month_grids(rule: Rule, dates: Sequence[Moment], at: datetime) -> list[MonthGrid]:
    """The months of these dates, as seen at this instant."""
    by_day = {moment.day: moment for moment in dates}
    today = at.astimezone(ZoneInfo(rule.zone)).date()

    def shown(year: int, month: int, number: int) -> GridDay | None:
        if not number:
            return None
        day = date(year, month, number)
        name, works = rule.calendar.holiday_name(day), rule.calendar.is_working_day(day)
        return GridDay(day, by_day.get(day), name, not works, day == today)

    weeks_of = calendar.Calendar(calendar.MONDAY).monthdayscalendar
    return [
        MonthGrid(
            date(year, month, 1),
            [[shown(year, month, number) for number in week] for week in weeks_of(year, month)],
        )
        for year, month in dict.fromkeys(map(_month_of, dates))
    ]


def _month_of(moment: Moment) -> tuple[int, int]:
    return moment.day.year, moment.day.month
