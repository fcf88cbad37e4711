"""Which invoices a filter leaves: the same conditions for the list, its download, and the change of all that
match."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, false, select
from sqlalchemy.orm import Session, aliased

from webapp import cluster_paths, found_by, since_mailed
from webapp.access import Viewer, below, visible_to
from webapp.invoices.narrowing import Check, Narrowing, conditions, hits_max, leading
from webapp.invoices.orders import AMOUNT_ORDER, PERIOD_ORDER
from webapp.periods import within
from webapp.store.customers import Cluster, Customer
from webapp.store.dialects import id_in, unindexed
from webapp.store.invoices import Invoice, TransformationResult
from webapp.store.runs import Reservation
from webapp.store.statuses import InvoiceStatus
from webapp.store.text_search import search_words

FIRST_DAY, LAST_DAY = date(1, 1, 1), date(9999, 12, 31)


@dataclass(frozen=True)
class InvoiceFilter:
    """What the list of invoices is narrowed to. `cluster` is a tag name, `customer` a code, `first` and
    `last` are days within which the period lies.

    `sent_with` and `not_sent_with` are ids of definitions, `never_sent` means none of them; `missing` is the
    id of a transformation of which there is no document, `no_document` means none at all. `changed`: since it
    was mailed. `wrong` says what was typed that is no day or amount: then nothing matches."""

    cluster: str = ""
    include_children: bool = False
    customer: str = ""
    first: date | None = None
    last: date | None = None
    status: str = ""
    currency: str = ""
    least: Decimal | None = None
    most: Decimal | None = None
    sent_with: int | None = None
    not_sent_with: int | None = None
    never_sent: bool = False
    missing: int | None = None
    no_document: bool = False
    suspect: bool = False
    changed: bool = False
    search: str = ""
    wrong: tuple[str, ...] = ()


def narrowings(session: Session, viewer: Viewer, shown: InvoiceFilter) -> list[Narrowing]:
    """The conditions on Invoice. Raises ValueError for a status that does not exist: a filter that is not
    understood must never match everything."""
    if shown.status and shown.status not in tuple(InvoiceStatus):
        raise ValueError(f"there is no status {shown.status!r}")
    if shown.wrong:
        return [Narrowing(lambda _: false(), false())]
    found = [*_of_customers(session, viewer, shown), *_of_amounts(shown), *_of_mails(session, shown)]
    if shown.status or shown.first or shown.last:
        found.append(_of_status_and_period(shown))
    if search_words(shown.search):
        found.append(_mentions(session, shown.search))
    return found


def matching(session: Session, viewer: Viewer, shown: InvoiceFilter) -> list[ColumnElement[bool]]:
    """The conditions on Invoice for everything that the filter leaves. Raises ValueError."""
    found = narrowings(session, viewer, shown)
    return conditions(found, leading(session, found))


def _of_customers(session: Session, viewer: Viewer, shown: InvoiceFilter) -> list[Narrowing]:
    found = []
    if shown.customer:
        customer = select(Customer.id).where(Customer.code == shown.customer, visible_to(viewer, Customer))
        customer_id = session.scalar(customer) or 0
        lookup = Invoice.customer_id == customer_id
        is_payer: Check = lambda invoice: unindexed(invoice.customer_id) == customer_id  # noqa: E731
        found.append(Narrowing(is_payer, lookup, columns=(Invoice.customer_id,)))
    if not shown.cluster and not viewer.clusters:
        return found
    clusters = select(Cluster.id).where(visible_to(viewer, Cluster))
    if shown.cluster:
        chosen = cluster_paths.cluster_id(session, viewer, shown.cluster) or 0
        reached = below(frozenset({chosen})) if shown.include_children else select(Cluster.id)
        clusters = clusters.where(Cluster.id.in_(reached))
        clusters = clusters if shown.include_children else clusters.where(Cluster.id == chosen)
    ids = session.scalars(clusters).all()
    ours = Customer.cluster_id.in_(ids)
    payer = aliased(Customer)  # a list in the order of customers has Customer beside it

    def check(invoice: Any) -> ColumnElement[bool]:
        """As a value, which PostgreSQL does not make a join of: it would read all customers for it."""
        home = select(payer.cluster_id).where(payer.id == invoice.customer_id).scalar_subquery()
        return home.in_(ids)

    rows = select(Invoice.id).join(Customer, Customer.id == Invoice.customer_id).where(ours)
    theirs = Invoice.customer_id.in_(select(Customer.id).where(ours))
    found.append(Narrowing(check, theirs, rows, columns=(Invoice.customer_id,)))
    return found


def _of_amounts(shown: InvoiceFilter) -> list[Narrowing]:
    """The currency and the amounts, which one index has together."""

    def wanted(currency: Any, gross: Any) -> list[ColumnElement[bool]]:
        of_currency = [currency == shown.currency] if shown.currency else []
        from_least = [gross >= shown.least] if shown.least is not None else []
        up_to_most = [gross <= shown.most] if shown.most is not None else []
        return [*of_currency, *from_least, *up_to_most]

    lookups = wanted(Invoice.currency, Invoice.gross_amount)
    if not lookups:
        return []

    def check(invoice: Any) -> ColumnElement[bool]:
        return and_(*wanted(unindexed(invoice.currency), unindexed(invoice.gross_amount)))

    columns = (Invoice.currency, Invoice.gross_amount)
    return [Narrowing(check, and_(*lookups), follows=(AMOUNT_ORDER,), columns=columns)]


def _of_status_and_period(shown: InvoiceFilter) -> Narrowing:
    """The status and the period, which one index has together."""
    first, last = shown.first or FIRST_DAY, shown.last or LAST_DAY
    lookups = [Invoice.status == shown.status] if shown.status else []
    if shown.first or shown.last:
        lookups.append(within(first, last))

    def check(invoice: Any) -> ColumnElement[bool]:
        checks = [unindexed(invoice.status) == shown.status] if shown.status else []
        if shown.first or shown.last:
            checks += [unindexed(invoice.period_start) >= first, unindexed(invoice.period_end) <= last]
        return and_(*checks)

    within_days, columns = (
        (shown.status, first, last),
        (Invoice.status, Invoice.period_start, Invoice.period_end),
    )
    return Narrowing(check, and_(*lookups), follows=(PERIOD_ORDER,), within=within_days, columns=columns)


def _of_mails(session: Session, shown: InvoiceFilter) -> list[Narrowing]:
    """What was sent with which definition, what has changed since, which documents are missing or suspect."""
    found: list[Narrowing] = []
    if shown.sent_with is not None:
        sent = select(Reservation.invoice_id).where(Reservation.definition_id == shown.sent_with)
        with_it: Check = lambda invoice: is_sent(shown.sent_with, invoice)  # noqa: E731
        found.append(Narrowing(with_it, Invoice.id.in_(sent), sent))
    if shown.not_sent_with is not None:
        found.append(Narrowing(lambda invoice: ~is_sent(shown.not_sent_with, invoice)))
    if shown.never_sent:
        found.append(Narrowing(lambda invoice: ~is_sent(None, invoice)))
    if shown.changed:
        found.append(_changed(session))
    if shown.missing is not None:
        of_kind = TransformationResult.transformation_id == shown.missing
        found.append(Narrowing(lambda invoice: ~_has_document(invoice, of_kind)))
    if shown.no_document:
        found.append(Narrowing(lambda invoice: ~_has_document(invoice)))
    if shown.suspect:
        is_held = TransformationResult.suspect
        held = select(TransformationResult.invoice_id).where(is_held)
        found.append(Narrowing(lambda invoice: _has_document(invoice, is_held), Invoice.id.in_(held), held))
    return found


def _changed(session: Session) -> Narrowing:
    """Whether the invoice differs from its last mail. That takes a while for each, so it is asked once, of
    those that were touched; of very many, their index is walked."""
    touched, most = and_(Invoice.touched, since_mailed.differs()), hits_max()
    ids = session.scalars(select(Invoice.id).where(touched).limit(most + 1)).all()
    if len(ids) > most:
        columns = (Invoice.status, Invoice.currency, Invoice.gross_amount)
        return Narrowing(
            since_mailed.differs, touched, None, (PERIOD_ORDER,), is_search=True, columns=columns
        )
    return Narrowing(
        lambda invoice: id_in(session, invoice.id, ids), id_in(session, Invoice.id, ids), is_search=True
    )


def is_sent(definition_id: int | None = None, invoice: Any = Invoice) -> ColumnElement[bool]:
    """Whether the current Invoice has gone out with this definition, or may have; or with any."""
    of = [] if definition_id is None else [Reservation.definition_id == definition_id]
    return exists().where(Reservation.invoice_id == invoice.id, *of)


def _has_document(invoice: Any, *conditions: ColumnElement[bool] | Any) -> ColumnElement[bool]:
    return exists().where(TransformationResult.invoice_id == invoice.id, *conditions)


def _mentions(session: Session, wanted: str) -> Narrowing:
    """Whether the number, or the customer's code or name, contain every word."""
    check: Check = lambda invoice: found_by.names_invoice(wanted, invoice)  # noqa: E731
    most = hits_max()
    ids = found_by.invoices_found(session, wanted, most)
    columns = (Invoice.number, Invoice.customer_id)
    if len(ids) > most:
        return Narrowing(check, check(Invoice), select(Invoice.id), is_search=True, columns=columns)
    hits = id_in(session, Invoice.id, ids)
    return Narrowing(check, hits, select(Invoice.id).where(hits), is_search=True, columns=columns)
