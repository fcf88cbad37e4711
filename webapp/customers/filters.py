"""Which customers a filter leaves: the same conditions for the list, its download, and the change of all that
match."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, Select, and_, exists, func, or_, select, union_all
from sqlalchemy.orm import Session, aliased

from webapp import cluster_paths, keyset
from webapp.access import Viewer, below, visible_to
from webapp.customer_search import customers_with
from webapp.keyset import Order
from webapp.results.to_fix import IS_TO_FIX
from webapp.store.customers import Cluster, Customer, CustomerEmail, RecipientKey
from webapp.store.definitions import MessageDefinition
from webapp.store.dialects import id_in, unindexed
from webapp.store.runs import Result, Run
from webapp.store.statuses import ResultStatus, SkipReason
from webapp.store.text_search import CUSTOMER_SEARCH, TRIGRAM, found_in, may_hold, search_words
from webapp.translation import N_

ACTIVE, SUSPENDED, TO_FIX = "active", "suspended", "fix"
STATES = ("", ACTIVE, SUSPENDED, TO_FIX)
SEARCHED_MAX = 2_000
"""Up to this many hits of a search are counted, and looked up by the search table. Of more, each customer's
own text is looked at."""

ORDERS: dict[str, Order[Customer]] = {
    "": Order(N_("Name"), Customer.sort_name, lambda customer: customer.sort_name, str),
    "code": Order(N_("Code"), Customer.code, lambda customer: customer.code, str),
}
"""By their names in addresses."""


@dataclass(frozen=True)
class CustomerFilter:
    """What the list of customers is narrowed to. `cluster` is a tag name, `missing` a recipient key, `state`
    one of STATES."""

    cluster: str = ""
    include_children: bool = False
    missing: str = ""
    state: str = ""
    search: str = ""


def conditions(
    session: Session, viewer: Viewer, shown: CustomerFilter, *, row_by_row: Any = None
) -> list[ColumnElement[bool]]:
    """The conditions on Customer; with `row_by_row` on this alias of it, or on Customer itself, such that no
    index but that of an order begins with them. Raises ValueError for a state or a key that does not exist: a
    filter that is not understood must never match everything."""
    if shown.state not in STATES:
        raise ValueError(f"there is no state {shown.state!r}")
    found = of_clusters(session, viewer, shown, row_by_row=row_by_row)
    customer = Customer if row_by_row is None else row_by_row
    if shown.state in (ACTIVE, SUSPENDED):
        found.append(customer.suspended.is_(shown.state == SUSPENDED))
    elif shown.state == TO_FIX:
        each = row_by_row is not None or is_small(session, viewer, shown)
        of_all = Customer.id.in_(to_fix(session, viewer, shown))
        found.append(has_something_to_fix(customer) if each else of_all)
    if shown.missing:
        key = session.scalar(select(RecipientKey.id).where(RecipientKey.key == shown.missing))
        if key is None:
            raise ValueError(f"there is no recipient key {shown.missing!r}")
        held = Customer.address_keys if row_by_row is None else unindexed(customer.address_keys)
        found.append(held.in_(_sets_without(session, key)))
    if search_words(shown.search):
        by_words = mentions(session, shown.search) if row_by_row is None else says(shown.search, customer)
        found.append(by_words)
    return found


def of_clusters(
    session: Session, viewer: Viewer, shown: CustomerFilter, *, row_by_row: Any = None
) -> list[ColumnElement[bool]]:
    """The condition of the clusters that the person sees and has chosen; a name that no visible cluster has
    leaves no customer."""
    if not viewer.clusters and not shown.cluster:
        return []
    home = Customer.cluster_id if row_by_row is None else unindexed(row_by_row.cluster_id)
    return [home.in_(cluster_ids(session, viewer, shown))]


def cluster_ids(session: Session, viewer: Viewer, shown: CustomerFilter) -> Sequence[int]:
    """The clusters that the person sees and has chosen."""
    clusters = select(Cluster.id).where(visible_to(viewer, Cluster))
    if shown.cluster:
        chosen = cluster_paths.cluster_id(session, viewer, shown.cluster) or 0
        reached = (
            Cluster.id.in_(below(frozenset({chosen}))) if shown.include_children else Cluster.id == chosen
        )
        clusters = clusters.where(reached)
    return session.scalars(clusters).all()


FEW_CUSTOMERS_MAX = 10_000
"""Up to this many customers of a cluster are found before their states and open results are looked at."""


def is_small(session: Session, viewer: Viewer, shown: CustomerFilter) -> bool:
    """Whether the clusters that the person sees and has chosen have few customers."""
    ours = of_clusters(session, viewer, shown)
    every = select(Customer.id).where(*ours)
    return bool(ours) and not keyset.counted(session, every, FEW_CUSTOMERS_MAX).more


def mentions(session: Session, wanted: str) -> ColumnElement[bool]:
    """Whether code, name, an address or the metadata of the current Customer contain every word."""
    found = customers_with(session, wanted, SEARCHED_MAX)
    return says(wanted) if len(found) > SEARCHED_MAX else id_in(session, Customer.id, found)


def says(wanted: str, customer: Any = Customer) -> ColumnElement[bool]:
    """The same, looked at in the current Customer's own text."""
    text = CUSTOMER_SEARCH.c.text
    said = (text.contains(word, autoescape=True) for word in search_words(wanted))
    return exists(select(1).where(CUSTOMER_SEARCH.c.rowid == customer.id, *said))


def hits(session: Session, viewer: Viewer, shown: CustomerFilter) -> Select[int]:
    """The ids of the customers that the filter leaves, one by one as the search table finds them."""
    others = conditions(session, viewer, replace(shown, search=""), row_by_row=Customer)
    few = customers_with(session, shown.search, SEARCHED_MAX)
    if len(few) <= SEARCHED_MAX:
        return select(Customer.id).where(id_in(session, Customer.id, few), *others)
    may_be = may_be_hits(session, shown.search) if others else None
    if may_be is not None:  # the text is looked at last, of those that meet all else
        return select(Customer.id).where(Customer.id.in_(may_be), *others, says(shown.search))
    found = found_in(session, CUSTOMER_SEARCH, shown.search)
    return found.join(Customer, Customer.id == CUSTOMER_SEARCH.c.rowid).where(*others) if others else found


HASHED_MAX = 200_000


def may_be_hits(session: Session, wanted: str) -> Select[int] | None:
    """The ids of the customers that have every trigram of the words, as a set that PostgreSQL hashes; None if
    no word has a trigram, or if they are too many for that."""
    words = [word for word in search_words(wanted) if len(word) >= TRIGRAM]
    if not words:
        return None
    found = select(CUSTOMER_SEARCH.c.rowid).where(may_hold(CUSTOMER_SEARCH.c.text, *words))
    last = session.scalar(select(func.max(Customer.id))) or 0
    are_few = last <= HASHED_MAX or not keyset.counted(session, found, HASHED_MAX).more
    return found if are_few else None


def _sets_without(session: Session, recipient_key_id: int) -> list[str]:
    """The sets of recipient keys that customers have and that do not have this one. They are few: each is
    met by one step in the index."""
    first = select(func.min(Customer.address_keys).label("held")).cte("sets", recursive=True)
    other = aliased(Customer)
    further = select(func.min(other.address_keys)).where(other.address_keys > first.c.held).scalar_subquery()
    sets = first.union_all(select(further).where(first.c.held.is_not(None)))
    known = session.scalars(select(sets.c.held).where(sets.c.held.is_not(None))).all()
    return [keys for keys in known if f",{recipient_key_id}," not in keys]


FAILED = (ResultStatus.FAILED, ResultStatus.BOUNCED)


def with_something_to_fix(session: Session) -> CompoundSelect[int]:
    """The customers, some of them several times, that have a mail in a run that is not archived that failed,
    came back, or has no address to go to, today neither. Read from the index of open results."""
    runs = select(Run.id).where(Run.archived_at.is_(None))
    failed = select(Result.customer_id).where(
        IS_TO_FIX, Result.status.in_(FAILED), Result.reason == "", Result.run_id.in_(runs)
    )
    used = select(MessageDefinition.recipient_key_id).distinct()
    return union_all(failed, *(_without(session, key, runs) for key in session.scalars(used)))


def _without(session: Session, recipient_key_id: int, runs: Select[int]) -> Select[int]:
    """The customers of results that were skipped for want of an address with this key, and have none now:
    few customers have none, and are found by the keys that they have."""
    with_key = runs.join(MessageDefinition, MessageDefinition.id == Run.definition_id).where(
        MessageDefinition.recipient_key_id == recipient_key_id
    )
    have_none = select(Customer.id).where(Customer.address_keys.in_(_sets_without(session, recipient_key_id)))
    return select(Result.customer_id).where(
        IS_TO_FIX,
        Result.status == ResultStatus.SKIPPED,
        Result.reason == SkipReason.NO_RECIPIENT,
        Result.run_id.in_(with_key),
        Result.customer_id.in_(have_none),
    )


HASHED_CUSTOMERS_MAX = 50_000
"""Up to this many customers of a cluster are found before the open results; of more, each result is asked for
its customer."""


def to_fix(
    session: Session, viewer: Viewer, shown: CustomerFilter, everyone: int | None = None
) -> Select[int]:
    """The same of the clusters that the person sees and has chosen; `everyone`: how many customers they have,
    if that is known."""
    found = with_something_to_fix(session).subquery()
    ids, ours = select(found.c.customer_id), of_clusters(session, viewer, shown)
    if not ours:
        return ids
    if everyone is not None and everyone > HASHED_CUSTOMERS_MAX:
        home = select(Customer.cluster_id).where(Customer.id == found.c.customer_id).scalar_subquery()
        return ids.where(home.in_(cluster_ids(session, viewer, shown)))
    return ids.where(found.c.customer_id.in_(select(Customer.id).where(*ours)))


def has_something_to_fix(customer: Any = Customer) -> ColumnElement[bool]:
    """The same of the current Customer, looked up among its own open results. As a value, which no database
    takes for a way to find customers."""
    key = select(MessageDefinition.recipient_key_id).where(MessageDefinition.id == Run.definition_id)
    has_one = exists().where(
        CustomerEmail.customer_id == customer.id,
        CustomerEmail.recipient_key_id == key.correlate(Run).scalar_subquery(),
    )
    has_one = has_one.correlate_except(CustomerEmail)
    failed = and_(Result.status.in_(FAILED), Result.reason == "")
    without = and_(Result.status == ResultStatus.SKIPPED, Result.reason == SkipReason.NO_RECIPIENT, ~has_one)
    first = (
        select(Result.id)
        .join(Run, Run.id == Result.run_id)
        .where(IS_TO_FIX, Result.customer_id == customer.id, Run.archived_at.is_(None), or_(failed, without))
        .correlate_except(Result, Run)
    )
    return first.limit(1).scalar_subquery().is_not(None)
