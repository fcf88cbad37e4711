"""The rows of the CSV files, in the columns that an import reads (imports/kinds.py)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import RowMapping, Select, func, select, true
from sqlalchemy.orm import InstrumentedAttribute, Session

from webapp import sealed
from webapp.errors import Refused
from webapp.imports.values import ABSENT
from webapp.sealed import CannotOpen, secret_names
from webapp.store.customers import Cluster, ClusterParent, Customer, CustomerEmail, RecipientKey
from webapp.store.invoices import Invoice
from webapp.translation import _

EXPORT_BATCH = 2_000
"""Rows read at a time."""

Rows = Iterator[Iterable[str]]
INVOICE_COLUMNS = (
    *("status", "period_start", "period_end", "issue_date", "due_date", "currency"),
    *("net_amount", "tax_amount", "gross_amount"),
)


def of_everything(session: Session, *, with_passwords: bool) -> dict[str, tuple[list[str], Rows]]:
    """By file: its header, and its rows as they are read. Fields that hold passwords have no column, unless
    they are asked for: an import leaves alone what its file does not name."""
    secret = secret_names(session)
    data = _names(session, Invoice.data)
    metadata = [name for name in _names(session, Customer.extra) if with_passwords or name not in secret]
    customers = [
        "code",
        "name",
        "cluster",
        "language",
        "suspended",
        *(f"metadata.{name}" for name in metadata),
    ]
    invoices = ["number", "customer_code", *INVOICE_COLUMNS, *(f"data.{name}" for name in data)]
    return {
        "clusters.csv": (["tag_name", "parents"], _clusters(session)),
        "customers.csv": (customers, _customers(session, metadata, secret)),
        "emails.csv": (["customer_code", "key", "address", "display_name"], _emails(session)),
        "invoices.csv": (invoices, _invoices(session, data)),
    }


def in_batches(
    session: Session, query: Select[*tuple[Any, ...]], id: InstrumentedAttribute[int]
) -> Iterator[RowMapping]:
    """The rows of a query that selects this id first, in its order, some at a time."""
    last = 0
    while found := session.execute(query.where(id > last).order_by(id).limit(EXPORT_BATCH)).mappings().all():
        yield from found
        last = found[-1]["id"]


def _clusters(session: Session) -> Rows:
    parents: dict[int, list[str]] = {}
    above = select(ClusterParent.child_id, Cluster.tag_name).join(
        Cluster, Cluster.id == ClusterParent.parent_id
    )
    for child, tag_name in session.execute(above):
        parents.setdefault(child, []).append(tag_name)
    for row in in_batches(session, select(Cluster.id, Cluster.tag_name), Cluster.id):
        yield row["tag_name"], ";".join(sorted(parents.get(row["id"], ())))


def _customers(session: Session, names: list[str], secret: frozenset[str]) -> Rows:
    """Passwords in plain text. Raises Refused for one that cannot be read."""
    columns = (Customer.code, Customer.name, Cluster.tag_name, Customer.language, Customer.suspended)
    query = select(Customer.id, *columns, Customer.extra.label("fields"))
    for row in in_batches(session, query.join(Cluster, Cluster.id == Customer.cluster_id), Customer.id):
        fixed = (row["code"], row["name"], row["tag_name"], row["language"])
        fields = row["fields"]
        opened = {name: _opened(session, row, name) for name in names if name in secret and name in fields}
        yield *fixed, "true" if row["suspended"] else "false", *_fields({**fields, **opened}, names)


def _opened(session: Session, row: RowMapping, name: str) -> str:
    try:
        return sealed.keys_of(session).open(row["code"], name, row["fields"][name])
    except CannotOpen as problem:
        raise Refused(unreadable(name, row["code"], problem)) from None


def unreadable(name: str, code: str, problem: CannotOpen) -> str:
    """That the password in this field of this customer cannot be read, why, and the way out."""
    return _(
        "The password in “%(name)s” of customer %(code)s cannot be read: %(why)s; or export without "
        "--with-passwords.",
        name=name,
        code=code,
        why=problem,
    )


def _emails(session: Session) -> Rows:
    query = (
        select(
            CustomerEmail.id,
            Customer.code,
            RecipientKey.key,
            CustomerEmail.address,
            CustomerEmail.display_name,
        )
        .join(Customer, Customer.id == CustomerEmail.customer_id)
        .join(RecipientKey, RecipientKey.id == CustomerEmail.recipient_key_id)
    )
    for row in in_batches(session, query, CustomerEmail.id):
        yield row["code"], row["key"], row["address"], row["display_name"]


def _invoices(session: Session, names: list[str]) -> Rows:
    columns = (getattr(Invoice, name) for name in INVOICE_COLUMNS)
    query = select(Invoice.id, Invoice.number, Customer.code, *columns, Invoice.data.label("fields"))
    for row in in_batches(session, query.join(Customer, Customer.id == Invoice.customer_id), Invoice.id):
        said = ("" if row[name] is None else str(row[name]) for name in INVOICE_COLUMNS)
        yield row["number"], row["code"], *said, *_fields(row["fields"], names)


def _names(session: Session, column: InstrumentedAttribute[dict[str, Any]]) -> list[str]:
    """The names of the free fields that any row has, in a stable order."""
    if session.get_bind().dialect.name == "sqlite":
        each = func.json_each(column).table_valued("key", name="fields")
        found = select(each.c.key).select_from(column.table.join(each, true()))
    else:
        found = select(func.jsonb_object_keys(column).label("key"))
    return sorted(session.scalars(found.distinct()))


def _fields(fields: Mapping[str, Any], names: list[str]) -> Iterator[str]:
    for name in names:
        value = fields.get(name, ABSENT)
        yield value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
