"""The read side of the list of customers: a page of it, and what its filters would leave."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from webapp import keyset
from webapp.access import Viewer
from webapp.customers import counting, filters
from webapp.customers.filters import CustomerFilter
from webapp.keyset import Counted, Edge, Order, Page
from webapp.store.customers import Cluster, Customer, CustomerEmail, RecipientKey
from webapp.store.invoices import Invoice
from webapp.store.runs import Result
from webapp.store.statuses import InvoiceStatus, ResultStatus


@dataclass
class CustomerRow:
    """A customer in the list. `addresses` are the numbers of addresses by recipient key, `amounts` the gross
    of the invoices that are not closed, by currency; `last` is the latest mail, sent or not."""

    customer: Customer
    cluster: str
    first_address: str = ""
    addresses: dict[str, int] = field(default_factory=dict)
    open_invoices: int = 0
    amounts: dict[str, Decimal] = field(default_factory=dict)
    last: Result | None = None

    @property
    def id(self) -> int:
        """The customer's id."""
        return self.customer.id


def listing(
    session: Session,
    viewer: Viewer,
    shown: CustomerFilter,
    order: Order[Customer],
    edge: Edge | None,
    states: Mapping[str, Counted] | None = None,
) -> tuple[Page[CustomerRow], Counted]:
    """A page of customers, and how many match: taken from `states` (counting.py) if that says so. Raises
    ValueError for a filter or an edge that cannot be.

    The ids are found first, and everything else is looked up for these 50 only."""
    count = counting.count(session, viewer, shown, states)
    page_ids = _page_ids(session, viewer, shown, order, edge, count)
    rows = _rows(session, page_ids)
    cursors = [order.cursor(row.id, row.customer) for row in rows]
    return keyset.page(rows, edge, cursors, keyset.PAGE_SIZE), count


WALKED_MAX, WALKED_FOR_WORDS_MAX = 5_000, 1_000
"""Customers that are looked at for a page in the order of the list. Where these have not enough, all that the
filter leaves are found first: a name may be all that a search finds, at the end of the alphabet."""


def _page_ids(
    session: Session,
    viewer: Viewer,
    shown: CustomerFilter,
    order: Order[Customer],
    edge: Edge | None,
    count: Counted,
) -> Sequence[int]:
    """The ids of a page, and one more. If the filter leaves few, they are found and sorted; else the index of
    the order is walked."""
    size = keyset.PAGE_SIZE + 1
    looked_up_max = keyset.LOOKED_UP_MAX // (2 if shown.state == filters.TO_FIX else 1)
    if count.more or count.n > looked_up_max:
        at_most = WALKED_FOR_WORDS_MAX if shown.search else WALKED_MAX
        walked = select(Customer.id, order.column.label("place"))
        if _narrows(viewer, shown):
            walked = walked.add_columns(Customer.cluster_id, Customer.suspended, Customer.address_keys)
        walked = keyset.ordered(walked, order, Customer.id, edge).limit(at_most)
        rows = walked.subquery()
        checks = filters.conditions(session, viewer, shown, row_by_row=rows.c)
        place = keyset.order(edge, rows.c.place, rows.c.id, descending=order.descending)
        ids = session.scalars(select(rows.c.id).where(*checks).order_by(*place).limit(size)).all()
        if len(ids) == size or not checks or _is_last(session, order, edge, at_most):
            return ids
    query = select(Customer.id)
    if shown.search and count.more:
        hits = filters.may_be_hits(session, shown.search)
        if hits is not None:
            ids = session.scalars(_among(hits, HITS_AT_ONCE, session, viewer, shown, order, edge)).all()
            if len(ids) < size:
                ids = session.scalars(_among(hits, -1, session, viewer, shown, order, edge)).all()
            return ids
        query = query.where(Customer.id.in_(filters.hits(session, viewer, shown)))
    else:
        query = query.where(*filters.conditions(session, viewer, shown))
    return session.scalars(keyset.ordered(query, order.looked_up, Customer.id, edge).limit(size)).all()


HITS_AT_ONCE = 500  # customers with the trigrams of a word: nearly all have the word


def _among(
    hits: Select[int],
    at_most: int,
    session: Session,
    viewer: Viewer,
    shown: CustomerFilter,
    order: Order[Customer],
    edge: Edge | None,
) -> Select[int]:
    """The ids of a page that the filter leaves of these hits, and one more: the index of the order alone is
    walked past all others, and of `at_most` hits (-1: of all) the text is looked at."""
    walked = select(Customer.id, order.column.label("place")).where(Customer.id.in_(hits).is_(True))
    walked = keyset.ordered(walked, order, Customer.id, edge)
    rows = (walked.offset(0) if at_most < 0 else walked.limit(at_most)).subquery()  # walked as it is
    checks = filters.conditions(session, viewer, shown, row_by_row=Customer)
    found = select(rows.c.id).join(Customer, Customer.id == rows.c.id).where(*checks)
    place = keyset.order(edge, rows.c.place, rows.c.id, descending=order.descending)
    return found.order_by(*place).limit(keyset.PAGE_SIZE + 1)


def _narrows(viewer: Viewer, shown: CustomerFilter) -> bool:
    """Whether more is looked at than words: in the rows themselves, since PostgreSQL may read all customers
    to join them."""
    return bool(viewer.clusters or shown.cluster or shown.state or shown.missing)


def _is_last(session: Session, order: Order[Customer], edge: Edge | None, at_most: int) -> bool:
    """Whether the walk has come to the end of the list."""
    walked = keyset.ordered(select(Customer.id), order, Customer.id, edge)
    return session.execute(walked.offset(at_most - 1).limit(1)).first() is None


def recipient_keys(session: Session) -> Sequence[str]:
    """All recipient keys, by name."""
    return session.scalars(select(RecipientKey.key).order_by(RecipientKey.key)).all()


def _rows(session: Session, ids: Sequence[int]) -> list[CustomerRow]:
    """The customers with these ids, in this order, with what the list shows of each. Four statements."""
    found = {
        customer.id: CustomerRow(customer, tag_name)
        for customer, tag_name in session.execute(
            select(Customer, Cluster.tag_name)
            .join(Cluster, Cluster.id == Customer.cluster_id)
            .where(Customer.id.in_(ids))
        )
    }
    _add_addresses(session, found)
    _add_invoices(session, found)
    _add_last_mails(session, found)
    return [found[id] for id in ids]


def _add_addresses(session: Session, found: dict[int, CustomerRow]) -> None:
    addresses = session.execute(
        select(CustomerEmail.customer_id, CustomerEmail.address, RecipientKey.key)
        .join(RecipientKey, RecipientKey.id == CustomerEmail.recipient_key_id)
        .where(CustomerEmail.customer_id.in_(found))
        .order_by(CustomerEmail.id)
    )
    for customer_id, address, key in addresses:
        row = found[customer_id]
        row.first_address = row.first_address or address
        row.addresses[key] = row.addresses.get(key, 0) + 1


def _add_invoices(session: Session, found: dict[int, CustomerRow]) -> None:
    sums = session.execute(
        select(Invoice.customer_id, Invoice.currency, func.count(), func.sum(Invoice.gross_amount))
        .where(Invoice.customer_id.in_(found), Invoice.status != InvoiceStatus.CLOSED)
        .group_by(Invoice.customer_id, Invoice.currency)
        .order_by(Invoice.currency)
    )
    amounts: dict[int, dict[str, Decimal]] = defaultdict(dict)
    for customer_id, currency, n, gross in sums:
        found[customer_id].open_invoices += n
        amounts[customer_id][currency] = gross
    for customer_id, each in amounts.items():
        found[customer_id].amounts = each


def _add_last_mails(session: Session, found: dict[int, CustomerRow]) -> None:
    happened = Result.status.not_in((ResultStatus.READY, ResultStatus.REMOVED))
    last = (
        select(func.max(Result.id))
        .where(Result.customer_id.in_(found), happened)
        .group_by(Result.customer_id)
    )
    for result in session.scalars(select(Result).where(Result.id.in_(last))):
        found[result.customer_id].last = result
