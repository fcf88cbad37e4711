"""Which days a company works: its country's calendar, with days added and struck."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from holidays import HolidayBase

SATURDAY = 5


@dataclass(frozen=True)
class WorkCalendar:
    """The working days of a country (ISO 3166, two letters; empty: Monday to Friday, no holidays). On `added`
    days the company does not work although its country does; on `struck` days it works although its country
    does not."""

    country: str = ""
    added: frozenset[date] = field(default=frozenset())
    struck: frozenset[date] = field(default=frozenset())

    def is_working_day(self, day: date) -> bool:
        """Whether the company works on this day."""
        if day in self.added:
            return False
        if day in self.struck:
            return True
        if not self.country:
            return day.weekday() < SATURDAY
        return bool(_holidays_of(self.country).is_working_day(day))

    def holiday_name(self, day: date) -> str:
        """What the country calls this day, in its own language; empty if it is no holiday there, or
        struck."""
        if not self.country or day in self.struck:
            return ""
        return str(_holidays_of(self.country).get(day) or "")


@lru_cache(maxsize=32)
def _holidays_of(country: str) -> HolidayBase:
    import holidays  # takes 0.2 s: only where a plan asks

    return holidays.country_holidays(country)


@lru_cache(maxsize=1)
def countries() -> Collection[str]:
    """The codes of the countries whose holidays are known, sorted."""
    import holidays

    return tuple(sorted(code for code in holidays.list_supported_countries() if len(code) == 2))
