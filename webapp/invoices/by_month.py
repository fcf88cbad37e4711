"""Invoices of a status, or of some months, by their number or due date. Both grow with the months, so in
their own order all that is wanted may stand behind a million others. Of each status and month the index has
them in this order: the first of each are read and merged."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import Select, func, select, union_all
from sqlalchemy.orm import Session, aliased

from webapp import keyset
from webapp.invoices.filters import LAST_DAY, Narrowing
from webapp.invoices.orders import DUE_ORDER, NUMBER_ORDER
from webapp.keyset import Edge, Order
from webapp.store.dialects import unindexed
from webapp.store.invoices import Invoice
from webapp.store.statuses import InvoiceStatus

PARTS_MAX = 60
"""Statuses and first days of periods that are merged: a year and more of months in each status."""


def ids(
    session: Session, found: Sequence[Narrowing], name: str, order: Order[Any], edge: Edge | None
) -> Sequence[int] | None:
    """The ids of a page and one more; None unless the filter is one of status and period alone, in one of
    these orders, and leaves not too many months."""
    if name not in (NUMBER_ORDER, DUE_ORDER) or len(found) != 1 or found[0].within is None:
        return None
    status, first, last = found[0].within
    parts: list[Select[Any]] = []
    for each in [status] if status else list(InvoiceStatus):
        for month in _months(session, each, first, last):
            part = select(Invoice.id, order.column.label("place"))
            part = part.where(Invoice.status == each, Invoice.period_start == month)
            # Else SQLite takes the index of periods, and sorts all of the month.
            part = part if last == LAST_DAY else part.where(unindexed(Invoice.period_end) <= last)
            rows = keyset.ordered(part, order, Invoice.id, edge).limit(keyset.PAGE_SIZE + 1).subquery()
            parts.append(select(rows.c.id, rows.c.place))
    if len(parts) > PARTS_MAX:
        return None
    if not parts:
        return []
    merged = union_all(*parts).subquery()
    place = keyset.order(edge, merged.c.place, merged.c.id, descending=order.descending)
    return session.scalars(select(merged.c.id).order_by(*place).limit(keyset.PAGE_SIZE + 1)).all()


def _months(session: Session, status: str, first: date, last: date) -> Sequence[date]:
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
