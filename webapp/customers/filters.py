"""Which customers a filter leaves: the same conditions for the list, its download, and the change of all that
match."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.orm import Session

from webapp import cluster_paths
from webapp.access import Viewer, below, visible_to
from webapp.store import keyset
from webapp.store.customers import Customer, CustomerEmail, RecipientKey
from webapp.store.definitions import MessageDefinition
from webapp.store.id_lists import id_in
from webapp.store.keyset import Order
from webapp.store.runs import Result, Run, RunCount
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
        found.append(has_something_to_fix())
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
    """Whether the current Customer has no address with this key. If few have none, they are looked up first,
    in one pass over all customers: in the order of ids, in which SQLite reads the index of addresses once."""
    has_none = ~has_address(recipient_key_id)
    lacking = select(Customer.id).where(has_none).order_by(Customer.id).limit(SEARCHED_MAX + 1)
    ids = session.scalars(lacking).all()
    return has_none if len(ids) > SEARCHED_MAX else and_(id_in(session, Customer.id, ids), has_none)


def has_address(recipient_key_id: int) -> ColumnElement[bool]:
    """Whether the current Customer has an address with this key."""
    return exists().where(
        CustomerEmail.customer_id == Customer.id, CustomerEmail.recipient_key_id == recipient_key_id
    )


FAILED = (ResultStatus.FAILED, ResultStatus.BOUNCED)


def has_something_to_fix() -> ColumnElement[bool]:
    """Whether the current Customer has a mail in a run that is not archived that failed, came back, or has no
    address to go to, today neither. Starts from the runs whose counts say that there are any."""
    counted = or_(RunCount.status.in_(FAILED), RunCount.reason == SkipReason.NO_RECIPIENT)
    runs = select(RunCount.run_id).where(counted).group_by(RunCount.run_id).having(func.sum(RunCount.n) > 0)
    has_one_today = exists().where(
        CustomerEmail.customer_id == Result.customer_id,
        CustomerEmail.recipient_key_id == MessageDefinition.recipient_key_id,
    )
    no_recipient = and_(
        Result.status == ResultStatus.SKIPPED, Result.reason == SkipReason.NO_RECIPIENT, ~has_one_today
    )
    return Customer.id.in_(
        select(Result.customer_id)
        .join(Run, Run.id == Result.run_id)
        .join(MessageDefinition, MessageDefinition.id == Run.definition_id)
        .where(
            Run.id.in_(runs),
            Run.archived_at.is_(None),
            Result.status.in_((*FAILED, ResultStatus.SKIPPED)),
            or_(Result.status.in_(FAILED), no_recipient),
        )
    )
