"""What the run's page sorts by and searches in: written into each result when it is made, so that a page of a
hundred thousand is found within a look."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from webapp.definitions.versions import Content
from webapp.store.customers import Customer, CustomerEmail
from webapp.store.folding import folded
from webapp.store.invoices import Invoice
from webapp.store.runs import Result, ResultInvoice


def index(session: Session, content: Content, *which: ColumnElement[bool]) -> None:
    """Writes name, amount and searched text of these results, from the data as they are now.

    The amount is the gross of all its invoices. Searched are the customer's code and name, the invoice
    numbers, and the addresses that it would go to; what servers said is searched where it stands."""
    of_customer = select(Customer).where(Customer.id == Result.customer_id)
    of_invoices = (
        select(Invoice)
        .join(ResultInvoice, ResultInvoice.invoice_id == Invoice.id)
        .where(ResultInvoice.result_id == Result.id)
    )
    addresses = select(_all(CustomerEmail.address)).where(
        CustomerEmail.customer_id == Result.customer_id,
        CustomerEmail.recipient_key_id == content["recipient_key_id"],
    )
    texts = (
        of_customer.with_only_columns(Customer.code + " " + Customer.name),
        of_invoices.with_only_columns(_all(Invoice.number)),
        addresses,
    )
    sought: Any = ""
    for text in texts:
        sought = func.coalesce(text.correlate(Result).scalar_subquery(), "") + " " + sought
    name = of_customer.with_only_columns(folded(Customer.name)).correlate(Result).scalar_subquery()
    amount = of_invoices.with_only_columns(func.sum(Invoice.gross_amount)).correlate(Result).scalar_subquery()
    session.execute(
        update(Result).where(*which).values(sort_name=name, amount=amount, sought=folded(sought)),
        execution_options={"synchronize_session": False},
    )


def _all(column: Any) -> ColumnElement[str]:
    return func.aggregate_strings(column, " ")
