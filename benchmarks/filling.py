"""A company of many customers, with all that fourteen months leave behind, straight into an empty database:
rows by SQL alone, so that a million are there in minutes.

Twelve clusters of very unequal size in a diamond: West and East both have Shared below them. One result in
twenty is one that something is wrong with. The same every time."""

from __future__ import annotations

import calendar
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    String,
    and_,
    case,
    cast,
    insert,
    literal,
    literal_column,
    or_,
    select,
    type_coerce,
)
from sqlalchemy.orm import Session

from benchmarks.workload import FIRST, SECOND
from webapp import found_by
from webapp.store.customers import Cluster, ClusterParent, Customer, CustomerEmail, RecipientKey
from webapp.store.invoices import Invoice, Transformation, TransformationResult
from webapp.store.text_search import searchable
from webapp.store.types import Json

MONTHS = 14
FIRST_MONTH = (2025, 9)
CLUSTERS = (
    *("Everybody", "West", "East", "Shared", "Germany", "Austria"),
    *("Netherlands", "Belgium", "France", "Spain", "Ireland", "Malta"),
)
PARENTS = (
    *((2, 1), (3, 1), (4, 2), (4, 3), (5, 3), (6, 3), (7, 2), (8, 2), (9, 2)),
    *((10, 4), (11, 4), (12, 11), (6, 5)),
)
"""(child, parent) by number; Austria is below both East and Germany."""
PER_MILLE = (5, 400, 200, 120, 100, 60, 50, 30, 20, 10, 4, 1)
"""How many of a thousand customers belong to each cluster."""
KEYS = ("billing", "technical", "reminders")
"""All but a few customers have the first, half of them the second, very few the third."""


def fill(session: Session, customers: int) -> None:
    """Add this number of customers, five invoices for each, their documents and what they are found by."""
    _clusters(session)
    _customers(session, customers)
    invoices = customers * 5
    for month in range(MONTHS):
        _invoices(session, month, invoices, customers)
    _documents(session, invoices)
    found_by.index_customers(session, select(Customer.id))
    found_by.index_invoices(session, select(Invoice.id))


def period(month: int) -> tuple[date, date]:
    """The first and the last day of this month, counted from 0."""
    years, months = divmod(FIRST_MONTH[1] - 1 + month, 12)
    year, number = FIRST_MONTH[0] + years, months + 1
    return date(year, number, 1), date(year, number, calendar.monthrange(year, number)[1])


def first_of(month: int, rows: int) -> int:
    """The number of the first of `rows` that are of this month; of MONTHS the one behind the last."""
    return 1 + month * rows // MONTHS


def moment(month: int) -> datetime:
    """When the mails of this month went out."""
    last = period(month)[1]
    return datetime(last.year, last.month, last.day, 8, tzinfo=UTC)


def numbers(first: int, last: int) -> Any:
    """A column of the numbers from `first` to `last`."""
    rows = select(cast(literal(first), BigInteger).label("i")).cte("numbers", recursive=True)
    return rows.union_all(select(rows.c.i + 1).where(rows.c.i < last)).c.i


def scattered(i: Any, below: int, by: int = 7919) -> Any:
    """A number below this one for each `i`: every one as often, in no order that anything else has."""
    return (i * by + i // 977) % below


def words(*parts: Any) -> Any:
    """The texts and numbers, one behind the other."""
    found: Any = literal("", String)
    for part in parts:
        found = found + (literal(part, String) if isinstance(part, str) else cast(part, String))
    return found


def by_share(value: Any, shares: Sequence[tuple[object, int]], otherwise: object) -> Any:
    """The first object whose share, added to those before it, is above the value."""
    found, limit = [], 0
    for what, share in shares:
        limit += share
        found.append((value < limit, what))
    return case(*found, else_=otherwise)


def add(session: Session, model: Any, columns: Mapping[str, Any], *where: ColumnElement[bool]) -> None:
    """Insert a row for each row of the columns' SELECT."""
    rows: Select[Any] = select(*columns.values()).where(*where)
    session.execute(insert(model).from_select([*columns], rows))


def constant(value: Any, model: Any, column: str) -> ColumnElement[Any]:
    """The value as this column has it."""
    return literal(value, model.__table__.c[column].type)


def _clusters(session: Session) -> None:
    session.execute(insert(Cluster), [{"id": n, "tag_name": name} for n, name in enumerate(CLUSTERS, 1)])
    session.execute(insert(ClusterParent), [{"child_id": c, "parent_id": p} for c, p in PARENTS])
    session.execute(insert(RecipientKey), [{"id": n, "key": key} for n, key in enumerate(KEYS, 1)])
    kinds = (("Invoice PDF", "pdf"), ("E-invoice", "xml"))
    rows = [{"id": n, "name": name, "output_type": kind} for n, (name, kind) in enumerate(kinds, 1)]
    session.execute(insert(Transformation), rows)


def _customers(session: Session, customers: int) -> None:
    i = numbers(1, customers)
    first = case(*((i % 9 == n, name) for n, name in enumerate(FIRST)))
    second = case(*((scattered(i, 8, 31) == n, name) for n, name in enumerate(SECOND)))
    name = words("", first, " ", second, " ", i)
    clusters = [(n, share) for n, share in enumerate(PER_MILLE, 1)]
    columns = {
        "id": i,
        "code": words("C", 100_000 + i),
        "name": name,
        "sort_name": searchable(name),
        "cluster_id": by_share(scattered(i, 1000), clusters, 1),
        "language": case((i % 3 == 0, "nl"), (i % 3 == 1, "de"), else_="en"),
        "suspended": (i % 211 == 0),
        "metadata": case(
            (i % 4 == 0, literal({"password": "s3cret"}, Json)), else_=literal({"city": "Utrecht"}, Json)
        ),
    }
    table: Any = Customer.__table__  # whose column is called metadata, and its attribute is not
    session.execute(insert(table).from_select([*columns], select(*columns.values())))
    i = numbers(1, customers)
    for key, has_one in enumerate((i % 83 != 0, i % 2 == 0, i % 50 == 0), 1):
        address = words(f"{KEYS[key - 1]}@customer", i, case((i % 4 == 0, ".nl"), else_=".example"))
        columns = {"customer_id": i, "recipient_key_id": literal(key), "address": address}
        add(session, CustomerEmail, columns, has_one)


def money(session: Session, cents: Any) -> Any:
    """The amount, as the database keeps it."""
    if session.get_bind().dialect.name == "sqlite":
        return type_coerce(cents * 100, BigInteger)
    return cents / literal_column("100.0")


def customer_of(i: Any, customers: int) -> Any:
    """Whose invoice this number is."""
    return 1 + (i * 6007) % customers


def _invoices(session: Session, month: int, invoices: int, customers: int) -> None:
    i = numbers(first_of(month, invoices), first_of(month + 1, invoices) - 1)
    first, last = period(month)
    cents = 500 + scattered(i, 2_000_000, 7907)
    late = case((i % 40 == 0, "open"), else_="approved")
    columns = {
        "id": i,
        "number": words("NT-", f"{first:%y%m}-", 1_000_000 + i),
        "customer_id": customer_of(i, customers),
        "status": late if month >= MONTHS - 3 else case((i % 500 == 0, "approved"), else_="closed"),
        "period_start": constant(first, Invoice, "period_start"),
        "period_end": constant(last, Invoice, "period_end"),
        "issue_date": constant(last, Invoice, "issue_date"),
        "due_date": case((i % 50 == 0, None), else_=constant(moment(month).date(), Invoice, "due_date")),
        "currency": by_share(scattered(i, 1000, 31), (("USD", 1), ("GBP", 99), ("CHF", 150)), "EUR"),
        "net_amount": money(session, cents),
        "tax_amount": constant(0, Customer, "id"),
        "gross_amount": money(session, cents),
    }
    add(session, Invoice, columns)


def _documents(session: Session, invoices: int) -> None:
    i = numbers(1, invoices)
    for transformation in (1, 2):
        sha256 = words("0" * 57, 1_000_000 + i)
        columns = {
            "invoice_id": i,
            "transformation_id": literal(transformation),
            "file_name": words("NT-", i, ".pdf" if transformation == 1 else ".xml"),
            "media_type": literal("application/pdf" if transformation == 1 else "application/xml"),
            "size": literal(61_440),
            "sha256": sha256,
            "found_in": sha256,
            "finding": case((i % 997 == 0, "not_named"), else_="fine"),
            "suspect": and_(i % 997 == 0, literal(transformation) == 1),
        }
        has_one = i % 199 != 0 if transformation == 1 else or_(i % 2 == 0, i % 199 == 0)
        add(session, TransformationResult, columns, has_one)
