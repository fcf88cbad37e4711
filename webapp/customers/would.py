"""What a run would do today, for one customer, over the period of its latest invoice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.access import Viewer
from webapp.selection import today
from webapp.selection.today import TodayLine
from webapp.store.customers import Customer
from webapp.store.invoices import Invoice


@dataclass(frozen=True)
class Would:
    """The lines, and the period they are about; none for a customer without an invoice."""

    period: tuple[date, date] | None
    lines: list[TodayLine]


def would_do(session: Session, viewer: Viewer, customer: Customer) -> Would:
    """What a run with each definition in use would do with the customer's invoices of its latest period."""
    period = _latest_period(session, customer)
    lines = today.would_do(session, viewer, customer, period) if period else []
    return Would(period, lines)


def _latest_period(session: Session, customer: Customer) -> tuple[date, date] | None:
    row = session.execute(
        select(Invoice.period_start, Invoice.period_end)
        .where(Invoice.customer_id == customer.id)
        .order_by(Invoice.period_start.desc(), Invoice.period_end.desc())
        .limit(1)
    ).first()
    return (row.period_start, row.period_end) if row else None
