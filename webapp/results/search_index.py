"""The columns that the run's page sorts by and searches in. They are written into each result when it is
created, so that a page of a hundred thousand results opens at once.

The amount is the gross total of all its invoices. The search text has the customer's code and name, the
invoice numbers and the addresses that the mail would go to; replies of servers are searched in their own
columns."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, case, func, select, update
from sqlalchemy.orm import Session

from webapp.store.customers import Customer, CustomerEmail
from webapp.store.definitions import Content
from webapp.store.invoices import Invoice
from webapp.store.runs import Result, ResultInvoice
from webapp.store.text_search import folded, searchable


def of_one_invoice(content: Content) -> dict[str, Any]:
    """The columns of a result with one invoice, in terms of Invoice joined with its Customer."""
    sought = (
        Customer.code + " " + Customer.name + " " + Invoice.number + " " + _addresses(content, Customer.id)
    )
    return {
        "sort_name": _sort_name(),
        "amount": Invoice.gross_amount,
        "search_text": folded(sought),
    }


def index(session: Session, content: Content, *which: ColumnElement[bool]) -> None:
    """Write these columns again for results with any number of invoices."""
    of_customer = select(Customer).where(Customer.id == Result.customer_id).correlate(Result)
    of_invoices = (
        select(Invoice)
        .join(ResultInvoice, ResultInvoice.invoice_id == Invoice.id)
        .where(ResultInvoice.result_id == Result.id)
        .correlate(Result)
    )
    name = of_customer.with_only_columns(Customer.code + " " + Customer.name).scalar_subquery()
    numbers = of_invoices.with_only_columns(_all(Invoice.number)).scalar_subquery()
    sought = name + " " + numbers + " " + _addresses(content, Result.customer_id)
    session.execute(
        update(Result)
        .where(*which)
        .values(
            sort_name=of_customer.with_only_columns(_sort_name()).scalar_subquery(),
            amount=of_invoices.with_only_columns(func.sum(Invoice.gross_amount)).scalar_subquery(),
            search_text=folded(sought),
        ),
        execution_options={"synchronize_session": False},
    )


def _sort_name() -> ColumnElement[str]:
    """The customer's name, folded. It is stored with the customer: to fold it for each of a million results
    takes a good part of a run's creation."""
    return case((Customer.sort_name != "", Customer.sort_name), else_=searchable(Customer.name))


def _addresses(content: Content, customer_id: Any) -> Any:
    """All addresses of the customer under the definition's recipient key, or an empty text."""
    found = select(_all(CustomerEmail.address)).where(
        CustomerEmail.customer_id == customer_id,
        CustomerEmail.recipient_key_id == content["recipient_key_id"],
    )
    return func.coalesce(found.scalar_subquery(), "")


def _all(column: Any) -> ColumnElement[str]:
    return func.aggregate_strings(column, " ")
