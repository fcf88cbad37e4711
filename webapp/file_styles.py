"""How a CSV file is written: its separator and encoding, and the dates and amounts of a locale.

Without a style, separator and encoding are found out (imports/csvfile.py), dates are 2026-10-31 and amounts
have a decimal point. Nothing is guessed of these: 1.234 is one number in Dutch and another in English."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

from babel import Locale, UnknownLocaleError
from babel.dates import get_date_format
from babel.numbers import get_decimal_symbol, get_group_symbol

from webapp.translation import _

DATE = re.compile(r"([0-9]{1,4})([-./ ])([0-9]{1,2})\2([0-9]{1,4})")
ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
SPACES = "\u0020\u00a0\u202f"
APOSTROPHES = "'\u2019"
YEAR_DIGITS = 4


@dataclass(frozen=True)
class FileStyle:
    """`delimiter`: one character between columns; `encoding`: a name that Python knows; `locale`: such as nl
    or de_CH. Each may be empty. Raises ValueError for what cannot be."""

    delimiter: str = ""
    encoding: str = ""
    locale: str = ""

    def __post_init__(self) -> None:
        if len(self.delimiter) > 1 or self.delimiter in ('"', "\r", "\n"):
            raise ValueError(_("the separator is one character, such as ; or a tab, and no quote"))
        if self.encoding:
            try:
                codecs.lookup(self.encoding)
            except LookupError:
                raise ValueError(
                    _(
                        "there is no encoding “%(name)s”; usual are utf-8, cp1252 and utf-16",
                        name=self.encoding,
                    )
                ) from None
        if self.locale:
            try:
                Locale.parse(self.locale, sep="_" if "_" in self.locale else "-")
            except (UnknownLocaleError, ValueError):
                raise ValueError(
                    _("there is no locale “%(name)s”; one is written like nl or de_CH", name=self.locale)
                ) from None

    @property
    def spelling(self) -> Spelling | None:
        """How dates and amounts are written; None for those of messages between programs."""
        return _spelling(self.locale) if self.locale else None


FileRow = tuple[int, list[str], bool]
"""The line on which a row begins, its fields, and whether it is spoilt: noted as a problem already."""
NoteWrong = Callable[[int, str, str], None]
"""Is told of a line, a column, and what is wrong there."""
PrepareRows = Callable[[Iterator[FileRow], NoteWrong], Iterator[FileRow]]
"""Gives the rows as an import reads them, the header first."""

FOUND_OUT = FileStyle()
"""The style of files of which nothing is said."""


@dataclass(frozen=True)
class FileReading:
    """How one file is read. `columns`: the name in its header → the column of the import format that it is;
    empty: it is left out. `fixed`: columns that the file does not have → what every row gets there.
    `left_out`: the lines of rows that are not read. `prepare` makes rows of the import format from those of
    the file, once their columns have its names."""

    style: FileStyle = FOUND_OUT
    columns: Mapping[str, str] = field(default_factory=dict)
    fixed: Mapping[str, str] = field(default_factory=dict)
    left_out: frozenset[int] = frozenset()
    prepare: PrepareRows | None = None

    @property
    def is_plain(self) -> bool:
        """Whether the file has the columns of the import format."""
        return not (self.columns or self.fixed)


AS_IT_IS = FileReading()


@dataclass(frozen=True)
class Spelling:
    """Dates and amounts of a locale. `order`: of day, month and year, such as dmy."""

    order: str
    amount_pattern: re.Pattern[str]
    decimal: str
    example: str
    amount_example: str

    def iso_date(self, text: str) -> str:
        """The date as 2026-10-31, which is understood too. Raises ValueError, in words that follow the
        name of the column."""
        if ISO.fullmatch(text):
            return text
        match = DATE.fullmatch(text)
        parts = dict(zip(self.order, (match[1], match[3], match[4]), strict=True)) if match else {}
        if len(parts.get("y", "")) != YEAR_DIGITS:
            raise ValueError(
                _(
                    "is “%(text)s”; a date is written like %(example)s or 2026-10-31",
                    text=text[:40],
                    example=self.example,
                )
            )
        try:
            return date(*(int(parts[each]) for each in "ymd")).isoformat()
        except ValueError:
            raise ValueError(_("is “%(text)s”; there is no such day", text=text[:40])) from None

    def plain_amount(self, text: str) -> str:
        """The amount with a decimal point and nothing between thousands. Raises ValueError as above."""
        if not self.amount_pattern.fullmatch(text):
            raise ValueError(
                _(
                    "is “%(text)s”; an amount is written like %(example)s or -12",
                    text=text[:40],
                    example=self.amount_example,
                )
            )
        whole, places = text.partition(self.decimal)[::2]
        digits = re.sub(r"[^0-9-]", "", whole)
        return f"{digits}.{places}" if places else digits


@lru_cache(maxsize=64)
def _spelling(name: str) -> Spelling:
    locale = Locale.parse(name, sep="_" if "_" in name else "-")
    pattern = get_date_format("short", locale).pattern
    order = "".join(sorted("dmy", key=lambda each: pattern.lower().index(each)))
    decimal, group = get_decimal_symbol(locale), get_group_symbol(locale)
    groups = SPACES if group in SPACES else APOSTROPHES if group in APOSTROPHES else group
    between = f"[{re.escape(groups)}]"
    amount = re.compile(
        rf"-?(?:[0-9]{{1,14}}|[0-9]{{1,3}}(?:{between}[0-9]{{3}}){{1,4}})(?:{re.escape(decimal)}[0-9]{{1,4}})?"
    )
    mark = next((each for each in "-./" if each in pattern), "-")
    example = mark.join({"d": "31", "m": "10", "y": "2026"}[each] for each in order)
    return Spelling(order, amount, decimal, example, f"1{group}234{decimal}50")
