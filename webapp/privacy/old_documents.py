"""Documents of closed invoices go after their time, unless a mail that is still kept needs them. That
the invoice had some, and when they were deleted, stays at the invoice; what mails carried, at its
reservations."""

from __future__ import annotations

import threading
from collections.abc import Collection
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, exists, select, update
from sqlalchemy.orm import Session

from webapp.document_store.stores import DocumentStore
from webapp.evidence.retention import documents_of, kept_mails, pictures_in_use
from webapp.privacy.clearing import CLEARED_BATCH, PAUSE_SECONDS
from webapp.store.database import Database
from webapp.store.dialects import id_in
from webapp.store.installation import Installation
from webapp.store.invoices import Invoice, TransformationResult
from webapp.store.runs import Attempt, Result, ResultInvoice, Run
from webapp.store.statuses import InvoiceStatus, RunStatus
from webapp.store.types import now

INVOICES_MAX = 50_000
"""Invoices that are considered at a time."""


def delete_old(database: Database, store: DocumentStore, days: float, leaving: threading.Event) -> int:
    """Delete the documents of closed invoices whose period ended longer ago than this number of days; returns
    of how many invoices.

    1. Find such invoices that have documents, are in no unfinished run, and of whose mails none is kept.
    2. Of their documents leave out what other invoices, templates and kept mails need.
    3. Delete the rest from the store; then the rows, in small commits. If the store is away, stop: tomorrow
    everything is done again."""
    until, gone, last = (now() - timedelta(days=days)).date(), 0, 0
    while not leaving.is_set():
        ids = _due(database, until, last)
        if not ids:
            break
        last = ids[-1]
        for digest in unneeded(database, ids, leaving):
            if leaving.is_set():
                return gone
            store.remove(digest)
        for at in range(0, len(ids), CLEARED_BATCH):
            if leaving.is_set():
                return gone
            with database.writing() as session:
                gone += delete_rows(
                    session, ids[at : at + CLEARED_BATCH], Invoice.status == InvoiceStatus.CLOSED
                )
            leaving.wait(PAUSE_SECONDS)
    return gone


def delete_rows(session: Session, ids: Collection[int], *conditions: ColumnElement[bool]) -> int:
    """Delete the documents of these invoices from the database, and note when; returns of how many."""
    silently: dict[str, Any] = {"synchronize_session": False}
    theirs = select(Invoice.id).where(id_in(session, Invoice.id, ids), *conditions, has_documents())
    found = session.scalars(theirs.with_for_update()).all()
    of_these = id_in(session, TransformationResult.invoice_id, found)
    session.execute(delete(TransformationResult).where(of_these), execution_options=silently)
    session.execute(
        update(Invoice).where(id_in(session, Invoice.id, found)).values(documents_deleted_at=now()),
        execution_options=silently,
    )
    return len(found)


def has_documents() -> ColumnElement[bool]:
    """Whether the current Invoice has any document."""
    return exists().where(TransformationResult.invoice_id == Invoice.id)


def _due(database: Database, until: date, after: int) -> list[int]:
    """The next invoices whose documents are past their time. On a database that was taken over: none from
    before that, since the system that the copy was made from may use the same store."""
    with database.reading() as session:
        taken_over: datetime | None = session.scalars(select(Installation.taken_over_at)).one()
        conditions = [Invoice.id > after, Invoice.period_end < until, Invoice.status == InvoiceStatus.CLOSED]
        if taken_over is not None:
            conditions.append(Invoice.period_end >= taken_over.date())
        query = select(Invoice.id).where(*conditions, has_documents(), ~_is_in_use())
        return list(session.scalars(query.order_by(Invoice.id).limit(INVOICES_MAX)))


def _is_in_use() -> ColumnElement[bool]:
    """Whether the current Invoice is in a run that has not finished, or a mail is kept of its customer in a
    run that has it: an invoice may have moved to another result since it was mailed."""
    of_invoice = (ResultInvoice.invoice_id == Invoice.id, Run.id == ResultInvoice.run_id)
    unfinished = exists().where(*of_invoice, Run.status != RunStatus.FINISHED)
    mailed = exists().where(
        ResultInvoice.invoice_id == Invoice.id,
        Result.run_id == ResultInvoice.run_id,
        Result.customer_id == Invoice.customer_id,
        Attempt.result_id == Result.id,
        Attempt.rebuild_data.is_not(None),
    )
    return unfinished | mailed


def unneeded(database: Database, ids: Collection[int], leaving: threading.Event) -> set[str]:
    """The documents of these invoices that nothing else needs: no other invoice, no template, no kept mail.
    None of them if this process is stopping."""
    document = TransformationResult
    with database.reading() as session:
        mine = id_in(session, document.invoice_id, ids)
        candidates = set(session.scalars(select(document.sha256).where(mine)))
        others = select(document.sha256).where(
            ~mine, document.sha256.in_(select(document.sha256).where(mine))
        )
        candidates -= set(session.scalars(others))
    candidates -= pictures_in_use(database)
    if candidates:
        for mails in kept_mails(database, None, None):
            if leaving.is_set():
                return set()
            for _, kept in mails:
                candidates.difference_update(documents_of(kept))
    return candidates
