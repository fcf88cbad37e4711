"""Everything that the mail of a claimed result is made of, read from the database as plain values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, cast

from sqlalchemy import BindParameter, Row, and_, bindparam, case, func, select
from sqlalchemy.orm import Session

from webapp import sealed
from webapp.documents import findings
from webapp.messages import passwords
from webapp.messages.passwords import DocumentPassword
from webapp.store.customers import Cluster, Customer, CustomerEmail
from webapp.store.definitions import Content, DefinitionVersion
from webapp.store.invoices import Invoice, TransformationResult
from webapp.store.runs import Result, ResultInvoice, Run
from webapp.store.statuses import LockProblem, ResultStatus


@dataclass(frozen=True)
class StoredDocument:
    """A document of an invoice: the SHA-256 of its bytes in the store, and its name. `is_cleared`: the
    document check passed it, or a person released it. `lock_problem`: why it cannot be given a password."""

    invoice_id: int
    transformation_id: int
    file_name: str
    media_type: str
    sha256: str
    size: int
    is_cleared: bool
    lock_problem: str = LockProblem.NONE


@dataclass(frozen=True)
class MessageInput:
    """A claimed result with everything that its mail is made of, as plain values: frozen from here on. What
    `customer` has of the metadata is what templates may see: no password of documents is among it."""

    result_id: int
    run_id: int
    definition_id: int
    status: ResultStatus
    attempts: int
    broken_connections: int
    first_try_at: datetime | None
    next_try_at: datetime | None
    sent_at: datetime | None
    message_id: str
    version_id: int
    content: Content
    run_name: str
    bcc: tuple[str, ...]
    customer: dict[str, Any]
    password: DocumentPassword
    recipients: tuple[tuple[str, str], ...]
    invoices: tuple[dict[str, Any], ...]
    copies: dict[int, int]
    documents: tuple[StoredDocument, ...]

    @property
    def is_cleared(self) -> bool:
        """Whether every document is cleared."""
        return all(document.is_cleared for document in self.documents)


def load_inputs(session: Session, result_ids: Iterable[int]) -> list[MessageInput]:
    """Read these results with all that belongs to them: one query per kind of data, not per result."""
    ids = {"ids": list(result_ids)}
    heads = session.connection().execute(HEADS, ids).all()
    versions = {id: _content(session, id) for id in {head.version_id for head in heads}}
    invoices = _invoices(session, ids)
    documents = _documents(session, ids)
    addresses = _addresses(session, [head.customer_id for head in heads])
    secret = sealed.secret_names(session) | {content["password_key"] for content in versions.values()}
    return [
        MessageInput(
            result_id=head.result_id,
            run_id=head.run_id,
            definition_id=head.definition_id,
            status=ResultStatus(head.status),
            attempts=head.attempts,
            broken_connections=head.broken_connections,
            first_try_at=head.first_try_at,
            next_try_at=head.next_try_at,
            sent_at=head.sent_at,
            message_id=_message_id(head, versions[head.version_id]),
            version_id=head.version_id,
            content=versions[head.version_id],
            run_name=head.run_name,
            bcc=tuple(head.bcc),
            customer=passwords.customer_names(head, secret),
            password=passwords.password_of(session, head, versions[head.version_id]),
            recipients=addresses[head.customer_id, versions[head.version_id]["recipient_key_id"]],
            invoices=tuple(invoice for invoice, _ in invoices[head.result_id]),
            copies={invoice["id"]: copy for invoice, copy in invoices[head.result_id]},
            documents=_in_order(documents[head.result_id], versions[head.version_id]),
        )
        for head in heads
    ]


def preview_input(
    session: Session, content: Content, run_name: str, bcc: Iterable[str], invoice_ids: Iterable[int]
) -> MessageInput:
    """What the mail of these invoices, all of one customer, would be made of if it went out now: inputs
    without a result. Stores and claims nothing."""
    ids = {"ids": sorted(invoice_ids)}
    invoices = [_invoice_names(row) for row in session.connection().execute(INVOICES_BY_ID, ids)]
    documents = [_document(row) for row in session.connection().execute(DOCUMENTS_BY_INVOICE, ids)]
    paying = select(Invoice.customer_id).where(Invoice.id == ids["ids"][0]).scalar_subquery()
    customer = session.connection().execute(CUSTOMERS.where(Customer.id == paying)).one()
    addresses = _addresses(session, [customer.customer_id])
    return MessageInput(
        result_id=0,
        run_id=0,
        definition_id=0,
        status=ResultStatus.READY,
        attempts=0,
        broken_connections=0,
        first_try_at=None,
        next_try_at=None,
        sent_at=None,
        message_id=f"<preview@{_domain(content)}>",
        version_id=0,
        content=content,
        run_name=run_name,
        bcc=tuple(bcc),
        customer=passwords.customer_names(customer, sealed.secret_names(session) | {content["password_key"]}),
        password=passwords.password_of(session, customer, content),
        recipients=addresses[customer.customer_id, content["recipient_key_id"]],
        invoices=tuple(invoices),
        copies=dict.fromkeys(ids["ids"], 1),
        documents=_in_order(documents, content),
    )


def _message_id(head: Row[Any], content: Content) -> str:
    """Fixed per result and number of its message: kept on automatic retries, new on Send again."""
    return f"<{head.run_id}.{head.result_id}.{head.message_number}.{head.message_key}@{_domain(content)}>"


def _domain(content: Content) -> str:
    return content["sender"]["address"].rpartition("@")[2]


def _content(session: Session, version_id: int) -> Content:
    return cast(Content, session.get_one(DefinitionVersion, version_id).content)


CUSTOMERS = select(
    Customer.id.label("customer_id"), Customer.code, Customer.name, Customer.language,
    Customer.extra.label("metadata"), Cluster.tag_name.label("cluster"),
).join(Cluster, Cluster.id == Customer.cluster_id)  # fmt: skip
IDS: BindParameter[Any] = bindparam("ids", expanding=True)
HEADS = (
    CUSTOMERS.add_columns(
        Result.id.label("result_id"), Result.status, Result.attempts, Result.broken_connections,
        Result.first_try_at,
        Result.next_try_at, Result.sent_at, Result.message_number, Run.id.label("run_id"), Run.definition_id,
        func.coalesce(Result.version_id, Run.version_id).label("version_id"), Run.name.label("run_name"),
        Run.bcc, Run.message_key,
    )
    .join(Result, Result.customer_id == Customer.id)
    .join(Run, Run.id == Result.run_id)
    .where(Result.id.in_(IDS))
    .order_by(Result.id)
)  # fmt: skip
INVOICE_NAMES = (
    *("id", "number", "status", "period_start", "period_end", "issue_date", "due_date", "currency"),
    *("net_amount", "tax_amount", "gross_amount", "data"),
)
INVOICES = select(*(getattr(Invoice, name) for name in INVOICE_NAMES)).order_by(Invoice.id)
INVOICES_BY_ID = INVOICES.where(Invoice.id.in_(IDS))
INVOICES_BY_RESULT = (
    INVOICES.add_columns(ResultInvoice.result_id, ResultInvoice.copy)
    .join(ResultInvoice, ResultInvoice.invoice_id == Invoice.id)
    .where(ResultInvoice.result_id.in_(IDS))
)
FILED = len(fields(StoredDocument))
DOCUMENTS = select(
    TransformationResult.invoice_id, TransformationResult.transformation_id, TransformationResult.file_name,
    TransformationResult.media_type, TransformationResult.sha256, TransformationResult.size,
    and_(~findings.UNCHECKED, ~TransformationResult.suspect),
    case((findings.UNCHECKED, ""), else_=TransformationResult.lock_problem),
)  # fmt: skip
DOCUMENTS_BY_INVOICE = DOCUMENTS.where(TransformationResult.invoice_id.in_(IDS))
DOCUMENTS_BY_RESULT = (
    DOCUMENTS.add_columns(ResultInvoice.result_id)
    .join(ResultInvoice, ResultInvoice.invoice_id == TransformationResult.invoice_id)
    .where(ResultInvoice.result_id.in_(IDS))
)
ADDRESSES = (
    select(
        CustomerEmail.customer_id, CustomerEmail.recipient_key_id, CustomerEmail.address,
        CustomerEmail.display_name,
    )
    .where(CustomerEmail.customer_id.in_(IDS))
    .order_by(CustomerEmail.id)
)  # fmt: skip


def _invoice_names(row: Row[Any]) -> dict[str, Any]:
    return dict(zip(INVOICE_NAMES, row, strict=False))


def _document(row: Sequence[Any]) -> StoredDocument:
    return StoredDocument(*row[:FILED])


def _invoices(
    session: Session, result_ids: Mapping[str, list[int]]
) -> dict[int, list[tuple[dict[str, Any], int]]]:
    """Result id → its invoices with their copy numbers."""
    found: dict[int, list[tuple[dict[str, Any], int]]] = defaultdict(list)
    for row in session.connection().execute(INVOICES_BY_RESULT, result_ids):
        found[row.result_id].append((_invoice_names(row), row.copy))
    return found


def _documents(session: Session, result_ids: Mapping[str, list[int]]) -> dict[int, list[StoredDocument]]:
    """Result id → every document of its invoices, of any transformation."""
    found: dict[int, list[StoredDocument]] = defaultdict(list)
    for row in session.connection().execute(DOCUMENTS_BY_RESULT, result_ids):
        found[row.result_id].append(_document(row))
    return found


def _in_order(documents: list[StoredDocument], content: Content) -> tuple[StoredDocument, ...]:
    """The documents that the definition attaches: by invoice, then in the order of its transformations, then
    by file name."""
    place = {transformation: position for position, transformation in enumerate(content["transformations"])}
    wanted = [document for document in documents if document.transformation_id in place]
    return tuple(sorted(wanted, key=lambda d: (d.invoice_id, place[d.transformation_id], d.file_name)))


def _addresses(
    session: Session, customer_ids: list[int]
) -> dict[tuple[int, int], tuple[tuple[str, str], ...]]:
    """(customer id, recipient key id) → (address, display name) of each, equal addresses once."""
    found: dict[tuple[int, int], dict[str, tuple[str, str]]] = defaultdict(dict)
    for row in session.connection().execute(ADDRESSES, {"ids": customer_ids}):
        known = found[row.customer_id, row.recipient_key_id]
        known.setdefault(row.address.lower(), (row.address, row.display_name))
    return defaultdict(tuple, {key: tuple(addresses.values()) for key, addresses in found.items()})
