"""Which customers a filter leaves: the same conditions for the list, its download, and the change of all that
match."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, CompoundSelect, Select, exists, func, select, union_all
from sqlalchemy.orm import Session, aliased

from webapp import cluster_paths
from webapp.access import Viewer, below, visible_to
from webapp.results.to_fix import IS_TO_FIX
from webapp.store import keyset
from webapp.store.customers import Customer, CustomerEmail, RecipientKey
from webapp.store.definitions import MessageDefinition
from webapp.store.keyset import Order
from webapp.store.runs import Result, Run
from webapp.store.statuses import ResultStatus, SkipReason
from webapp.store.text_search import CUSTOMER_SEARCH, found_in, search_words

ACTIVE, SUSPENDED, TO_FIX = "active", "suspended", "fix"
STATES = ("", ACTIVE, SUSPENDED, TO_FIX)
SEARCHED_MAX = 5_000
"""Up to this many hits of a search are looked up by the search table. Of more, the list is walked instead,
and each customer's own text is looked at: a page of them is soon found."""

ORDERS: dict[str, Order[Customer]] = {
    "": Order("Name", Customer.sort_name, lambda customer: customer.sort_name, str),
    "code": Order("Code", Customer.code, lambda customer: customer.code, str),
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


def conditions(session: Session, viewer: Viewer, shown: CustomerFilter) -> list[ColumnElement[bool]]:
    """The conditions on Customer. Raises ValueError for a state or a key that does not exist: a filter that
    is not understood must never match everything."""
    if shown.state not in STATES:
        raise ValueError(f"there is no state {shown.state!r}")
    found = [visible_to(viewer, Customer), *of_cluster(session, viewer, shown)]
    if shown.state == ACTIVE:
        found.append(Customer.suspended.is_(False))
    elif shown.state == SUSPENDED:
        found.append(Customer.suspended.is_(True))
    elif shown.state == TO_FIX:
        found.append(Customer.id.in_(with_something_to_fix(session)))
    if shown.missing:
        key = session.scalar(select(RecipientKey.id).where(RecipientKey.key == shown.missing))
        if key is None:
            raise ValueError(f"there is no recipient key {shown.missing!r}")
        found.append(lacks_address(session, key))
    if search_words(shown.search):
        found.append(mentions(session, shown.search))
    return found


def of_cluster(session: Session, viewer: Viewer, shown: CustomerFilter) -> list[ColumnElement[bool]]:
    """The condition of the cluster alone; a name that no visible cluster has leaves no customer."""
    if not shown.cluster:
        return []
    cluster_id = cluster_paths.cluster_id(session, viewer, shown.cluster) or 0
    if not shown.include_children:
        return [Customer.cluster_id == cluster_id]
    return [Customer.cluster_id.in_(session.scalars(below(frozenset({cluster_id}))).all())]


def mentions(session: Session, wanted: str) -> ColumnElement[bool]:
    """Whether code, name, an address or the metadata of the current Customer contain every word."""
    hits = found_in(CUSTOMER_SEARCH, wanted)
    if not keyset.counted(session, hits, SEARCHED_MAX).more:
        return Customer.id.in_(hits)
    text = CUSTOMER_SEARCH.c.text
    said = (text.contains(word, autoescape=True) for word in search_words(wanted))
    return exists(select(1).where(CUSTOMER_SEARCH.c.rowid == Customer.id, *said))


def lacks_address(session: Session, recipient_key_id: int) -> ColumnElement[bool]:
    """Whether the current Customer has no address with this key. The sets of keys that customers have are
    few: each is met by one step in the index."""
    first = select(func.min(Customer.address_keys).label("held")).cte("sets", recursive=True)
    other = aliased(Customer)
    further = select(func.min(other.address_keys)).where(other.address_keys > first.c.held).scalar_subquery()
    sets = first.union_all(select(further).where(first.c.held.is_not(None)))
    known = session.scalars(select(sets.c.held).where(sets.c.held.is_not(None))).all()
    return Customer.address_keys.in_([keys for keys in known if f",{recipient_key_id}," not in keys])


FAILED = (ResultStatus.FAILED, ResultStatus.BOUNCED)


def with_something_to_fix(session: Session) -> CompoundSelect[int]:
    """The customers, some of them several times, that have a mail in a run that is not archived that failed,
    came back, or has no address to go to, today neither. Read from the index of open results."""
    runs = select(Run.id).where(Run.archived_at.is_(None))
    failed = select(Result.customer_id).where(
        IS_TO_FIX, Result.status.in_(FAILED), Result.reason == "", Result.run_id.in_(runs)
    )
    used = select(MessageDefinition.recipient_key_id).distinct()
    return union_all(failed, *(_without(key, runs) for key in session.scalars(used)))


def _without(recipient_key_id: int, runs: Select[int]) -> Select[int]:
    """The customers of results that were skipped for want of an address with this key, and have none now."""
    with_key = runs.join(MessageDefinition, MessageDefinition.id == Run.definition_id).where(
        MessageDefinition.recipient_key_id == recipient_key_id
    )
    has_one = exists().where(
        CustomerEmail.customer_id == Result.customer_id, CustomerEmail.recipient_key_id == recipient_key_id
    )
    return select(Result.customer_id).where(
        IS_TO_FIX,
        Result.status == ResultStatus.SKIPPED,
        Result.reason == SkipReason.NO_RECIPIENT,
        Result.run_id.in_(with_key),
        ~has_one,
    )
