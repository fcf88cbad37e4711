"""The clusters as rows of a tree table, and as a map. Each has one row, below the first of its parents, and
names its other ones. Beyond 300 clusters only the top, the search's matches and what is around the chosen one
are shown."""

from __future__ import annotations

from dataclasses import dataclass

from webapp.customers.cluster_graph import ClusterNumbers, VisibleGraph
from webapp.customers.cluster_layout import ClusterMap, layout

CLUSTERS_SHOWN_MAX = 300
DEPTH_SHOWN_MAX = 3
"""Deeper rows are not moved further to the right."""


@dataclass(frozen=True)
class ClusterRow:
    """A row of the table. `also_under` are the names of its other parents; `hides_children`: some of
    its children are in no row."""

    id: int
    name: str
    depth: int
    also_under: list[str]
    hides_children: bool
    numbers: ClusterNumbers


def rows(graph: VisibleGraph, chosen: int | None, search: str) -> list[ClusterRow]:
    """The rows of the table: what contains the text searched for, or the tree as far as it is shown."""
    if wanted := search.strip().casefold():
        found = [id for id, name in graph.names.items() if wanted in name.casefold()]
        return [_row(graph, id, 0, None, set(graph.names)) for id in found[:CLUSTERS_SHOWN_MAX]]
    shown = _shown(graph, chosen)
    listed: list[ClusterRow] = []
    seen: set[int] = set()
    waiting: list[tuple[int, int, int | None]] = [(id, 0, None) for id in reversed(graph.roots)]
    while waiting:
        id, depth, above = waiting.pop()
        if id in seen or id not in shown:
            continue
        seen.add(id)
        below = [child for child in graph.children[id] if child in shown and child not in seen]
        listed.append(_row(graph, id, depth, above, shown))
        waiting += [(child, depth + 1, id) for child in reversed(below)]
    return listed


def _shown(graph: VisibleGraph, chosen: int | None) -> set[int]:
    """All clusters, or of very many the top ones, the chosen one, and what is directly above and below it."""
    if len(graph.names) <= CLUSTERS_SHOWN_MAX:
        return set(graph.names)
    found = set(graph.roots[:CLUSTERS_SHOWN_MAX])
    if chosen is not None:
        found |= {chosen, *graph.above(chosen), *graph.children[chosen][:CLUSTERS_SHOWN_MAX]}
    return found


def _row(graph: VisibleGraph, id: int, depth: int, above: int | None, shown: set[int]) -> ClusterRow:
    return ClusterRow(
        id=id,
        name=graph.names[id],
        depth=min(depth, DEPTH_SHOWN_MAX),
        also_under=[graph.names[parent] for parent in graph.parents[id] if parent != above],
        hides_children=not shown.issuperset(graph.children[id]),
        numbers=graph.counted(id),
    )


def mapped(graph: VisibleGraph, chosen: int | None) -> ClusterMap | None:
    """The map of the clusters that are shown; None if these are very many, or only one."""
    shown = _shown(graph, chosen)
    if not 1 < len(shown) <= CLUSTERS_SHOWN_MAX:
        return None
    below = {
        id: [child for child in graph.children[id] if child in shown] for id in graph.names if id in shown
    }
    return layout(below)


def paths_to(graph: VisibleGraph, chosen: int | None) -> set[int]:
    """The chosen cluster and all above it: what the map shows in colour."""
    return set() if chosen is None else {chosen, *graph.above(chosen)}
