"""How the person who reads wants it written: their language, time zone, and styles of dates and numbers.

The web sets it for each request (web/sessions.py); everywhere else, and in all data files, the defaults hold.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, tzinfo
from decimal import Decimal
from enum import StrEnum
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from babel.dates import format_date

SIGNS = {"EUR": "€", "GBP": "£", "USD": "$", "JPY": "¥"}
"""The currencies that are written by a sign."""
NBSP = "\u00a0"


class DateStyle(StrEnum):
    WORDS = "words"
    DOTS = "dots"
    SLASHES = "slashes"
    MONTH_FIRST = "month-first"
    ISO = "iso"


class NumberStyle(StrEnum):
    LANGUAGE = "language"
    COMMA = "comma"
    DOT = "dot"
    SPACE = "space"
    APOSTROPHE = "apostrophe"


_DATE_FORMATS = {
    DateStyle.DOTS: "%d.%m.%Y",
    DateStyle.SLASHES: "%d/%m/%Y",
    DateStyle.MONTH_FIRST: "%m/%d/%Y",
    DateStyle.ISO: "%Y-%m-%d",
}
_SEPARATORS = {
    NumberStyle.DOT: str.maketrans(",.", ".,"),
    NumberStyle.SPACE: str.maketrans(",.", "\u202f,"),
    NumberStyle.APOSTROPHE: str.maketrans(",", "’"),
}
"""From Python's comma for thousands and point for decimals."""
_STYLE_OF_LANGUAGE = {"nl": NumberStyle.DOT, "de": NumberStyle.DOT}
NOT_OFFERED = ("posix/", "right/", "Etc/", "SystemV/")


@dataclass(frozen=True)
class Notation:
    """`time_zone` is a name of the IANA database; empty: the server's. `language` is a key of
    `translation.LANGUAGES`."""

    time_zone: str = ""
    dates: DateStyle = DateStyle.WORDS
    numbers: NumberStyle = NumberStyle.LANGUAGE
    language: str = "en"


DEFAULT = Notation()
_current: ContextVar[Notation] = ContextVar("notation", default=DEFAULT)


def use(notation: Notation) -> None:
    """Write in this notation from now on, in this thread."""
    _current.set(notation)


@contextmanager
def reading(notation: Notation) -> Iterator[None]:
    """Write in this notation within the block."""
    before = _current.set(notation)
    try:
        yield
    finally:
        _current.reset(before)


def current() -> Notation:
    """The notation of the person who reads."""
    return _current.get()


def local(at: datetime) -> datetime:
    """The moment in the time zone of the person who reads."""
    return at.astimezone(_zone(current().time_zone))


def start_of(of: date) -> datetime:
    """The moment at which this day begins for the person who reads."""
    midnight = datetime.combine(of, time.min)
    zone = _zone(current().time_zone)
    return midnight.replace(tzinfo=zone) if zone else midnight.astimezone()


def instant(shown: datetime) -> datetime:
    """The moment (UTC) at which a clock of the person who reads shows this. Of an hour that comes twice it is
    the first; one that a clock leaves out comes an hour later."""
    zone = _zone(current().time_zone)
    return (shown.replace(tzinfo=zone) if zone else shown.astimezone()).astimezone(UTC)


def zone_words(at: datetime) -> str:
    """The time zone of this local moment: Europe/Amsterdam (UTC+01:00)."""
    offset = f"UTC{at:%z}"[:6] + f":{at:%z}"[:1] + f"{at:%z}"[3:5]
    return f"{current().time_zone or at.tzname()} ({offset})"


def server_zone() -> str:
    """The time zone of this machine: Europe/Amsterdam; if its name cannot be found out, CET (UTC+01:00)."""
    linked = os.path.realpath(LOCAL_TIME).partition("zoneinfo/")[2]
    for name in (os.environ.get("TZ", "").lstrip(":"), linked):
        if name and _zone(name) is not None:
            return name
    with reading(replace(current(), time_zone="")):
        return zone_words(datetime.now(UTC).astimezone())


LOCAL_TIME = "/etc/localtime"
"""Usually a link to the zone's file."""


def clock(at: datetime) -> str:
    """The time of day, in the time zone of the person who reads: 16:40"""
    return f"{local(at):%H:%M}"


def day(of: date, *, year: bool = False) -> str:
    """A day: 10 Nov, with the year 10 Nov 2026; in any other style always with the year: 10.11.2026"""
    style = current().dates
    if style is not DateStyle.WORDS:
        return of.strftime(_DATE_FORMATS[style])
    if current().language != "en":
        return str(format_date(of, "d MMM y" if year else "d MMM", locale=current().language))
    return f"{of.day} {of:%b %Y}" if year else f"{of.day} {of:%b}"


def number(value: int | float | Decimal, places: str = "") -> str:
    """12471 → 12,471; `places` as in a format: .1f"""
    written = f"{value:,{places}}"
    style = current().numbers
    if style is NumberStyle.LANGUAGE:
        style = _STYLE_OF_LANGUAGE.get(current().language, NumberStyle.COMMA)
    separators = _SEPARATORS.get(style)
    return written.translate(separators) if separators else written


def money(amount: Decimal, currency: str) -> str:
    """1284.5, EUR → € 1,284.50. Never added up over currencies."""
    return f"{SIGNS.get(currency, currency)}{NBSP}{number(amount)}"


@cache
def zones() -> tuple[str, ...]:
    """The names of the time zones that can be chosen, in order."""
    places = (name for name in available_timezones() if not name.startswith(NOT_OFFERED))
    return tuple(sorted(name for name in places if "/" in name or name == "UTC"))


@cache
def _zone(name: str) -> tzinfo | None:
    """None, the server's, also for a name that this machine does not know."""
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError):
        return None
