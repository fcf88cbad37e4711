"""Customers as lines of a file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.access import Viewer
from webapp.customers import filters
from webapp.customers.filters import CustomerFilter
from webapp.store.customers import Cluster, Customer, CustomerEmail, RecipientKey

EXPORT_BATCH = 1_000
CUSTOMER_COLUMNS = ("code", "name", "cluster", "language", "suspended", "addresses")


def customers(session: Session, viewer: Viewer, shown: CustomerFilter) -> Iterator[dict[str, Any]]:
    """The customers that the filter leaves, in the order of their ids, with one batch in memory at a time.
    Metadata are left out: they may hold passwords. Raises ValueError for a filter that cannot be."""
    conditions = filters.conditions(session, viewer, shown)
    last = 0
    while True:
        rows = session.execute(
            select(Customer.id, Customer.code, Customer.name, Cluster.tag_name, Customer.language,
                   Customer.suspended)
            .join(Cluster, Cluster.id == Customer.cluster_id)
            .where(*conditions, Customer.id > last)
            .order_by(Customer.id)
            .limit(EXPORT_BATCH)
        ).all()  # fmt: skip
        if not rows:
            return
        last = rows[-1].id
        addresses = _addresses(session, [row.id for row in rows])
        for row in rows:
            said = "yes" if row.suspended else ""
            values = (row.code, row.name, row.tag_name, row.language, said, addresses[row.id])
            yield dict(zip(CUSTOMER_COLUMNS, values, strict=True))


def _addresses(session: Session, ids: list[int]) -> dict[int, list[str]]:
    """Each customer's addresses, as key:address."""
    found: dict[int, list[str]] = defaultdict(list)
    for customer_id, key, address in session.execute(
        select(CustomerEmail.customer_id, RecipientKey.key, CustomerEmail.address)
        .join(RecipientKey, RecipientKey.id == CustomerEmail.recipient_key_id)
        .where(CustomerEmail.customer_id.in_(ids))
        .order_by(RecipientKey.key, CustomerEmail.id)
    ):
        found[customer_id].append(f"{key}:{address}")
    return found
