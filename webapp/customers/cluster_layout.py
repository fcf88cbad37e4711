"""Where the clusters stand on their map: a layered layout of a directed acyclic graph (Sugiyama, Tagawa and
Toda 1981).

1. A cluster's layer is the length of the longest path that leads to it.
2. An edge over several layers gets a place in each of those between.
3. Layers are put in order by barycentres, down and up in turn; the order with the fewest crossings stays.
4. The layers are columns, from left to right; each column is centred."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from itertools import pairwise

BOX_WIDTH, BOX_HEIGHT = 214, 48
COLUMN_WIDTH, ROW_HEIGHT, PASSAGE_HEIGHT = 286, 58, 14
MARGIN = 8
SWEEPS = 12

Node = tuple[int, int]
"""A cluster (id, -1), or the place of an edge in a layer between: (number of the edge, layer)."""
IS_CLUSTER = -1


@dataclass(frozen=True)
class MapBox:
    """Where a cluster stands; x and y are its left upper corner."""

    id: int
    x: int
    y: int


@dataclass(frozen=True)
class MapEdge:
    """An edge, as the path of an SVG."""

    parent: int
    child: int
    path: str


@dataclass(frozen=True)
class ClusterMap:
    """The map, in SVG's units."""

    width: int
    height: int
    boxes: list[MapBox]
    lines: list[MapEdge]


def layout(children: Mapping[int, Sequence[int]]) -> ClusterMap:
    """Lay out the graph: each cluster with its children, which must be among the clusters."""
    layer_of = _layers(children)
    edges = [(parent, child) for parent, below in children.items() for child in below]
    ways: list[list[Node]] = []
    columns: list[list[Node]] = [[] for _ in range(max(layer_of.values(), default=-1) + 1)]
    for id, layer in layer_of.items():
        columns[layer].append((id, IS_CLUSTER))
    for number, (parent, child) in enumerate(edges):
        between: list[Node] = [(number, layer) for layer in range(layer_of[parent] + 1, layer_of[child])]
        for node in between:
            columns[node[1]].append(node)
        ways.append([(parent, IS_CLUSTER), *between, (child, IS_CLUSTER)])
    ordered = _in_order(columns, ways)
    return _drawn(ordered, edges, ways)


def _layers(children: Mapping[int, Sequence[int]]) -> dict[int, int]:
    """The layer of each cluster: one beyond the last of its parents."""
    parents: dict[int, list[int]] = {id: [] for id in children}
    for parent, below in children.items():
        for child in below:
            parents[child].append(parent)
    found: dict[int, int] = {}
    for id in TopologicalSorter(parents).static_order():
        found[id] = max((found[parent] + 1 for parent in parents[id]), default=0)
    return {id: found[id] for id in children}


def _in_order(columns: list[list[Node]], ways: list[list[Node]]) -> list[list[Node]]:
    left: dict[Node, list[Node]] = {node: [] for column in columns for node in column}
    right: dict[Node, list[Node]] = {node: [] for column in columns for node in column}
    for way in ways:
        for one, other in pairwise(way):
            right[one].append(other)
            left[other].append(one)
    best, fewest = columns, _crossings(columns, right)
    current = columns
    for sweep in range(SWEEPS):
        if not fewest:
            break
        forwards = sweep % 2 == 0
        current = _swept(current, left if forwards else right, forwards=forwards)
        crossings = _crossings(current, right)
        if crossings < fewest:
            best, fewest = current, crossings
    return best


def _swept(
    columns: list[list[Node]], neighbours: dict[Node, list[Node]], *, forwards: bool
) -> list[list[Node]]:
    """Each column but the first, sorted by the mean place of each node's neighbours in the column before."""
    result = list(columns if forwards else columns[::-1])
    for number in range(1, len(result)):
        places = {node: place for place, node in enumerate(result[number - 1])}
        own = {node: place for place, node in enumerate(result[number])}

        def mean(
            node: Node, places: dict[Node, int] = places, own: dict[Node, int] = own
        ) -> tuple[float, int]:
            beside = [places[each] for each in neighbours[node] if each in places]
            return (sum(beside) / len(beside) if beside else own[node], own[node])

        result[number] = sorted(result[number], key=mean)
    return result if forwards else result[::-1]


def _crossings(columns: list[list[Node]], right: dict[Node, list[Node]]) -> int:
    """How many pairs of edges between neighbouring columns cross: inversions of their ends."""
    count = 0
    for column, after in pairwise(columns):
        places = {node: place for place, node in enumerate(after)}
        ends: list[int] = []
        for node in column:
            here = sorted(places[each] for each in right[node])
            count += sum(len(ends) - bisect_right(ends, end) for end in here)
            for end in here:
                insort(ends, end)
    return count


def _drawn(columns: list[list[Node]], edges: list[tuple[int, int]], ways: list[list[Node]]) -> ClusterMap:
    heights = [sum(_room(node) for node in column) for column in columns]
    height = max(heights, default=0)
    middle: dict[Node, tuple[int, int]] = {}
    for layer, column in enumerate(columns):
        y = MARGIN + (height - heights[layer]) // 2
        for node in column:
            middle[node] = (MARGIN + layer * COLUMN_WIDTH, y + _room(node) // 2)
            y += _room(node)
    boxes = [
        MapBox(node[0], x, y - BOX_HEIGHT // 2) for node, (x, y) in middle.items() if node[1] == IS_CLUSTER
    ]
    lines = [
        MapEdge(parent, child, _path([middle[node] for node in way]))
        for (parent, child), way in zip(edges, ways, strict=True)
    ]
    width = 2 * MARGIN + max(0, len(columns) - 1) * COLUMN_WIDTH + BOX_WIDTH
    return ClusterMap(width, height + 2 * MARGIN, boxes, lines)


def _room(node: Node) -> int:
    return ROW_HEIGHT if node[1] == IS_CLUSTER else PASSAGE_HEIGHT


def _path(places: list[tuple[int, int]]) -> str:
    """A curve from the right side of one box, straight through the columns between, to the left of
    another."""
    x, y = places[0]
    drawn = [f"M{x + BOX_WIDTH} {y}"]
    bend = (COLUMN_WIDTH - BOX_WIDTH) // 2
    for number, (x, y) in enumerate(places[1:], 1):
        before = places[number - 1][1]
        drawn.append(f"C{x - bend} {before} {x - bend} {y} {x} {y}")
        if number < len(places) - 1:
            drawn.append(f"H{x + BOX_WIDTH}")
    return "".join(drawn)
