"""Amounts that their currency cannot show, such as JPY 4.5 or EUR 12.345: a mail rounds them, and would say
another amount than the invoice."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from babel.core import get_global
from sqlalchemy import ColumnElement, and_, false, func, or_, select
from sqlalchemy.orm import Session

from webapp.access import Viewer, seen_by
from webapp.selection.eligibility import requirements_of
from webapp.selection.invoices import Selection, invoices_matching, planned_customer_filter
from webapp.store.definitions import Content
from webapp.store.invoices import Invoice

USUAL_PLACES = 2
AMOUNTS = (Invoice.net_amount, Invoice.tax_amount, Invoice.gross_amount)


@dataclass(frozen=True)
class RoundedAmounts:
    """How many invoices to send have such an amount, and the first of them."""

    invoices: int
    number: str
    currency: str
    amount: Decimal


def rounded_amounts(
    session: Session, viewer: Viewer, selection: Selection, content: Content, currencies: Iterable[str]
) -> RoundedAmounts | None:
    """Count them; None if there are none. `currencies`: those of the invoices that would be sent."""
    chosen = [Invoice.id.in_(selection.invoice_ids)] if selection.invoice_ids else []
    rows = invoices_matching(
        selection,
        requirements_of(selection.definition_id, content),
        seen_by(viewer),
        or_(false(), *map(_is_finer, currencies)),
        *chosen,
        customers=planned_customer_filter(session, selection),
    ).cte("finer")
    ready = rows.c.reason == ""
    count = session.scalar(select(func.count()).select_from(rows).where(ready)) or 0
    if not count:
        return None
    first = select(func.min(rows.c.invoice_id)).where(ready).scalar_subquery()
    invoice = session.scalars(select(Invoice).where(Invoice.id == first)).one()
    amounts = (invoice.net_amount, invoice.tax_amount, invoice.gross_amount)
    shown = next(amount for amount in amounts if amount % _unit(invoice.currency))
    return RoundedAmounts(count, invoice.number, invoice.currency, shown.normalize())


PLACES: dict[str, int] = {code: fractions[0] for code, fractions in get_global("currency_fractions").items()}
"""Decimal places of the currencies that are known not to have two (Unicode CLDR)."""


def _is_finer(currency: str) -> ColumnElement[bool]:
    """Whether the current invoice has an amount of this currency with more decimal places than it has. The
    modulus is exact on both databases: SQLite keeps whole numbers of ten-thousandths (store/types.py)."""
    unit = _unit(currency)
    return and_(Invoice.currency == currency, or_(*(amount % unit != Decimal(0) for amount in AMOUNTS)))


def _unit(currency: str) -> Decimal:
    return Decimal(1).scaleb(-PLACES.get(currency, USUAL_PLACES))
