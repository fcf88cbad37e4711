"""Which invoices a run takes, and which of them it can send. The preview, the run, every claim and every Send
again use the same terms (domain.md, "Which invoices a run takes")."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import (
    ColumnElement,
    Label,
    Row,
    Select,
    and_,
    case,
    distinct,
    exists,
    func,
    literal,
    not_,
    or_,
    select,
)
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import SQLColumnExpression

from webapp.definitions.versions import Content, content_of
from webapp.store.customers import Cluster, Customer, CustomerEmail
from webapp.store.definitions import MessageDefinition
from webapp.store.invoices import Invoice, TransformationResult
from webapp.store.runs import ChosenInvoice, Reservation, Run
from webapp.store.statuses import InvoiceStatus, SkipReason
from webapp.users.access import Viewer, below, visible_to


@dataclass(frozen=True)
class Choice:
    """What a person chooses in the run dialog. Without `invoice_ids` all invoices of the set are meant."""

    definition_id: int
    cluster_id: int
    include_children: bool
    period_from: date
    period_to: date
    resend_already_sent: bool = False
    invoice_ids: tuple[int, ...] = ()


@dataclass(frozen=True)
class Preview:
    """What a run made now would take. `skipped` has every reason; `customers` and `amounts` (gross, by
    currency) are of those that would be sent. `overlapping` are not taken: they reach beyond the period."""

    invoices: int
    ready: int
    skipped: dict[str, int]
    overlapping: int
    customers: int
    amounts: dict[str, Decimal]
    fingerprint: str


@dataclass(frozen=True)
class Terms:
    """What a definition asks of an invoice and its customer."""

    definition_id: int
    recipient_key_id: int
    transformations: tuple[int, ...]


def terms_of(definition_id: int, content: Content) -> Terms:
    """The terms of this version of a definition."""
    return Terms(definition_id, content["recipient_key_id"], tuple(content["transformations"]))


def skip_reason(terms: Terms, copy: SQLColumnExpression[int] | None) -> ColumnElement[str]:
    """Why the Invoice at hand (joined with its Customer) cannot be sent as this copy; empty if it can.

    The first that applies, in the order of SkipReason. An invoice "was sent, or may have been sent" when this
    copy or a later one is reserved; without a copy that is not asked."""
    whens: list[tuple[ColumnElement[bool], SkipReason]] = [
        (Customer.suspended.is_(True), SkipReason.SUSPENDED),
        (Invoice.status != InvoiceStatus.APPROVED, SkipReason.NOT_APPROVED),
        (not_(_has_address(terms)), SkipReason.NO_RECIPIENT),
    ]
    if terms.transformations:
        lacks = [not_(_has_document(transformation)) for transformation in terms.transformations]
        whens.append((or_(*lacks), SkipReason.NO_ATTACHMENT))
    if copy is not None:
        whens.append((reserved(terms.definition_id, copy), SkipReason.ALREADY_SENT))
    return case(*((condition, literal(reason.value)) for condition, reason in whens), else_=literal(""))


def reserved(definition_id: int, copy: SQLColumnExpression[int]) -> ColumnElement[bool]:
    """Whether this copy of the Invoice at hand, or a later one, has gone out or may have."""
    return exists().where(
        Reservation.definition_id == definition_id,
        Reservation.invoice_id == Invoice.id,
        Reservation.copy >= copy,
    )


def _has_address(terms: Terms) -> ColumnElement[bool]:
    return exists().where(
        CustomerEmail.customer_id == Customer.id, CustomerEmail.recipient_key_id == terms.recipient_key_id
    )


def _has_document(transformation_id: int) -> ColumnElement[bool]:
    return exists().where(
        TransformationResult.invoice_id == Invoice.id,
        TransformationResult.transformation_id == transformation_id,
    )


def customers_in(cluster_id: int, include_children: bool) -> ColumnElement[bool]:
    """Whether a Customer belongs to the cluster, or to any below it: once, however many paths lead there."""
    if include_children:
        return Customer.cluster_id.in_(below(frozenset({cluster_id})))
    return Customer.cluster_id == cluster_id


def taken(choice: Choice, terms: Terms, *conditions: ColumnElement[bool]) -> Select[int, int, str]:
    """(invoice id, customer id, skip reason or empty) of every invoice that the choice takes."""
    copy = None if choice.resend_already_sent else literal(1)
    return (
        select(
            Invoice.id.label("invoice_id"),
            Invoice.customer_id.label("customer_id"),
            skip_reason(terms, copy).label("reason"),
        )
        .join(Customer, Customer.id == Invoice.customer_id)
        .where(
            customers_in(choice.cluster_id, choice.include_children),
            Invoice.period_start >= choice.period_from,
            Invoice.period_end <= choice.period_to,
            *conditions,
        )
    )


def taken_by(run: Run, terms: Terms) -> Select[int, int, str]:
    """The same for a run: bounded by the highest invoice at Create, narrowed to its chosen invoices if it has
    any."""
    chosen = select(ChosenInvoice.invoice_id).where(ChosenInvoice.run_id == run.id)
    return taken(
        choice_of(run),
        terms,
        Invoice.id <= run.highest_invoice_id,
        or_(not_(exists().where(ChosenInvoice.run_id == run.id)), Invoice.id.in_(chosen)),
    )


def choice_of(run: Run) -> Choice:
    """What was chosen when the run was made (without the chosen invoices, which are rows of their own)."""
    return Choice(
        definition_id=run.definition_id,
        cluster_id=run.cluster_id,
        include_children=run.include_children,
        period_from=run.period_from,
        period_to=run.period_to,
        resend_already_sent=run.resend_already_sent,
    )


def preview(session: Session, choice: Choice, viewer: Viewer) -> Preview:
    """What a run made now would take, send and skip. Stores nothing."""
    definition = session.get_one(MessageDefinition, choice.definition_id)
    content = content_of(session, definition)
    conditions = [visible_to(viewer, Invoice)]
    if choice.invoice_ids:
        conditions.append(Invoice.id.in_(choice.invoice_ids))
    rows = taken(choice, terms_of(definition.id, content), *conditions).subquery()
    sums = session.execute(
        sums_of(rows.c.invoice_id, rows.c.reason).join(rows, rows.c.invoice_id == Invoice.id)
    )
    lines = list(sums)
    customers = session.scalar(select(func.count(distinct(rows.c.customer_id))).where(rows.c.reason == ""))
    skipped = {reason.value: 0 for reason in SkipReason}
    for line in lines:
        if line.reason:
            skipped[line.reason] += line.n
    return Preview(
        invoices=sum(line.n for line in lines),
        ready=sum(line.n for line in lines if not line.reason),
        skipped=skipped,
        overlapping=0 if choice.invoice_ids else _overlapping(session, choice, viewer),
        customers=customers or 0,
        amounts={line.currency: line.gross for line in lines if not line.reason},
        fingerprint=fingerprint(choice, content, lines),
    )


Sums = Row[str, str, int, Decimal, int, int]


def sums_of(
    invoice_id: SQLColumnExpression[int], reason: SQLColumnExpression[str]
) -> Select[str, str, int, Decimal, int, int]:
    """By reason and currency: how many, their gross amount, and two checksums over the invoices' ids.

    To be completed with joins. The order is fixed, so that equal sets give equal lines.
    """
    reason_column: Label[str] = reason.label("reason")
    return (
        select(
            reason_column,
            Invoice.currency.label("currency"),
            func.count().label("n"),
            func.sum(Invoice.gross_amount).label("gross"),
            func.sum(invoice_id).label("ids"),
            func.sum(invoice_id * invoice_id % 1_000_003).label("squares"),
        )
        .group_by(reason_column, Invoice.currency)
        .order_by(reason_column, Invoice.currency)
    )


def fingerprint(choice: Choice, content: Content, lines: Iterable[Sums]) -> str:
    """A short text that is equal for two previews only if choice, definition and the fate of each invoice
    are."""
    chosen = {**asdict(choice), "invoice_ids": sorted(choice.invoice_ids)}
    facts = [[line.reason, line.currency, int(line.n), str(line.gross), int(line.ids), int(line.squares)]
             for line in lines]  # fmt: skip
    whole = json.dumps([chosen, content, facts], sort_keys=True, default=str)
    return hashlib.sha256(whole.encode()).hexdigest()


def _overlapping(session: Session, choice: Choice, viewer: Viewer) -> int:
    """How many invoices share days with the period but reach beyond it."""
    within = and_(Invoice.period_start >= choice.period_from, Invoice.period_end <= choice.period_to)
    found = session.scalar(
        select(func.count())
        .select_from(Invoice)
        .join(Customer, Customer.id == Invoice.customer_id)
        .where(
            customers_in(choice.cluster_id, choice.include_children),
            Invoice.period_start <= choice.period_to,
            Invoice.period_end >= choice.period_from,
            not_(within),
            visible_to(viewer, Invoice),
        )
    )
    return found or 0


def cluster_name(session: Session, cluster_id: int) -> str:
    """The cluster's tag name."""
    return session.get_one(Cluster, cluster_id).tag_name
