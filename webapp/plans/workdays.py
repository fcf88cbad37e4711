"""Which days a company works: its country's calendar, with days added and struck."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING

from webapp import notation

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
        """What this day is called, in the reader's language where the country's calendar has it, else in the
        country's own; empty if it is no holiday there, or struck."""
        if not self.country or day in self.struck:
            return ""
        return str(_holidays_of(self.country, notation.current().language).get(day) or "")


@lru_cache(maxsize=64)
def _holidays_of(country: str, language: str = "") -> HolidayBase:
    import holidays  # takes 0.2 s: only where a plan asks

    found = holidays.country_holidays(country)
    known = [code for code in found.supported_languages if code.partition("_")[0] == language]
    # Never left to the library, which takes the language of the process.
    named_in = known[0] if known else found.default_language
    return holidays.country_holidays(country, language=named_in) if named_in else found


@lru_cache(maxsize=1)
def countries() -> Collection[str]:
    """The codes of the countries whose holidays are known, sorted."""
    import holidays

    return tuple(sorted(code for code in holidays.list_supported_countries() if len(code) == 2))
