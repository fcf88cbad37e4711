"""The period of an invoice as everyday systems write it in one column: 2026-10, 10/2026, okt 2026, Q4 2026.

What could be a single day, such as 01-10-2026, is not understood: it may be the first day, or any other."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date
from functools import lru_cache

from babel.dates import get_month_names

from webapp.intake.columns import plain

ALLOWED = re.compile(r"[^\W_0-9]+|[0-9]+|[-/., '’()]+")
LANGUAGES = ("en", "nl", "de", "fr")
QUARTERS = ("q", "k", "kw", "kwartaal", "quarter", "quartal", "trimestre", "t")
ENDINGS = ("e", "de", "ste", "st", "nd", "rd", "th", "er")
"""What may stand behind the number of a quarter."""
QUARTERS_OF_YEAR, MONTHS_OF_QUARTER = 4, 3
YEAR_DIGITS, MONTH_DIGITS, SHORT_YEAR_DIGITS, SHORT_YEAR_BASE = 4, 6, 2, 2000

Days = tuple[str, str]
"""The first and the last day, as 2026-10-01."""


@lru_cache(maxsize=8192)
def period_of(text: str) -> Days | None:
    """The first and the last day of the period; None: not understood."""
    pieces = ALLOWED.findall(text.casefold())
    if "".join(pieces) != text.casefold():
        return None
    numbers = [each for each in pieces if each.isdigit()]
    words = [word for each in pieces if each[0].isalpha() and (word := plain(each))]
    if not words:
        return _of_numbers(numbers)
    if any(word in QUARTERS for word in words) and all(word in (*QUARTERS, *ENDINGS) for word in words):
        return _of_quarter(numbers)
    if len(words) == 1 and len(numbers) == 1 and (month := _months().get(words[0])):
        return _of_month(_year(numbers[0]), month)
    return None


def month_of(day: date) -> Days:
    """The month that this day is in."""
    return _days(day.year, day.month, day.month)


def _of_numbers(numbers: list[str]) -> Days | None:
    match numbers:
        case [one] if len(one) == MONTH_DIGITS:
            return _of_month(_year(one[:YEAR_DIGITS]), int(one[YEAR_DIGITS:]))
        case [one] if len(one) == YEAR_DIGITS and (year := _year(one)):
            return _days(year, 1, 12)
        case [one, other] if len(one) == YEAR_DIGITS and len(other) <= SHORT_YEAR_DIGITS:
            return _of_month(_year(one), int(other))
        case [one, other] if len(other) == YEAR_DIGITS and len(one) <= SHORT_YEAR_DIGITS:
            return _of_month(_year(other), int(one))
    return None


def _of_quarter(numbers: list[str]) -> Days | None:
    if sorted(map(len, numbers)) != [1, YEAR_DIGITS]:
        return None
    short, whole = sorted(numbers, key=len)
    year, quarter = _year(whole), int(short)
    if not year or not 1 <= quarter <= QUARTERS_OF_YEAR:
        return None
    last = quarter * MONTHS_OF_QUARTER
    return _days(year, last - MONTHS_OF_QUARTER + 1, last)


def _of_month(year: int, month: int) -> Days | None:
    return _days(year, month, month) if year and 1 <= month <= 12 else None


def _year(text: str) -> int:
    """The year; 0: it is none. Spreadsheets write okt-26 for a month of 2026."""
    year = int(text) + (SHORT_YEAR_BASE if len(text) == SHORT_YEAR_DIGITS else 0)
    return year if 1900 <= year <= 2199 else 0


def _days(year: int, first: int, last: int) -> Days:
    return date(year, first, 1).isoformat(), date(year, last, monthrange(year, last)[1]).isoformat()


@lru_cache(maxsize=1)
def _months() -> dict[str, int]:
    """The names of months, as `plain` has them → their numbers."""
    found = {"sept": 9, "mrz": 3, "maerz": 3}
    for language in LANGUAGES:
        for width in ("wide", "abbreviated"):
            for context in ("format", "stand-alone"):
                names = get_month_names(width, context, language)
                found |= {plain(str(name)): number for number, name in names.items()}
    return found
