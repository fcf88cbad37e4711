"""One customer: where it belongs, its addresses, its metadata, its invoices, its mails, and what was
changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from webapp import audit, keyset, since_mailed
from webapp.access import Viewer, visible_to
from webapp.customers.secrets import readable
from webapp.keyset import Edge, Page
from webapp.sealed import is_sealed, secret_names
from webapp.store.customers import Customer, CustomerEmail, RecipientKey
from webapp.store.definitions import MessageDefinition
from webapp.store.invoices import Invoice, Transformation, TransformationResult
from webapp.store.runs import Result, ResultInvoice, Run
from webapp.store.statuses import InvoiceStatus, ResultStatus
from webapp.store.users import AuditEntry

INVOICES_SHOWN_MAX = 20
MAILS_SHOWN = 20


@dataclass
class KeyGroup:
    """The addresses under one recipient key, and the definitions in use that go to them."""

    key: RecipientKey
    definitions: list[str] = field(default_factory=list)
    addresses: list[CustomerEmail] = field(default_factory=list)


@dataclass(frozen=True)
class MetadataField:
    """A field of the metadata. A secret one has its value only where a person asked for it: otherwise `value`
    is empty, and `is_filled` says whether there is any."""

    name: str
    value: str
    is_secret: bool
    is_filled: bool


@dataclass
class CustomerInvoice:
    """An invoice of the customer, with its documents by transformation, the result that mailed it last, and
    what differs from that mail, in words."""

    invoice: Invoice
    documents: list[str] = field(default_factory=list)
    mailed: Result | None = None
    since: str = ""


@dataclass(frozen=True)
class OpenInvoices:
    """The invoices that are not closed: how many, the gross by currency, all invoices."""

    n: int
    amounts: Mapping[str, Decimal]
    of: int


@dataclass(frozen=True)
class CustomerMail:
    """A result of the customer, in any run, with its first invoice."""

    result: Result
    run: Run
    number: str
    invoices: int


def key_groups(session: Session, customer: Customer) -> list[KeyGroup]:
    """Every recipient key that a definition in use goes to, or under which the customer has an address."""
    groups = {
        key.id: KeyGroup(key) for key in session.scalars(select(RecipientKey).order_by(RecipientKey.key))
    }
    for key_id, name in session.execute(
        select(MessageDefinition.recipient_key_id, MessageDefinition.name)
        .where(MessageDefinition.retired_at.is_(None))
        .order_by(MessageDefinition.name)
    ):
        groups[key_id].definitions.append(name)
    for address in session.scalars(
        select(CustomerEmail).where(CustomerEmail.customer_id == customer.id).order_by(CustomerEmail.id)
    ):
        groups[address.recipient_key_id].addresses.append(address)
    return list(groups.values())


def metadata(session: Session, customer: Customer, revealed: str = "") -> list[MetadataField]:
    """The fields of the customer's metadata, by name; those of passwords too where they are empty.
    `revealed`: the secret one that a person asked to see. Raises Refused if that cannot be read."""
    secret = secret_names(session)
    fields = []
    for name in sorted({*customer.extra, *secret}):
        text = text_of(customer.extra.get(name))
        is_secret = name in secret or is_sealed(text)
        value = text if not is_secret else readable(session, customer, name) if name == revealed else ""
        fields.append(MetadataField(name, value, is_secret, text != ""))
    return fields


def text_of(value: Any) -> str:
    """A value of the metadata as a person reads and writes it."""
    return "" if value is None else str(value)


def open_invoices(session: Session, customer: Customer) -> OpenInvoices:
    """The numbers at the head of the page."""
    rows = session.execute(
        select(Invoice.status, Invoice.currency, func.count(), func.sum(Invoice.gross_amount))
        .where(Invoice.customer_id == customer.id)
        .group_by(Invoice.status, Invoice.currency)
        .order_by(Invoice.currency)
    ).all()
    amounts: dict[str, Decimal] = {}
    still = [row for row in rows if row[0] != InvoiceStatus.CLOSED]
    for _, currency, _, gross in still:
        amounts[currency] = amounts.get(currency, Decimal(0)) + gross
    return OpenInvoices(n=sum(n for _, _, n, _ in still), amounts=amounts, of=sum(n for _, _, n, _ in rows))


def invoices(session: Session, customer: Customer) -> list[CustomerInvoice]:
    """The latest invoices, with their documents and when they were mailed last."""
    latest = (Invoice.period_start.desc(), Invoice.period_end.desc(), Invoice.id.desc())
    lines = {
        invoice.id: CustomerInvoice(invoice)
        for invoice in session.scalars(
            select(Invoice)
            .where(Invoice.customer_id == customer.id)
            .order_by(*latest)
            .limit(INVOICES_SHOWN_MAX)
        )
    }
    for invoice_id, name in session.execute(
        select(TransformationResult.invoice_id, Transformation.name)
        .join(Transformation, Transformation.id == TransformationResult.transformation_id)
        .where(TransformationResult.invoice_id.in_(lines))
        .order_by(TransformationResult.id)
    ):
        if name not in lines[invoice_id].documents:
            lines[invoice_id].documents.append(name)
    mailed = (ResultStatus.SENT, ResultStatus.BOUNCED, ResultStatus.UNCONFIRMED)
    for invoice_id, result in session.execute(
        select(ResultInvoice.invoice_id, Result)
        .join(Result, Result.id == ResultInvoice.result_id)
        .where(Result.customer_id == customer.id, Result.status.in_(mailed))
        .where(ResultInvoice.invoice_id.in_(lines))
        .order_by(Result.id)
    ):
        lines[invoice_id].mailed = result
    for id, since in since_mailed.load(session, [line.invoice for line in lines.values()]).items():
        lines[id].since = since_mailed.words(since, lines[id].invoice)
    return list(lines.values())


def mails(session: Session, viewer: Viewer, customer: Customer, edge: Edge | None) -> Page[CustomerMail]:
    """A page of every result of the customer, over all runs, the newest first."""
    query = (
        select(Result, Run)
        .join(Run, Run.id == Result.run_id)
        .where(Result.customer_id == customer.id, visible_to(viewer, Result))
    )
    if edge:
        query = query.where(keyset.beyond(edge, Result.id, descending=True))
    query = query.order_by(*keyset.order(edge, Result.id, descending=True)).limit(MAILS_SHOWN + 1)
    found = session.execute(query).all()
    numbers = {
        result_id: (number, n)
        for result_id, number, n in session.execute(
            select(ResultInvoice.result_id, func.min(Invoice.number), func.count())
            .join(Invoice, Invoice.id == ResultInvoice.invoice_id)
            .where(ResultInvoice.result_id.in_([result.id for result, _ in found]))
            .group_by(ResultInvoice.result_id)
        )
    }
    rows = [CustomerMail(result, run, *numbers.get(result.id, ("", 0))) for result, run in found]
    return keyset.page(rows, edge, [keyset.cursor(row.result.id) for row in rows], MAILS_SHOWN)


def count_mails(session: Session, viewer: Viewer, customer: Customer) -> tuple[int, datetime | None]:
    """How many results the customer has, and when the first was made."""
    n, first = session.execute(
        select(func.count(), func.min(Run.created_at))
        .select_from(Result)
        .join(Run, Run.id == Result.run_id)
        .where(Result.customer_id == customer.id, visible_to(viewer, Result))
    ).one()
    return n, first


def subject(customer: Customer) -> str:
    """The customer as the audit trail names it."""
    return f"customer {customer.code}"[:200]


def changes(session: Session, customer: Customer) -> Sequence[AuditEntry]:
    """The latest changes, the newest first."""
    return audit.latest(session, subject(customer))


def suspension(session: Session, customer: Customer) -> AuditEntry | None:
    """Who suspended the customer last, and why; None if that was not done by a person here."""
    if not customer.suspended:
        return None
    return audit.last(session, subject(customer), "suspend")
