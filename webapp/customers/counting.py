"""How many customers a filter leaves, and how many are in each state."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from webapp import keyset
from webapp.access import Viewer
from webapp.customer_search import customers_with
from webapp.customers import filters
from webapp.customers.filters import SUSPENDED, CustomerFilter
from webapp.keyset import Counted
from webapp.remembered import changes_by_people, remembered
from webapp.results import to_fix
from webapp.store.customers import Customer

Found = TypeVar("Found")


def count(
    session: Session, viewer: Viewer, shown: CustomerFilter, states: Mapping[str, Counted] | None
) -> Counted:
    """How many customers the filter leaves; a state within a cluster is known already, or counted as the
    states are."""
    if shown.search:
        found, most = customers_with(session, shown.search, filters.SEARCHED_MAX), filters.SEARCHED_MAX
        if not filters.conditions(session, viewer, replace(shown, search="")):
            return Counted(min(len(found), most), len(found) > most)
        return keyset.counted(session, filters.hits(session, viewer, shown), most)
    if shown.missing:
        return keyset.counted(session, select(Customer.id).where(*filters.conditions(session, viewer, shown)))
    known = states or state_counts(session, viewer, shown)
    if shown.state == filters.TO_FIX and known[shown.state].more:
        return _remembered(
            *("customers to fix", session, viewer, shown),
            lambda: _counted_to_fix(session, viewer, shown, known[""].n, keyset.COUNTED_MAX),
        )
    return known[shown.state]


def _remembered(
    name: str, session: Session, viewer: Viewer, shown: CustomerFilter, count: Callable[[], Found]
) -> Found:
    """What is counted of the customers of the chosen cluster, until a person or an import changes something,
    or there is more or less to fix: to count 200,000 takes longer than all else on the page."""
    what = (name, viewer.clusters, shown.cluster, shown.include_children)
    newest = session.scalar(select(func.max(Customer.id)))
    stamp = (newest, changes_by_people(session), to_fix.open_stamp(session, viewer))
    return remembered(session, what, stamp, count)


def _exactly(session: Session, ids: Select[int]) -> int:
    return session.scalar(select(func.count()).select_from(ids.subquery())) or 0


def state_counts(session: Session, viewer: Viewer, shown: CustomerFilter) -> dict[str, Counted]:
    """How many customers of the chosen cluster have each state. Raises ValueError for a state that does not
    exist."""
    if shown.state not in filters.STATES:
        raise ValueError(f"there is no state {shown.state!r}")
    return _remembered(
        *("states of customers", session, viewer, shown), lambda: _state_counts(session, viewer, shown)
    )


def _state_counts(session: Session, viewer: Viewer, shown: CustomerFilter) -> dict[str, Counted]:
    everyone = _exactly(session, select(Customer.id).where(*filters.of_clusters(session, viewer, shown)))
    each = filters.of_clusters(
        session, viewer, shown, row_by_row=Customer if everyone > filters.FEW_CUSTOMERS_MAX else None
    )
    suspended = _exactly(session, select(Customer.id).where(*each, Customer.suspended.is_(True)))
    return {
        "": Counted(everyone),
        filters.ACTIVE: Counted(everyone - suspended),
        SUSPENDED: Counted(suspended),
        filters.TO_FIX: _counted_to_fix(session, viewer, shown, everyone, TO_FIX_COUNTED_MAX),
    }


TO_FIX_COUNTED_MAX = 1_000


def _counted_to_fix(
    session: Session, viewer: Viewer, shown: CustomerFilter, everyone: int, at_most: int
) -> Counted:
    """How many customers have something to fix. At first only some of the open results are looked at: enough
    customers are nearly always among these. Of a small cluster each customer is asked for its own."""
    ours = filters.of_clusters(session, viewer, shown)
    if ours and everyone <= filters.FEW_CUSTOMERS_MAX:
        theirs = select(Customer.id).where(*ours, filters.has_something_to_fix())
        return keyset.counted(session, theirs, at_most)
    ids = filters.to_fix(session, viewer, shown, everyone)
    some = ids.limit(2 * at_most).subquery()
    read, n = session.execute(select(func.count(), func.count(some.c.customer_id.distinct()))).one()
    if n > at_most or read < 2 * at_most:
        return Counted(min(n, at_most), n > at_most)
    return keyset.counted(session, ids.distinct(), at_most)


def number_of(session: Session, conditions: Sequence[ColumnElement[bool]]) -> int:
    """How many customers meet these conditions."""
    return _exactly(session, select(Customer.id).where(*conditions))
