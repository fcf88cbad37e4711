"""Which invoices a run takes, and which of them it can send. The preview, the run, every claim and every Send
again use the same terms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import (
    ColumnElement,
    Date,
    Select,
    and_,
    bindparam,
    case,
    exists,
    func,
    literal,
    not_,
    or_,
    select,
    true,
)
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import SQLColumnExpression

from webapp.access import Viewer, below, visible_to
from webapp.definitions.versions import Content
from webapp.store.customers import Cluster, Customer, CustomerEmail, has_metadata
from webapp.store.invoices import Invoice, TransformationResult
from webapp.store.runs import ChosenInvoice, Reservation, Run
from webapp.store.statuses import InvoiceStatus, SkipReason


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
class Terms:
    """What a definition asks of an invoice and its customer. `password_key`: the field of the customer's
    metadata that its documents' password must stand in; empty: they need none."""

    definition_id: int
    recipient_key_id: int
    transformations: tuple[int, ...]
    password_key: str = ""


def terms_of(definition_id: int, content: Content) -> Terms:
    """The terms of this version of a definition."""
    transformations = tuple(content["transformations"])
    password_key = content["password_key"] if transformations else ""
    return Terms(definition_id, content["recipient_key_id"], transformations, password_key)


def skip_reason(terms: Terms, copy: SQLColumnExpression[int] | None) -> ColumnElement[str]:
    """Why the Invoice at hand (joined with its Customer) cannot be sent as this copy; empty if it can.

    The first that applies, in the order of SkipReason. An invoice "was sent, or may have been sent" when this
    copy or a later one is reserved; without a copy that is not asked."""
    whens = ((condition, literal(reason.value)) for reason, condition in obstacles(terms, copy).items())
    return case(*whens, else_=literal(""))


def obstacles(terms: Terms, copy: SQLColumnExpression[int] | None) -> dict[SkipReason, ColumnElement[bool]]:
    """What keeps the Invoice at hand from being sent, each by itself, in the order of SkipReason."""
    found: dict[SkipReason, ColumnElement[bool]] = {
        SkipReason.SUSPENDED: Customer.suspended.is_(True),
        SkipReason.NOT_APPROVED: Invoice.status != InvoiceStatus.APPROVED,
        SkipReason.NO_RECIPIENT: not_(_has_address(terms)),
    }
    if terms.transformations:
        lacks = [not_(_has_document(transformation)) for transformation in terms.transformations]
        found[SkipReason.NO_ATTACHMENT] = or_(*lacks)
    if copy is not None:
        found[SkipReason.ALREADY_SENT] = reserved(terms.definition_id, copy)
    if terms.password_key:
        found[SkipReason.NO_PASSWORD] = not_(has_metadata(terms.password_key))
    if terms.transformations:
        found[SkipReason.SUSPECT_DOCUMENT] = _has_suspect_document(terms)
    return found


def reserved(definition_id: int, copy: SQLColumnExpression[int]) -> ColumnElement[bool]:
    """Whether this copy of the Invoice at hand, or a later one, has gone out or may have."""
    return exists().where(
        Reservation.definition_id == definition_id,
        Reservation.invoice_id == Invoice.id,
        Reservation.copy >= copy,
    )


def mailed_otherwise(definition_id: int) -> ColumnElement[bool]:
    """Whether the Invoice at hand has gone out, or may have, with another definition than this."""
    return exists().where(Reservation.invoice_id == Invoice.id, Reservation.definition_id != definition_id)


def _has_address(terms: Terms) -> ColumnElement[bool]:
    return exists().where(
        CustomerEmail.customer_id == Customer.id, CustomerEmail.recipient_key_id == terms.recipient_key_id
    )


def _has_document(transformation_id: int) -> ColumnElement[bool]:
    return exists().where(
        TransformationResult.invoice_id == Invoice.id,
        TransformationResult.transformation_id == transformation_id,
    )


def _has_suspect_document(terms: Terms) -> ColumnElement[bool]:
    """Looked for where the few suspect ones are: what is said of the transformation is in no index."""
    return exists().where(
        TransformationResult.invoice_id == Invoice.id,
        TransformationResult.suspect,
        (TransformationResult.transformation_id + 0).in_(terms.transformations),
    )


def customers_in(cluster_id: int, include_children: bool, *, many: bool = False) -> ColumnElement[bool]:
    """Whether a Customer belongs to the cluster, or to any below it: once, however many paths lead there.

    `many` has neither database begin its search with these customers: if they are most of all, SQLite, which
    keeps no statistics, is three times as fast when it begins with the period; and PostgreSQL, which takes
    those of a slice for few, would look through all the clusters for each of them."""
    belongs = Customer.cluster_id == cluster_id
    if include_children:
        belongs = Customer.cluster_id.in_(below(frozenset({cluster_id})))
    return func.coalesce(belongs, False) if many else belongs  # what a function is given is no way to search


def customers_of(session: Session, choice: Choice) -> ColumnElement[bool]:
    """The same for a choice, said as both databases plan it best: few clusters by their ids, of which they
    know how many customers they have; those that hold a fifth of all customers or more as `many`."""
    if are_many(session, choice.cluster_id, choice.include_children):
        return customers_in(choice.cluster_id, choice.include_children, many=True)
    clusters: Sequence[int] = [choice.cluster_id]
    if choice.include_children:
        clusters = session.scalars(below(frozenset(clusters))).all()
    return Customer.cluster_id.in_(bindparam(None, clusters, expanding=True, literal_execute=True))


def are_many(session: Session, cluster_id: int, include_children: bool) -> bool:
    """Whether these are a fifth of all customers or more."""
    chosen = select(func.count()).where(customers_in(cluster_id, include_children)).scalar_subquery()
    more = select(Customer.id).limit(1).offset(5 * chosen)  # looks at no more than it must
    return not session.scalar(select(exists(more)))


def within(first: date, last: date) -> ColumnElement[bool]:
    """Whether the period of the Invoice at hand lies within these days. That it begins before the last is
    said although it follows: it bounds the search in an index."""
    begin, end = _said(first), _said(last)
    return and_(Invoice.period_start >= begin, Invoice.period_start <= end, Invoice.period_end <= end)


def overlapping(first: date, last: date) -> ColumnElement[bool]:
    """Whether the period of the Invoice at hand shares days with these but reaches beyond them."""
    begin, end = _said(first), _said(last)
    return or_(
        and_(Invoice.period_start < begin, Invoice.period_end >= begin),
        and_(Invoice.period_start.between(begin, end), Invoice.period_end > end),
    )


def _said(day: date) -> ColumnElement[date]:
    """The day as part of the statement, not beside it. A connection that has run a statement ten times has
    PostgreSQL plan it once for all values to come: then it takes the invoices of any period for few, and
    reads all of a month for one small cluster, a hundred times as long."""
    return bindparam(None, day, Date, literal_execute=True, unique=True)


def copy_to_send(choice: Choice) -> SQLColumnExpression[int] | None:
    """The copy that must not be reserved: the first; none if all are sent again."""
    return None if choice.resend_already_sent else literal(1)


def taken(
    choice: Choice,
    terms: Terms,
    *conditions: ColumnElement[bool],
    customers: ColumnElement[bool] | None = None,
) -> Select[int, int, str]:
    """(invoice id, customer id, skip reason or empty) of every invoice that the choice takes. `customers`:
    what `customers_of` says of it."""
    if customers is None:
        customers = customers_in(choice.cluster_id, choice.include_children)
    return (
        select(
            Invoice.id.label("invoice_id"),
            Invoice.customer_id.label("customer_id"),
            skip_reason(terms, copy_to_send(choice)).label("reason"),
        )
        .join(Customer, Customer.id == Invoice.customer_id)
        .where(
            customers,
            within(choice.period_from, choice.period_to),
            *conditions,
        )
    )


def taken_by(run: Run, terms: Terms, *, many: bool) -> Select[int, int, str]:
    """The same for a run: bounded by the highest invoice at Create, narrowed to its chosen invoices if it has
    any. `many`: see `customers_in`."""
    chosen = select(ChosenInvoice.invoice_id).where(ChosenInvoice.run_id == run.id)
    return taken(
        choice_of(run),
        terms,
        Invoice.id <= run.highest_invoice_id,
        or_(not_(exists().where(ChosenInvoice.run_id == run.id)), Invoice.id.in_(chosen)),
        customers=customers_in(run.cluster_id, run.include_children, many=many),
    )


def attached_by(run: Run, content: Content) -> tuple[ColumnElement[bool], ...]:
    """Which TransformationResults a run with this version of its definition would attach, sendable or not."""
    rows = taken_by(run, terms_of(run.definition_id, content), many=False).subquery()
    return (
        (TransformationResult.transformation_id + 0).in_(content["transformations"]),
        TransformationResult.invoice_id.in_(select(rows.c.invoice_id)),
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


def seen_by(viewer: Viewer) -> ColumnElement[bool]:
    """Whether the viewer may see the Customer at hand and so its invoices: asked customer by customer, so
    that no search begins with it."""
    if not viewer.clusters:
        return true()
    return exists().where(Cluster.id == Customer.cluster_id, visible_to(viewer, Cluster))
