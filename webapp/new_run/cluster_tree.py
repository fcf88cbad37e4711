"""The customer clusters to choose from: as a tree of which only what was opened is built, or as a search.

The graph may be large and full of diamonds: written out as a tree it could have more branches than there are
atoms. So a branch is named by its path from the top, and only the branches asked for are returned."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from webapp.access import Viewer, seen_by, visible_to
from webapp.periods import within
from webapp.store.customers import Cluster, ClusterParent, Customer
from webapp.store.invoices import Invoice

MATCHES_MAX = 50
CHILDREN_MAX = 200
LEVELS_MAX = 40
ROOTS_OPENED_MAX = 3

Path = tuple[int, ...]


@dataclass(frozen=True)
class ClusterGraph:
    """The clusters that a person may see, their edges in the order of names, and their own invoices."""

    names: dict[int, str]
    children: dict[int, list[int]]
    parents: dict[int, list[int]]
    invoices: dict[int, int]

    @property
    def roots(self) -> list[int]:
        return [id for id in self.names if not self.parents[id]]

    def below(self, id: int) -> set[int]:
        """The cluster and all its descendants, each once."""
        reached, waiting = {id}, [id]
        while waiting:
            fresh = [child for child in self.children[waiting.pop()] if child not in reached]
            reached.update(fresh)
            waiting += fresh
        return reached

    def counted(self, id: int) -> int:
        """The invoices of the cluster and of all below it. A customer has one cluster, so counts once."""
        return sum(self.invoices.get(cluster, 0) for cluster in self.below(id))

    def path_to(self, id: int) -> Path:
        """The shortest path down to the cluster, itself at the end."""
        ways: deque[Path] = deque([(id,)])
        seen = {id}
        while True:
            way = ways.popleft()
            if not self.parents[way[0]]:
                return way
            for parent in self.parents[way[0]]:
                if parent not in seen:
                    seen.add(parent)
                    ways.append((parent, *way))

    def has(self, path: Path) -> bool:
        """Whether this is a path down through the graph."""
        known = path[0] in self.names and not self.parents[path[0]]
        return known and all(child in self.children.get(one, ()) for one, child in pairwise(path))


@dataclass(frozen=True)
class Twig:
    """A cluster at one place of the tree, or a match of a search. `path` names the place ("1-5-7"); `also_in`
    are its other parents, `within` the names on the way to a match. `children` is None for a closed
    branch; `more` is how many children are left out."""

    path: str
    name: str
    invoices: int
    also_in: list[str] = field(default_factory=list)
    within: list[str] = field(default_factory=list)
    has_children: bool = False
    children: list[Twig] | None = None
    more: int = 0


def graph(session: Session, viewer: Viewer, first: date, last: date) -> ClusterGraph:
    """The clusters that the viewer may see, with their invoices of the period. Three statements."""
    rows = session.execute(
        select(Cluster.id, Cluster.tag_name).where(visible_to(viewer, Cluster)).order_by(Cluster.tag_name)
    )
    names = {id: name for id, name in rows}
    children: dict[int, list[int]] = {id: [] for id in names}
    parents: dict[int, list[int]] = {id: [] for id in names}
    places = {id: place for place, id in enumerate(names)}
    edges = session.execute(select(ClusterParent.parent_id, ClusterParent.child_id))
    seen = [(parent, child) for parent, child in edges if parent in names and child in names]
    for parent, child in sorted(seen, key=lambda edge: (places[edge[0]], places[edge[1]])):
        children[parent].append(child)
        parents[child].append(parent)
    counted = session.execute(
        select(Customer.cluster_id, func.count())
        .join(Invoice, Invoice.customer_id == Customer.id)
        .where(within(first, last), seen_by(viewer))
        .group_by(Customer.cluster_id)
    )
    return ClusterGraph(names, children, parents, {id: n for id, n in counted})


def opened_at_first(seen: ClusterGraph) -> set[Path]:
    """What is open at first: the top level, unless it is wide already."""
    roots = seen.roots
    return {(root,) for root in roots} if len(roots) <= ROOTS_OPENED_MAX else set()


def tree(seen: ClusterGraph, opened: Collection[Path], chosen: int | None) -> list[Twig]:
    """The roots and all that is open below them; the path to the chosen cluster is open too."""
    way = seen.path_to(chosen) if chosen is not None else ()
    shown = {*opened, *(way[:depth] for depth in range(1, len(way) + 1))}
    return [twig(seen, (root,), shown) for root in seen.roots[:CHILDREN_MAX]]


def twig(seen: ClusterGraph, path: Path, opened: Collection[Path]) -> Twig:
    """The cluster at the end of the path and, as far as they are open, those below it."""
    id, above = path[-1], path[-2] if len(path) > 1 else None
    below = seen.children[id]
    children = None
    if path in opened and below and len(path) < LEVELS_MAX:
        on_the_way = {way[len(path)] for way in opened if len(way) > len(path) and way[: len(path)] == path}
        listed = [child for place, child in enumerate(below) if place < CHILDREN_MAX or child in on_the_way]
        children = [twig(seen, (*path, child), opened) for child in listed]
    return Twig(
        path="-".join(map(str, path)),
        name=seen.names[id],
        invoices=seen.counted(id),
        also_in=[seen.names[parent] for parent in seen.parents[id] if parent != above],
        has_children=bool(below),
        children=children,
        more=len(below) - len(children) if children else 0,
    )


def matches(seen: ClusterGraph, text: str) -> list[Twig]:
    """Up to 50 clusters whose name contains the text, those that begin with it first."""
    wanted = text.casefold()
    found = [(not name.casefold().startswith(wanted), id) for id, name in seen.names.items()
             if wanted in name.casefold()]  # fmt: skip
    found.sort(key=lambda one: one[0])  # stable: by name within
    twigs = []
    for _, id in found[:MATCHES_MAX]:
        way = seen.path_to(id)
        names = [seen.names[step] for step in way[:-1]]
        twigs.append(
            Twig("-".join(map(str, way[-LEVELS_MAX:])), seen.names[id], seen.counted(id), within=names[-3:])
        )
    return twigs
