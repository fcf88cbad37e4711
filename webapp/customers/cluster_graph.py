"""The graph of customer clusters that a person may see, with what each has: customers, invoices, and
customers without an address. A customer has one cluster, so what lies below a cluster counts once, however
many ways lead there."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from webapp.access import Viewer, visible_to
from webapp.periods import within
from webapp.store.customers import Cluster, ClusterParent, Customer, RecipientKey
from webapp.store.definitions import MessageDefinition
from webapp.store.invoices import Invoice


@dataclass(frozen=True)
class ClusterNumbers:
    """What customers of a cluster, or of all below it, are: their number, their invoices of the latest
    period, and those without an address for the recipient key that most definitions use."""

    customers: int = 0
    invoices: int = 0
    missing: int = 0

    def __add__(self, other: ClusterNumbers) -> ClusterNumbers:
        return ClusterNumbers(
            self.customers + other.customers, self.invoices + other.invoices, self.missing + other.missing
        )


NONE = ClusterNumbers()


@dataclass(frozen=True)
class ClusterNumbering:
    """The numbers of each cluster's own customers; `period` and `key` say what of."""

    period: tuple[date, date] | None
    key: str
    own: dict[int, ClusterNumbers]


@dataclass
class VisibleGraph:
    """The clusters, by name, and their edges, both ways, in the order of names."""

    names: dict[int, str]
    children: dict[int, list[int]]
    parents: dict[int, list[int]]
    numbers: ClusterNumbering
    _reached: dict[int, frozenset[int]] = field(default_factory=dict)

    @property
    def roots(self) -> list[int]:
        """The clusters that have no visible parent."""
        return [id for id in self.names if not self.parents[id]]

    def below(self, id: int) -> frozenset[int]:
        """The cluster and all its descendants, each once."""
        if id not in self._reached:
            self._reached[id] = frozenset(reached_from([id], self.children))
        return self._reached[id]

    def above(self, id: int) -> set[int]:
        """All clusters that reach this one, without itself."""
        return reached_from([id], self.parents) - {id}

    def total(self, ids: Iterable[int]) -> ClusterNumbers:
        """What the customers of these clusters are, together."""
        whole = NONE
        for id in ids:
            whole += self.numbers.own.get(id, NONE)
        return whole

    def counted(self, id: int) -> ClusterNumbers:
        """What the customers of the cluster and of all below it are."""
        return self.total(self.below(id))

    def path_down(self, top: int, bottom: int) -> list[str]:
        """A shortest path of names from a cluster down to one below it; empty if there is none."""
        came_from: dict[int, int | None] = {top: None}
        waiting = [top]
        for here in waiting:
            if here == bottom:
                break
            for child in self.children[here]:
                if child not in came_from:
                    came_from[child] = here
                    waiting.append(child)
        if bottom not in came_from:
            return []
        path: list[str] = []
        step: int | None = bottom
        while step is not None:
            path.insert(0, self.names[step])
            step = came_from[step]
        return path


def reached_from(starts: Collection[int], edges: dict[int, list[int]]) -> set[int]:
    """These clusters, and all that the edges lead to."""
    reached, waiting = set(starts), list(starts)
    while waiting:
        fresh = [id for id in edges[waiting.pop()] if id not in reached]
        reached.update(fresh)
        waiting += fresh
    return reached


def visible_graph(session: Session, viewer: Viewer, numbers: ClusterNumbering) -> VisibleGraph:
    """The graph as far as this person may see it. Two statements."""
    rows = session.execute(
        select(Cluster.id, Cluster.tag_name).where(visible_to(viewer, Cluster)).order_by(Cluster.tag_name)
    )
    names = {id: name for id, name in rows}
    places = {id: place for place, id in enumerate(names)}
    children: dict[int, list[int]] = {id: [] for id in names}
    parents: dict[int, list[int]] = {id: [] for id in names}
    edges = session.execute(select(ClusterParent.parent_id, ClusterParent.child_id))
    seen = [(parent, child) for parent, child in edges if parent in names and child in names]
    for parent, child in sorted(seen, key=lambda edge: (places[edge[0]], places[edge[1]])):
        children[parent].append(child)
        parents[child].append(parent)
    return VisibleGraph(names, children, parents, numbers)


def count_own(session: Session) -> ClusterNumbering:
    """Count the customers of every cluster, their invoices of the latest period, and the missing
    addresses."""
    latest = session.execute(
        select(Invoice.period_start, Invoice.period_end)
        .order_by(Invoice.period_start.desc(), Invoice.period_end.desc())
        .limit(1)
    ).first()
    key_id, key = _most_used_key(session)
    customers, missing = Counter[int](), Counter[int]()
    keys = (Customer.cluster_id, Customer.address_keys)
    for cluster_id, held, n in session.execute(select(*keys, func.count()).group_by(*keys)):
        customers[cluster_id] += n
        missing[cluster_id] += 0 if f",{key_id}," in held else n
    invoices: dict[int, int] = {}
    if latest:
        invoices = dict(
            session.execute(
                select(Customer.cluster_id, func.count())
                .join(Invoice, Invoice.customer_id == Customer.id)
                .where(within(*latest))
                .group_by(Customer.cluster_id)
            ).all()
        )
    own = {id: ClusterNumbers(n, invoices.get(id, 0), missing[id]) for id, n in customers.items()}
    return ClusterNumbering((latest.period_start, latest.period_end) if latest else None, key, own)


def _most_used_key(session: Session) -> tuple[int, str]:
    used = select(func.count(MessageDefinition.id)).where(
        MessageDefinition.recipient_key_id == RecipientKey.id, MessageDefinition.retired_at.is_(None)
    )
    row = session.execute(
        select(RecipientKey.id, RecipientKey.key)
        .order_by(used.scalar_subquery().desc(), RecipientKey.id)
        .limit(1)
    ).first()
    return (row.id, row.key) if row else (0, "")


KEPT_FACTOR = 50
"""Counting takes a fiftieth of the time at most: numbers that took half a second are kept for 25."""


class KeptNumbering:
    """The latest numbers, kept for a time in proportion to what counting them took: at once in a small
    database, seldom in one with a million invoices."""

    def __init__(self, count: Callable[[Session], ClusterNumbering]) -> None:
        self._count = count
        self._until = float("-inf")
        self._kept: ClusterNumbering | None = None

    def answer(self, session: Session) -> ClusterNumbering:
        """The numbers, counted now or a while ago."""
        if self._kept is None or time.monotonic() > self._until:
            began = time.monotonic()
            self._kept = self._count(session)
            took = time.monotonic() - began
            self._until = time.monotonic() + (KEPT_FACTOR * took if took > QUICK_SECONDS else 0)
        return self._kept


QUICK_SECONDS = 0.02
"""What takes less is counted every time."""
