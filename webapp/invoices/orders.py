"""The ways to sort the list of invoices, each with an index that has the id at its end."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from webapp.imports.values import AMOUNT
from webapp.keyset import Order
from webapp.store.customers import Customer
from webapp.store.invoices import DUE_DAY, NO_DUE_DATE, Invoice
from webapp.store.runs import Result
from webapp.translation import N_

PERIOD_ORDER, NUMBER_ORDER, CUSTOMER_ORDER = "", "number", "customer"
AMOUNT_ORDER, DUE_ORDER = "amount", "due"


@dataclass
class InvoiceRow:
    """An invoice in the list. `documents` are the names of the transformations that it has a document of;
    `last` is the result that mailed it last, or tried to; `since` what differs from the last that went out,
    in words."""

    invoice: Invoice
    customer: Customer
    cluster: str
    documents: list[str] = field(default_factory=list)
    has_suspect: bool = False
    last: Result | None = None
    since: str = ""

    @property
    def id(self) -> int:
        """The invoice's id."""
        return self.invoice.id


def amount_in(text: str) -> Decimal:
    """The amount that the text says. Raises ValueError."""
    if not AMOUNT.fullmatch(text):
        raise ValueError(f"{text!r} is no amount")
    return Decimal(text)


ORDERS: dict[str, Order[InvoiceRow]] = {
    PERIOD_ORDER: Order(
        N_("Period"),
        Invoice.period_start,
        lambda row: row.invoice.period_start.isoformat(),
        date.fromisoformat,
        descending=True,
    ),
    NUMBER_ORDER: Order(N_("Number"), Invoice.number, lambda row: row.invoice.number, str),
    CUSTOMER_ORDER: Order(N_("Customer"), Customer.sort_name, lambda row: row.customer.sort_name, str),
    AMOUNT_ORDER: Order(
        N_("Gross amount"), Invoice.gross_amount, lambda row: str(row.invoice.gross_amount), amount_in
    ),
    DUE_ORDER: Order(
        N_("Due date"),
        DUE_DAY,
        lambda row: (row.invoice.due_date or NO_DUE_DATE).isoformat(),
        date.fromisoformat,
    ),
}
"""By their names in addresses. Those without a due date come last."""
