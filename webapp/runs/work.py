"""A claimed result with everything that its mail is made of, read from the database as plain values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from webapp.definitions.versions import Content
from webapp.store.customers import Cluster, Customer, CustomerEmail
from webapp.store.definitions import DefinitionVersion
from webapp.store.invoices import Invoice, TransformationResult
from webapp.store.runs import Result, ResultInvoice, Run
from webapp.store.statuses import ResultStatus


@dataclass(frozen=True)
class Work:
    """A claimed result with everything that its mail is made of, as plain values: frozen from here on."""

    result_id: int
    run_id: int
    definition_id: int
    status: ResultStatus
    attempts: int
    breaks: int
    first_try_at: datetime | None
    next_try_at: datetime | None
    sent_at: datetime | None
    message_id: str
    version_id: int
    content: Content
    run_name: str
    bcc: tuple[str, ...]
    customer: dict[str, Any]
    recipients: tuple[tuple[str, str], ...]
    invoices: tuple[dict[str, Any], ...]
    copies: dict[int, int]
    documents: tuple[TransformationResult, ...]


def load(session: Session, result_ids: Iterable[int]) -> list[Work]:
    """Reads these results with all that belongs to them: one query per kind of thing, not per result."""
    ids = list(result_ids)
    heads = session.execute(
        select(Result, Run, Customer, Cluster.tag_name, func.coalesce(Result.version_id, Run.version_id))
        .join(Run, Run.id == Result.run_id)
        .join(Customer, Customer.id == Result.customer_id)
        .join(Cluster, Cluster.id == Customer.cluster_id)
        .where(Result.id.in_(ids))
        .order_by(Result.id)
    ).all()
    versions = {version_id: _content(session, version_id) for *_, version_id in heads}
    invoices = _invoices(session, ids)
    documents = _documents(session, ids)
    addresses = _addresses(session, [customer.id for _, _, customer, *_ in heads])
    return [
        Work(
            result_id=result.id,
            run_id=run.id,
            definition_id=run.definition_id,
            status=ResultStatus(result.status),
            attempts=result.attempts,
            breaks=result.breaks,
            first_try_at=result.first_try_at,
            next_try_at=result.next_try_at,
            sent_at=result.sent_at,
            message_id=_message_id(run, result, versions[version_id]),
            version_id=version_id,
            content=versions[version_id],
            run_name=run.name,
            bcc=tuple(run.bcc),
            customer=_customer_names(customer, tag_name),
            recipients=addresses[customer.id, versions[version_id]["recipient_key_id"]],
            invoices=tuple(invoice for invoice, _ in invoices[result.id]),
            copies={invoice["id"]: copy for invoice, copy in invoices[result.id]},
            documents=_in_order(documents[result.id], versions[version_id]),
        )
        for result, run, customer, tag_name, version_id in heads
    ]


def draft(
    session: Session, content: Content, run_name: str, bcc: Iterable[str], invoice_ids: Iterable[int]
) -> Work:
    """What the mail of these invoices, all of one customer, would be made of if it went out now: a Work
    without a result. Stores nothing, claims nothing."""
    ids = sorted(invoice_ids)
    invoices = session.scalars(select(Invoice).where(Invoice.id.in_(ids)).order_by(Invoice.id)).all()
    customer, tag_name = session.execute(
        select(Customer, Cluster.tag_name)
        .join(Cluster, Cluster.id == Customer.cluster_id)
        .where(Customer.id == invoices[0].customer_id)
    ).one()
    documents = session.scalars(select(TransformationResult).where(TransformationResult.invoice_id.in_(ids)))
    addresses = _addresses(session, [customer.id])
    return Work(
        result_id=0,
        run_id=0,
        definition_id=0,
        status=ResultStatus.READY,
        attempts=0,
        breaks=0,
        first_try_at=None,
        next_try_at=None,
        sent_at=None,
        message_id=f"<preview@{_domain(content)}>",
        version_id=0,
        content=content,
        run_name=run_name,
        bcc=tuple(bcc),
        customer=_customer_names(customer, tag_name),
        recipients=addresses[customer.id, content["recipient_key_id"]],
        invoices=tuple(_invoice_names(invoice) for invoice in invoices),
        copies=dict.fromkeys(ids, 1),
        documents=_in_order(list(documents), content),
    )


def _message_id(run: Run, result: Result, content: Content) -> str:
    """Fixed per result and number of its message: kept on automatic retries, new on Send again."""
    return f"<{run.id}.{result.id}.{result.message_number}.{run.message_key}@{_domain(content)}>"


def _domain(content: Content) -> str:
    return content["sender"]["address"].rpartition("@")[2]


def _content(session: Session, version_id: int) -> Content:
    return cast(Content, session.get_one(DefinitionVersion, version_id).content)


def _customer_names(customer: Customer, tag_name: str) -> dict[str, Any]:
    return {
        "code": customer.code,
        "name": customer.name,
        "language": customer.language,
        "metadata": customer.extra,
        "cluster": tag_name,
    }


INVOICE_NAMES = (
    *("id", "number", "status", "period_start", "period_end", "issue_date", "due_date", "currency"),
    *("net_amount", "tax_amount", "gross_amount", "data"),
)


def _invoice_names(invoice: Invoice) -> dict[str, Any]:
    return {name: getattr(invoice, name) for name in INVOICE_NAMES}


def _invoices(session: Session, result_ids: list[int]) -> dict[int, list[tuple[dict[str, Any], int]]]:
    """Result id → its invoices with their copy numbers."""
    found: dict[int, list[tuple[dict[str, Any], int]]] = defaultdict(list)
    for invoice, result_id, copy in session.execute(
        select(Invoice, ResultInvoice.result_id, ResultInvoice.copy)
        .join(ResultInvoice, ResultInvoice.invoice_id == Invoice.id)
        .where(ResultInvoice.result_id.in_(result_ids))
        .order_by(Invoice.id)
    ):
        found[result_id].append((_invoice_names(invoice), copy))
    return found


def _documents(session: Session, result_ids: list[int]) -> dict[int, list[TransformationResult]]:
    """Result id → every document of its invoices, whatever made it."""
    found: dict[int, list[TransformationResult]] = defaultdict(list)
    for result_id, document in session.execute(
        select(ResultInvoice.result_id, TransformationResult)
        .join(TransformationResult, TransformationResult.invoice_id == ResultInvoice.invoice_id)
        .where(ResultInvoice.result_id.in_(result_ids))
    ):
        found[result_id].append(document)
    return found


def _in_order(documents: list[TransformationResult], content: Content) -> tuple[TransformationResult, ...]:
    """Those that the definition attaches: by invoice, then as it lists its transformations, then by file
    name."""
    place = {transformation: position for position, transformation in enumerate(content["transformations"])}
    wanted = [document for document in documents if document.transformation_id in place]
    return tuple(sorted(wanted, key=lambda d: (d.invoice_id, place[d.transformation_id], d.file_name)))


def _addresses(
    session: Session, customer_ids: list[int]
) -> dict[tuple[int, int], tuple[tuple[str, str], ...]]:
    """(customer id, recipient key id) → (address, display name) of each, equal addresses once."""
    found: dict[tuple[int, int], dict[str, tuple[str, str]]] = defaultdict(dict)
    for email in session.scalars(
        select(CustomerEmail).where(CustomerEmail.customer_id.in_(customer_ids)).order_by(CustomerEmail.id)
    ):
        found[email.customer_id, email.recipient_key_id].setdefault(
            email.address.lower(), (email.address, email.display_name)
        )
    return defaultdict(tuple, {key: tuple(addresses.values()) for key, addresses in found.items()})
