"""Rows as everyday systems export them, made into rows of the import format while they are read: the period
in one column, amounts that follow from others, words for a status, lines without an address.

A value that cannot be understood is noted, and something harmless put into its place, so that the other
columns of its line are checked too: with anything wrong, nothing is stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation

from webapp.currency_marks import unmarked
from webapp.file_styles import FileRow, NoteWrong, PrepareRows, Spelling
from webapp.imports.kinds import AMOUNTS
from webapp.intake.column_words import ISSUE_MONTH, PERIOD, STATUS_WORDS, TRUTH_WORDS
from webapp.intake.columns import DAYS, plain
from webapp.intake.period_words import Days, month_of, period_of
from webapp.translation import _

LINES_TOLD = 20
UNKNOWN_DAYS: Days = ("2000-01-01", "2000-01-01")
"""Stands in for a period that is noted as wrong."""
Fields = dict[str, str]
"""Column → what the row has there."""


@dataclass
class LineList:
    """Lines of a file: how many, and the first ones."""

    count: int = 0
    first: list[int] = field(default_factory=list)

    def add(self, line: int) -> None:
        """Count one more."""
        self.count += 1
        if self.count <= LINES_TOLD:
            self.first.append(line)


@dataclass
class Understood:
    """What was found while files were read. `rows`: by file, how many; `only_gross`: invoices without net
    amount and tax; `no_address`: lines without an address, of either file that may have them."""

    rows: dict[str, int] = field(default_factory=dict)
    only_gross: int = 0
    no_address: LineList = field(default_factory=LineList)


def preparing(file: str, spelling: Spelling | None, found: Understood) -> PrepareRows:
    """What makes rows of this file; `spelling`: how its dates and amounts are written."""
    found.rows[file] = 0
    match file:
        case "invoices.csv":
            return _Invoices(spelling, found).prepare
        case "customers.csv":
            return _each(file, found, _customer)
        case "emails.csv":
            return _each(file, found, lambda line, row: _address(line, row, found))
    return _each(file, found, lambda line, row: True)


def _each(file: str, found: Understood, change: Callable[[int, Fields], bool]) -> PrepareRows:
    """Has `change` change each row in place; it gives whether the row counts."""

    def prepare(rows: Iterator[FileRow], note: NoteWrong) -> Iterator[FileRow]:
        line, header, spoilt = next(rows, (1, [], False))
        yield line, header, spoilt
        for line, fields, spoilt in rows:
            found.rows[file] += 1
            row = dict(zip(header, fields, strict=False))
            if spoilt or len(row) != len(fields):
                yield line, fields, spoilt
            elif change(line, row):
                yield line, list(row.values()), spoilt

    return prepare


def _customer(line: int, row: Fields) -> bool:
    if "suspended" in row:
        row["suspended"] = TRUTH_WORDS.get(plain(row["suspended"]), row["suspended"])
    return True


def _address(line: int, row: Fields, found: Understood) -> bool:
    """A line without an address names none: it is left out, and said to be so."""
    if "address" in row and not row["address"].strip():
        found.no_address.add(line)
        return False
    return True


@dataclass
class _Invoices:
    spelling: Spelling | None
    found: Understood

    def prepare(self, rows: Iterator[FileRow], note: NoteWrong) -> Iterator[FileRow]:
        """The rows with the columns that follow from others."""
        line, header, spoilt = next(rows, (1, [], False))
        added = [*(DAYS if PERIOD in header else ()), *self._amounts_added(header)]
        names = [name for name in header if name != PERIOD]
        yield line, [*names, *added], spoilt
        for line, fields, spoilt in rows:
            self.found.rows["invoices.csv"] += 1
            row = dict(zip(header, (value.strip(" \t") for value in fields), strict=False))
            if not spoilt:
                if PERIOD in row:
                    row |= zip(DAYS, self._period(line, row, note), strict=True)
                self._complete_amounts(row)
                if (status := row.get("status")) is not None:
                    row["status"] = STATUS_WORDS.get(plain(status), status)
            yield line, [row.get(name, "") for name in (*names, *added)], spoilt

    def _amounts_added(self, header: list[str]) -> list[str]:
        given = {name for name in AMOUNTS if name in header}
        is_enough = "gross_amount" in given or {"net_amount", "tax_amount"} <= given
        return [name for name in AMOUNTS if name not in given] if is_enough else []

    def _period(self, line: int, row: Fields, note: NoteWrong) -> Days:
        text = row[PERIOD]
        issued = self._issue_day(row)
        if text == ISSUE_MONTH:
            return month_of(issued) if issued else UNKNOWN_DAYS  # the date itself is noted as wrong
        if (days := period_of(text)) is not None:
            return days
        words = _(
            "is “%(text)s”; a period is written like 2026-10, Oct 2026, Q4 2026 or 2026", text=text[:40]
        )
        note(line, PERIOD, words)
        return (issued.isoformat(), issued.isoformat()) if issued else UNKNOWN_DAYS

    def _issue_day(self, row: Fields) -> date | None:
        text = row.get("issue_date", "")
        with suppress(ValueError):
            return date.fromisoformat(self.spelling.iso_date(text) if self.spelling else text)
        return None

    def _complete_amounts(self, row: Fields) -> None:
        """Two of three give the third; the gross amount alone has 0 beside it, shown as not given."""
        net, tax, gross = (row.get(name, "") for name in AMOUNTS)
        if net and tax and gross:
            return
        if gross and not net and not tax:
            self.found.only_gross += 1
            row["net_amount"] = row["tax_amount"] = "0"
        elif net and tax:
            row["gross_amount"] = self._sum(net, tax, 1)
        elif gross and net:
            row["tax_amount"] = self._sum(gross, net, -1)
        elif gross and tax:
            row["net_amount"] = self._sum(gross, tax, -1)

    def _sum(self, one: str, other: str, sign: int) -> str:
        """As the file writes amounts. What is no amount is noted where it stands."""
        try:
            bare = (unmarked(each)[0] for each in (one, other))
            first, second = (Decimal(self.spelling.plain_amount(each) if self.spelling else each)
                             for each in bare)  # fmt: skip
        except (ValueError, InvalidOperation):
            return "0"
        total = f"{first + sign * second:f}"
        return total.replace(".", self.spelling.decimal) if self.spelling else total
