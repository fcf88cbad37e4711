"""What no row may do, on either database: lead to nothing. SQLite refuses it; PostgreSQL is not told of every
key (webapp/store/runs.py)."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from webapp.store.runs import Result, ResultInvoice
from webapp.store.tables import metadata


def broken(session: Session) -> Iterator[str]:
    """The names of the keys that are not declared on both databases, and that a row breaks; and whether the
    lead invoice of a result is not its own."""
    keys = [key for table in metadata.sorted_tables for key in table.foreign_key_constraints if key._ddl_if]
    for key in keys:
        leads = [each.parent.is_not(None) for each in key.elements]
        led_to = exists().where(*(each.column == each.parent for each in key.elements))
        astray = select(func.count()).select_from(key.parent).where(*leads, ~led_to.correlate(key.parent))
        if session.scalar(astray):
            yield str(key.name)
    own = exists().where(
        ResultInvoice.result_id == Result.id, ResultInvoice.invoice_id == Result.lead_invoice_id
    )
    if session.scalar(select(func.count()).select_from(Result).where(~own.correlate(Result))):
        yield "lead invoice"
