"""Invoices of a status, or of some months, by their number or due date. Both grow with the months, so in
their own order all that is wanted may stand behind a million others. Of each status and month the index has
them in this order: the first of each are read and merged."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Date, bindparam, func, select
from sqlalchemy.orm import Session, aliased

from webapp import keyset
from webapp.invoices.filters import LAST_DAY
from webapp.invoices.narrowing import Check, Narrowing
from webapp.invoices.orders import DUE_ORDER, NUMBER_ORDER
from webapp.keyset import Edge, Order
from webapp.store.dialects import id_in
from webapp.store.invoices import Invoice
from webapp.store.statuses import InvoiceStatus

PARTS_MAX = 60
"""Statuses and first days of periods that are merged: a year and more of months in each status."""
READ_MAX = 2_000
"""Rows that are read of each, where more than these two is asked for."""


def ids(
    session: Session, found: Sequence[Narrowing], name: str, order: Order[Any], edge: Edge | None
) -> Sequence[int] | None:
    """The ids of a page and one more. None unless the list is in one of these orders, the filter has a status
    or a period of not too many months, and all else that it asks is looked at in the invoices themselves;
    and None if too few of the first of a month are left.

    1. Of each status and month, read the first in this order, and keep those that meet the other conditions.
    2. Sort what is kept, and the rows where the reading ended.
    3. Where such a row is in the page, the page may lack what follows it in its month: give up."""
    within = next((each.within for each in found if each.within is not None), None)
    if name not in (NUMBER_ORDER, DUE_ORDER) or within is None:
        return None
    if any(each.costly or each.is_search for each in found):
        return None
    months = _months(session, *within)
    if not months:
        return []
    if len(months) > PARTS_MAX:
        return None
    is_all = len(found) == 1 and within[2] == LAST_DAY
    firsts, ends = _read(session, months, [] if is_all else [each.check for each in found], order, edge)
    rows = select(Invoice.id).where(id_in(session, Invoice.id, {*firsts, *ends}))
    rows = keyset.ordered(rows, order.looked_up, Invoice.id, edge)
    page = session.scalars(rows.limit(keyset.PAGE_SIZE + 1)).all()
    return None if ends.intersection(page) else page


def _read(
    session: Session,
    months: Sequence[tuple[str, date]],
    checks: Sequence[Check],
    order: Order[Any],
    edge: Edge | None,
) -> tuple[set[int], set[int]]:
    """Of each status and month, the ids of the first that are kept, up to one more than a page; and where the
    reading ended before there were as many. Each statement is built once for all months: that takes longer
    than to run it."""
    of_month = (Invoice.status == bindparam("status"), Invoice.period_start == bindparam("day", type_=Date))
    rows = keyset.ordered(select(Invoice.id).where(*of_month), order, Invoice.id, edge)
    end = rows.add_columns(order.column.label("place")).offset(READ_MAX - 1).limit(1)
    kept = rows.where(*(check(Invoice) for check in checks)).limit(keyset.PAGE_SIZE + 1)
    up_to_end = kept.where(_up_to(bindparam("end", type_=order.column.type), order, edge))
    firsts, ends = set[int](), set[int]()
    for status, day in months:
        of = {"status": status, "day": day}
        last = session.execute(end, of).first() if checks else None
        found = session.scalars(up_to_end if last else kept, of | {"end": last and last.place}).all()
        firsts.update(found)
        if last and len(found) <= keyset.PAGE_SIZE:
            ends.add(last.id)
    return firsts, ends


def _up_to(end: Any, order: Order[Any], edge: Edge | None) -> ColumnElement[bool]:
    """Whether a row stands up to this place, in the direction that the page is read."""
    is_downward = order.descending != (edge is not None and edge.backwards)
    found: ColumnElement[bool] = order.column >= end if is_downward else order.column <= end
    return found


def _months(session: Session, status: str, first: date, last: date) -> list[tuple[str, date]]:
    """The statuses, or this one, each with the first days of its periods within these days."""
    statuses = [status] if status else list(InvoiceStatus)
    return [(each, day) for each in statuses for day in _days(session, each, first, last)]


def _days(session: Session, status: str, first: date, last: date) -> Sequence[date]:
    """The first days of the periods of the invoices with this status: few, each met by one step in the
    index."""
    begins = (Invoice.status == status, Invoice.period_start >= first, Invoice.period_start <= last)
    start = select(func.min(Invoice.period_start).label("day")).where(*begins)
    days = start.cte("days", recursive=True)
    other = aliased(Invoice)
    later = (other.status == status, other.period_start > days.c.day, other.period_start <= last)
    further = select(func.min(other.period_start)).where(*later).scalar_subquery()
    days = days.union_all(select(further).where(days.c.day.is_not(None)))
    known = select(days.c.day).where(days.c.day.is_not(None)).limit(PARTS_MAX + 1)
    return session.scalars(known).all()
