"""Everything about one customer as a ZIP: JSON files, and the documents. For the customer who asks what is
kept of them (Regulation (EU) 2016/679, articles 15 and 20)."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from webapp.document_store.stores import DocumentMissing, DocumentStore
from webapp.edits import HIDDEN
from webapp.evidence.zip_stream import ZipStream
from webapp.sealed import is_sealed, secret_names
from webapp.store.customers import Cluster, Customer, CustomerEmail, RecipientKey
from webapp.store.database import Database
from webapp.store.invoices import Invoice, Transformation, TransformationResult
from webapp.store.runs import Attempt, Result, Run
from webapp.store.types import iso, now
from webapp.store.users import AuditEntry

ROWS_AT_ONCE = 500
README = """\
What is kept of customer {code}

customer.json   name, cluster, language, addresses, metadata. Passwords are masked.
invoices.json   every invoice with its documents
results.json    what became of these invoices in every run, and where the mails went
attempts.json   every attempt to hand a mail over, with what the mail server answered
audit.json      what people did about the customer and its invoices
documents/      the documents; one that is not there is named in missing.txt

Times are in UTC. Written {at}.
"""
ATTEMPT_COLUMNS = tuple(
    column
    for column in Attempt.__table__.columns
    if column.name not in ("rebuild_data", "worker_id", "mail_server_id", "version_id")
)


def customer_data(database: Database, store: DocumentStore, customer_id: int) -> Iterator[bytes]:
    """The ZIP, generated as it is read. Memory holds some hundred rows and one document. Bcc addresses are
    left out: they are other people's."""
    at = now()
    with database.reading() as session:
        customer = session.get_one(Customer, customer_id)
        head, code = _customer(session, customer), customer.code
    with tempfile.TemporaryFile() as sums:
        archive = ZipStream(sums)
        yield from archive.add("README.txt", README.format(code=code, at=iso(at)).encode(), at)
        yield from archive.add("customer.json", _json(head).encode(), at)
        for name, query in _tables(customer_id, code).items():
            yield from archive.add_lines(name, _lines(database, query), at)
        yield from _documents(archive, database, store, customer_id, at)
        yield from archive.end(at)


def _customer(session: Session, customer: Customer) -> dict[str, Any]:
    secret = secret_names(session)
    addresses = session.execute(
        select(RecipientKey.key, CustomerEmail.address, CustomerEmail.display_name)
        .join(RecipientKey, RecipientKey.id == CustomerEmail.recipient_key_id)
        .where(CustomerEmail.customer_id == customer.id)
        .order_by(CustomerEmail.id)
    )
    return {
        "code": customer.code,
        "name": customer.name,
        "cluster": session.get_one(Cluster, customer.cluster_id).tag_name,
        "language": customer.language,
        "suspended": customer.suspended,
        "erased_at": customer.erased_at,
        "addresses": [dict(row._mapping) for row in addresses],
        "metadata": {
            name: HIDDEN if name in secret or is_sealed(value) else value
            for name, value in customer.extra.items()
        },
    }


def _tables(customer_id: int, code: str) -> dict[str, Select[*tuple[Any, ...]]]:
    """File → its rows, in the order of their ids, which come first."""
    of_invoices = [column for column in Invoice.__table__.columns if column.name != "customer_id"]
    results = (
        *(Result.id, Run.name.label("run"), Result.status, Result.reason, Result.detail, Result.warning),
        *(Result.recipients, Result.message_id, Result.smtp_reply, Result.sent_at, Result.changed_at),
    )
    entries = (AuditEntry.id, AuditEntry.at, AuditEntry.actor, AuditEntry.action, AuditEntry.subject)
    numbers = select("invoice " + Invoice.number).where(Invoice.customer_id == customer_id)
    about = (AuditEntry.subject == f"customer {code}"[:200]) | AuditEntry.subject.in_(numbers)
    return {
        "invoices.json": select(*of_invoices).where(Invoice.customer_id == customer_id),
        "results.json": select(*results).join(Run, Run.id == Result.run_id).where(
            Result.customer_id == customer_id
        ),
        "attempts.json": select(*ATTEMPT_COLUMNS)
        .join(Result, Result.id == Attempt.result_id)
        .where(Result.customer_id == customer_id),
        "audit.json": select(*entries, AuditEntry.detail).where(about),
    }  # fmt: skip


def _lines(database: Database, query: Select[*tuple[Any, ...]]) -> Iterator[str]:
    """A JSON list, one row a line; between two batches no transaction is open."""
    id, last, before = query.selected_columns.id, 0, "[\n"
    while True:
        with database.reading() as session:
            page = session.execute(query.where(id > last).order_by(id).limit(ROWS_AT_ONCE)).all()
        for row in page:
            yield before + _json(_without_bcc(dict(row._mapping)))
            before = ",\n"
        if not page:
            yield "[]\n" if before == "[\n" else "\n]\n"
            return
        last = page[-1].id


def _without_bcc(row: dict[str, Any]) -> dict[str, Any]:
    """The row of an attempt without its Bcc addresses, which mail servers were told, too."""
    for address in row.pop("bcc", ()):
        row = json.loads(_json(row).replace(json.dumps(address, ensure_ascii=False)[1:-1], HIDDEN))
    return row


def _documents(
    archive: ZipStream, database: Database, store: DocumentStore, customer_id: int, at: datetime
) -> Iterator[bytes]:
    document, last, missing = TransformationResult, 0, list[str]()
    query = (
        select(document.id, document.sha256, document.file_name, Invoice.number, Transformation.name)
        .join(Invoice, Invoice.id == document.invoice_id)
        .join(Transformation, Transformation.id == document.transformation_id)
        .where(Invoice.customer_id == customer_id)
        .order_by(document.id)
        .limit(ROWS_AT_ONCE)
    )
    while True:
        with database.reading() as session:
            page = session.execute(query.where(document.id > last)).all()
        for row in page:
            name = f"documents/{row.id}-{_plain(row.file_name)}"
            try:
                yield from archive.add(name, store.get(row.sha256), at)
            except DocumentMissing:
                missing.append(f"{name}: {row.sha256} of invoice {row.number}, {row.name}\n")
        if not page:
            break
        last = page[-1].id
    if missing:
        yield from archive.add_lines("missing.txt", missing, at)


def _plain(name: str) -> str:
    """The name without what is a folder to a program that unpacks."""
    return "".join("_" if each in '/\\:*?"<>|' or ord(each) < 32 else each for each in name)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=_plain_value)


def _plain_value(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    return value.isoformat() if isinstance(value, date) else str(value if isinstance(value, Decimal) else "")
