"""What customers and invoices are found by and sorted by. Everything that adds a customer or an invoice, or
changes a customer or an address, calls this in the same commit."""

from __future__ import annotations

from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    TableClause,
    cast,
    delete,
    distinct,
    exists,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.orm import Session

from webapp.store.customers import Customer, CustomerEmail
from webapp.store.definitions import MessageDefinition
from webapp.store.invoices import Invoice
from webapp.store.runs import Result
from webapp.store.text_search import CUSTOMER_SEARCH, INVOICE_SEARCH, searchable


def index_customers(session: Session, ids: Select[int]) -> None:
    """Write again what these customers are found by, the place of their names among others, and under which
    keys they have an address."""
    session.flush()
    session.execute(
        update(Customer)
        .where(Customer.id.in_(ids))
        .values(sort_name=searchable(Customer.name), address_keys=_address_keys()),
        execution_options={"synchronize_session": False},
    )
    found_by = Customer.code + " " + Customer.name + _addresses() + _former(session) + _metadata(session)
    _replace(
        session, CUSTOMER_SEARCH, ids, select(Customer.id, searchable(found_by)).where(Customer.id.in_(ids))
    )


def index_invoices(session: Session, ids: Select[int]) -> None:
    """Write again what these invoices are found by: their number, and their customer's code and name."""
    session.flush()
    found_by = searchable(Invoice.number + " " + Customer.code + " " + Customer.name)
    rows = select(Invoice.id, found_by).join(Customer, Customer.id == Invoice.customer_id)
    _replace(session, INVOICE_SEARCH, ids, rows.where(Invoice.id.in_(ids)))


def invoices_of(customer_ids: Select[int]) -> Select[int]:
    """The invoices of these customers: to be indexed again when a customer's name changes."""
    return select(Invoice.id).where(Invoice.customer_id.in_(customer_ids))


def _replace(session: Session, table: TableClause, ids: Select[int], rows: Select[int, str]) -> None:
    session.execute(delete(table).where(table.c.rowid.in_(ids)))
    session.execute(insert(table).from_select(["rowid", "text"], rows))


def _address_keys() -> ColumnElement[str]:
    """The ids of the recipient keys under which the customer has an address, in their order, each once."""
    keys = (
        select(CustomerEmail.recipient_key_id)
        .where(CustomerEmail.customer_id == Customer.id)
        .distinct()
        .order_by(CustomerEmail.recipient_key_id)
        .correlate(Customer)
        .subquery()
    )
    found = select("," + func.aggregate_strings(cast(keys.c.recipient_key_id, String), ",") + ",")
    return func.coalesce(found.scalar_subquery(), "")


def _addresses() -> ColumnElement[str]:
    found = select(" " + func.aggregate_strings(CustomerEmail.address, " "))
    return func.coalesce(found.where(CustomerEmail.customer_id == Customer.id).scalar_subquery(), "")


def _former(session: Session) -> ColumnElement[str]:
    """The addresses that the customer was mailed at and no longer has, as JSON. A mail that goes out needs no
    look at this: its addresses are the customer's then."""
    mailed = cast(Result.recipients, String)
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    all_of = func.group_concat(distinct(mailed)) if is_sqlite else func.string_agg(distinct(mailed), ",")
    is_todays = exists().where(
        CustomerEmail.customer_id == Customer.id, mailed == '["' + CustomerEmail.address + '"]'
    )
    of_customer = (Result.customer_id == Customer.id, Result.recipients.is_not(None), ~is_todays)
    found = select(" " + all_of).where(*of_customer).correlate(Customer)
    return func.coalesce(found.scalar_subquery(), "")


def _metadata(session: Session) -> ColumnElement[str]:
    """The customer's free fields, but for those that hold passwords: a search must not tell them."""
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    each = func.json_each if is_sqlite else func.jsonb_each_text
    fields = each(Customer.extra).table_valued("key", "value", name="fields")
    secret = select(MessageDefinition.password_key)
    found = select(" " + func.aggregate_strings(fields.c.value, " ")).where(fields.c.key.not_in(secret))
    return func.coalesce(found.scalar_subquery(), "")
