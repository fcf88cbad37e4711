"""Invoices as lines of a file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.access import Viewer
from webapp.invoices import filters
from webapp.invoices.filters import InvoiceFilter
from webapp.invoices.queries import rows_of
from webapp.store.invoices import Invoice
from webapp.translation import english

EXPORT_BATCH = 1_000
INVOICE_COLUMNS = (
    *("number", "customer_code", "customer_name", "cluster", "status", "period_start", "period_end"),
    *("issue_date", "due_date", "currency", "net_amount", "tax_amount", "gross_amount", "documents"),
    *("suspect_document", "last_mail", "last_mailed_at", "changed_since_mailed"),
)


def invoices(session: Session, viewer: Viewer, shown: InvoiceFilter) -> Iterator[dict[str, Any]]:
    """The invoices that the filter leaves, in the order of their ids, with one batch in memory at a time.
    Raises ValueError for a filter that cannot be."""
    conditions = filters.matching(session, viewer, shown)
    last = 0
    while True:
        ids = session.scalars(
            select(Invoice.id).where(*conditions, Invoice.id > last).order_by(Invoice.id).limit(EXPORT_BATCH)
        ).all()
        if not ids:
            return
        last = ids[-1]
        with english():
            rows = rows_of(session, ids)
        for row in rows:
            yield {
                **{name: getattr(row.invoice, name, "") for name in INVOICE_COLUMNS},
                "customer_code": row.customer.code,
                "customer_name": row.customer.name,
                "cluster": row.cluster,
                "documents": ", ".join(row.documents),
                "suspect_document": "yes" if row.has_suspect else "",
                "last_mail": row.last.status if row.last else "",
                "last_mailed_at": row.last.sent_at if row.last else None,
                "changed_since_mailed": row.since,
            }
        session.expunge_all()
