"""One invoice: its documents, its mails, and what was changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, defer

from webapp import audit
from webapp.access import Viewer, visible_to
from webapp.document_store.stores import DocumentStore
from webapp.documents import findings
from webapp.messages import sent_mail
from webapp.store.customers import Cluster, Customer
from webapp.store.definitions import DefinitionTransformation, DefinitionVersion, MessageDefinition
from webapp.store.invoices import Invoice, Transformation, TransformationResult
from webapp.store.runs import Attempt, Result, ResultInvoice, Run
from webapp.store.statuses import Finding, InvoiceStatus
from webapp.store.users import AuditEntry
from webapp.translation import _

MAILS_SHOWN_MAX = 50


@dataclass
class DocumentGroup:
    """The documents under one transformation, and the definitions in use that attach them."""

    transformation: Transformation
    definitions: list[str] = field(default_factory=list)
    documents: list[TransformationResult] = field(default_factory=list)


@dataclass(frozen=True)
class InvoiceMail:
    """A result of the invoice, in any run; `invoices` is how many its mail is about."""

    result: Result
    run: Run
    invoices: int


def subject(invoice: Invoice) -> str:
    """The invoice as the audit trail names it."""
    return f"invoice {invoice.number}"[:200]


def customer_of(session: Session, invoice: Invoice) -> tuple[Customer, str]:
    """The customer, and the tag name of its cluster."""
    customer = session.get_one(Customer, invoice.customer_id)
    return customer, session.get_one(Cluster, customer.cluster_id).tag_name


def document_groups(session: Session, invoice: Invoice) -> list[DocumentGroup]:
    """Every transformation that a definition in use attaches, or of which the invoice has a document."""
    groups = {
        each.id: DocumentGroup(each)
        for each in session.scalars(select(Transformation).order_by(Transformation.name))
    }
    for transformation_id, name in session.execute(
        select(DefinitionTransformation.transformation_id, MessageDefinition.name)
        .join(MessageDefinition, MessageDefinition.id == DefinitionTransformation.definition_id)
        .where(MessageDefinition.retired_at.is_(None))
        .order_by(MessageDefinition.name)
    ):
        groups[transformation_id].definitions.append(name)
    for document in session.scalars(
        select(TransformationResult)
        .where(TransformationResult.invoice_id == invoice.id)
        .order_by(TransformationResult.id)
    ):
        groups[document.transformation_id].documents.append(document)
    return list(groups.values())


def said(document: TransformationResult) -> str:
    """What the document check found, to follow the name of the file."""
    unchecked = document.found_in != document.sha256
    return _(findings.SAID[Finding.UNCHECKED]) if unchecked else findings.said(document)


def mails(session: Session, viewer: Viewer, invoice: Invoice) -> list[InvoiceMail]:
    """The latest results of the invoice, over all runs. Starts from the customer: no index leads from an
    invoice to its results."""
    rows = session.execute(
        select(Result, Run)
        .join(ResultInvoice, ResultInvoice.result_id == Result.id)
        .join(Run, Run.id == Result.run_id)
        .where(
            Result.customer_id == invoice.customer_id,
            ResultInvoice.invoice_id + 0 == invoice.id,
            visible_to(viewer, Result),
        )
        .order_by(Result.id.desc())
        .limit(MAILS_SHOWN_MAX)
    ).all()
    counts: dict[int, int] = {}
    for result_id in session.scalars(
        select(ResultInvoice.result_id).where(ResultInvoice.result_id.in_([each.id for each, run in rows]))
    ):
        counts[result_id] = counts.get(result_id, 0) + 1
    return [InvoiceMail(result, run, counts[result.id]) for result, run in rows]


def carried_files(
    session: Session, invoice: Invoice, result_id: int, store: DocumentStore
) -> tuple[int, dict[str, int]]:
    """The number of the result's last attempt of which the mail is kept; and of each document that it carried
    as it was stored, neither packed nor protected, the number in the mail by its SHA-256."""
    attempt = session.scalar(
        select(Attempt)
        .options(defer(Attempt.rebuild_data))
        .where(Attempt.result_id == result_id, Attempt.rebuild_data.is_not(None))
        .order_by(Attempt.id.desc())
        .limit(1)
    )
    if attempt is None:
        return 0, {}
    content: Any = session.get_one(DefinitionVersion, attempt.version_id).content
    if content["zip"] or content["password_key"]:
        return attempt.number, {}
    sent = sent_mail.as_sent(session, result_id, attempt.number, [invoice], store)
    files = enumerate(sent.documents if sent else [], 1)
    return attempt.number, {each.sha256: n for n, each in files if each.size is not None}


def changes(session: Session, invoice: Invoice) -> Sequence[AuditEntry]:
    """The latest changes, the newest first."""
    return audit.latest(session, subject(invoice))


def approval(session: Session, invoice: Invoice) -> AuditEntry | None:
    """Who approved the invoice last; None if that was not done by a person here."""
    if invoice.status != InvoiceStatus.APPROVED:
        return None
    return audit.last(session, subject(invoice), "approve")
