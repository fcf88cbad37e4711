"""Periods of invoices: as conditions of a query, and in words."""

from __future__ import annotations

from datetime import date

from sqlalchemy import ColumnElement, Date, and_, bindparam, or_

from webapp.store.invoices import Invoice


def within(first: date, last: date) -> ColumnElement[bool]:
    """Whether the period of the Invoice at hand lies within these days. That it begins before the last is
    said although it follows: it bounds the search in an index."""
    begin, end = _inline_literal(first), _inline_literal(last)
    return and_(Invoice.period_start >= begin, Invoice.period_start <= end, Invoice.period_end <= end)


def overlapping(first: date, last: date) -> ColumnElement[bool]:
    """Whether the period of the Invoice at hand shares days with these but reaches beyond them."""
    begin, end = _inline_literal(first), _inline_literal(last)
    return or_(
        and_(Invoice.period_start < begin, Invoice.period_end >= begin),
        and_(Invoice.period_start.between(begin, end), Invoice.period_end > end),
    )


def _inline_literal(day: date) -> ColumnElement[date]:
    """The day as part of the statement, not beside it. A connection that has run a statement ten times has
    PostgreSQL plan it once for all values to come: then it takes the invoices of any period for few, and
    reads all of a month for one small cluster, a hundred times as long."""
    return bindparam(None, day, Date, literal_execute=True, unique=True)


def period_words(first: date, last: date) -> str:
    """The period as people say it: "1 to 31 October 2026", "1 July to 30 September 2026"."""
    if first == last:
        return f"{first.day} {first:%B %Y}"
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day} to {last.day} {last:%B %Y}"
    if first.year == last.year:
        return f"{first.day} {first:%B} to {last.day} {last:%B %Y}"
    return f"{first.day} {first:%B %Y} to {last.day} {last:%B %Y}"
