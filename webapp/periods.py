"""Periods of invoices: as conditions of a query, and in words."""

from __future__ import annotations

from datetime import date

from babel.dates import format_date
from sqlalchemy import ColumnElement, Date, and_, bindparam, or_

from webapp import notation
from webapp.notation import DateStyle
from webapp.store.invoices import Invoice
from webapp.translation import ENGLISH, _


def within(first: date, last: date) -> ColumnElement[bool]:
    """Whether the period of the current Invoice lies within these days. The condition that it begins before
    the last day is redundant, but bounds the search in an index."""
    begin, end = _inline_literal(first), _inline_literal(last)
    return and_(Invoice.period_start >= begin, Invoice.period_start <= end, Invoice.period_end <= end)


def overlapping(first: date, last: date) -> ColumnElement[bool]:
    """Whether the period of the current Invoice shares days with these but extends beyond them."""
    begin, end = _inline_literal(first), _inline_literal(last)
    return or_(
        and_(Invoice.period_start < begin, Invoice.period_end >= begin),
        and_(Invoice.period_start.between(begin, end), Invoice.period_end > end),
    )


def _inline_literal(day: date) -> ColumnElement[date]:
    """The day as part of the statement instead of a parameter.

    After ten runs of a statement, PostgreSQL plans it once for all values to come. It then underestimates the
    invoices of a period, and reads a whole month for one small cluster, a hundred times as slow."""
    return bindparam(None, day, Date, literal_execute=True, unique=True)


def period_words(first: date, last: date) -> str:
    """The period as the person who reads writes days: "1 to 31 October 2026", or "01.10.2026 to
    31.10.2026"."""
    if notation.current().dates is DateStyle.WORDS:
        return period_name(first, last)
    return _from_to(notation.day(first), notation.day(last))


def month_words(of: date) -> str:
    """The month, in short: Oct"""
    language = notation.current().language
    return f"{of:%b}" if language == ENGLISH else str(format_date(of, "MMM", locale=language))


def period_name(first: date, last: date) -> str:
    """The period in words, in the reader's language, whatever their style of dates: "1 to 31 October 2026",
    "1 July to 30 September 2026"."""
    is_within_month = (first.year, first.month) == (last.year, last.month)
    pattern = "d" if is_within_month else "d MMMM" if first.year == last.year else "d MMMM y"
    return _from_to(_in_words(first, "d MMMM y" if first == last else pattern), _in_words(last, "d MMMM y"))


def _in_words(of: date, pattern: str) -> str:
    return str(format_date(of, pattern, locale=notation.current().language))


def _from_to(begin: str, end: str) -> str:
    return end if begin == end else _("%(first)s to %(last)s", first=begin, last=end)
