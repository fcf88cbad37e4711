"""Which invoices a filter leaves: the same conditions for the list, its download, and the change of all that
match."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, false, select
from sqlalchemy.orm import Session, aliased

from webapp import cluster_paths, found_by, keyset, since_mailed
from webapp.access import Viewer, below, visible_to
from webapp.invoices.orders import AMOUNT_ORDER, PERIOD_ORDER
from webapp.periods import within
from webapp.store.customers import Cluster, Customer
from webapp.store.dialects import id_in, unindexed
from webapp.store.invoices import Invoice, TransformationResult
from webapp.store.runs import Reservation
from webapp.store.statuses import InvoiceStatus
from webapp.store.text_search import search_words

FEW_MAX, HITS_MAX = 10_000, 2_000
"""Up to this many rows that one condition leaves, or a search hits, are looked up and sorted. Of more, the
index of the order is walked."""
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


Check = Callable[[Any], ColumnElement[bool]]
"""A condition on Invoice, or on an alias of it that has the first rows of an index."""


@dataclass(frozen=True)
class Narrowing:
    """One condition on Invoice in two forms: as an index finds its rows (`lookup`), and as it is looked at
    row by row (`check`), which no database takes for a way to find them. `rows` finds the ids.

    `follows` are the names of the orders whose index can begin at it; `within` the status, or none, and the
    days of one that is about these alone (invoices/by_month.py). A `costly` one has no index at all: it asks
    whether something is missing elsewhere."""

    check: Check
    lookup: ColumnElement[bool] | None = None
    rows: Select[int] | None = None
    follows: tuple[str, ...] = ()
    within: tuple[str, date, date] | None = None
    is_search: bool = False

    @property
    def few_max(self) -> int:
        """How many rows are few enough to be looked up."""
        return min(FEW_MAX, HITS_MAX) if self.is_search else FEW_MAX

    @property
    def costly(self) -> bool:
        """Whether nothing finds the rows."""
        return self.lookup is None

    def ids(self) -> Select[int]:
        """The ids of the invoices that meet it, as an index finds them."""
        if self.rows is not None:
            return self.rows
        return select(Invoice.id).where(self.check(Invoice) if self.lookup is None else self.lookup)


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
    found, lead = planned(session, narrowings(session, viewer, shown))
    return conditions(found, lead)


def conditions(found: list[Narrowing], lead: Narrowing | None) -> list[ColumnElement[bool]]:
    """All of them on Invoice, of which the lead is looked up."""
    return [
        each.lookup if each is lead and each.lookup is not None else each.check(Invoice) for each in found
    ]


def planned(session: Session, found: list[Narrowing]) -> tuple[list[Narrowing], Narrowing | None]:
    """The conditions, and the one that leaves the fewest rows, to begin with; None if each leaves more than
    few. SQLite keeps no statistics, and would begin with any."""
    sizes = [(keyset.counted(session, each.ids(), each.few_max), each) for each in found if not each.costly]
    few = [(size.n, number, each) for number, (size, each) in enumerate(sizes) if not size.more]
    return found, min(few)[2] if few else None


def _of_customers(session: Session, viewer: Viewer, shown: InvoiceFilter) -> list[Narrowing]:
    found = []
    if shown.customer:
        customer = select(Customer.id).where(Customer.code == shown.customer, visible_to(viewer, Customer))
        customer_id = session.scalar(customer) or 0
        lookup = Invoice.customer_id == customer_id
        found.append(Narrowing(lambda invoice: unindexed(invoice.customer_id) == customer_id, lookup))
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
    found.append(Narrowing(check, Invoice.customer_id.in_(select(Customer.id).where(ours)), rows))
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

    return [Narrowing(check, and_(*lookups), follows=(AMOUNT_ORDER,))]


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

    return Narrowing(check, and_(*lookups), follows=(PERIOD_ORDER,), within=(shown.status, first, last))


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
    touched, most = and_(Invoice.touched, since_mailed.differs()), min(FEW_MAX, HITS_MAX)
    ids = session.scalars(select(Invoice.id).where(touched).limit(most + 1)).all()
    if len(ids) > most:
        return Narrowing(since_mailed.differs, touched, follows=(PERIOD_ORDER,), is_search=True)
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
    most = min(FEW_MAX, HITS_MAX)
    ids = found_by.invoices_found(session, wanted, most)
    if len(ids) > most:
        return Narrowing(check, check(Invoice), select(Invoice.id), is_search=True)
    hits = id_in(session, Invoice.id, ids)
    return Narrowing(check, hits, select(Invoice.id).where(hits), is_search=True)
