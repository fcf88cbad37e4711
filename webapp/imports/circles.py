"""Clusters and their parents: which edges an import changes, and circles, reported before they are made.

A cluster that a person renamed is still meant by its old name, which the source may go on using, unless
another cluster has that name by now, or clusters.csv names the cluster by its present name: then the source
has followed, and the old name is free again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.imports.reading import CsvRow
from webapp.sources import TAG_NAME
from webapp.store.customers import Cluster
from webapp.store.statuses import SourceSubject
from webapp.store.users import SourceValue

ParentLink = tuple[str, str]
"""A child's and a parent's tag name."""


@dataclass
class RenamedClusters:
    """`now`: the present name of each, by the source's. `ids`: the cluster of each present name. `named`:
    those that clusters.csv names as the source does; `followed`: those that it names by the present name.
    `carried`: those of which an export says that a person gave them this name."""

    now: dict[str, str] = field(default_factory=dict)
    ids: dict[str, int] = field(default_factory=dict)
    named: dict[str, str] = field(default_factory=dict)
    followed: dict[str, str] = field(default_factory=dict)
    carried: set[str] = field(default_factory=set)

    def present(self, name: str) -> str:
        """What a cluster of this name is called now."""
        return self.now.get(name, name)

    def translate_clusters(self, rows: Iterable[CsvRow]) -> Iterator[CsvRow]:
        """The rows of clusters.csv with present names. All are read first: what the file says of one name
        depends on whether it has the other too."""
        all_rows = list(rows)
        says = {row["tag_name"] for row in all_rows}
        self.followed = {old: new for old, new in self.now.items() if new in says and new not in self.carried}
        self.now = {old: new for old, new in self.now.items() if new not in says}
        self.named = {old: new for old, new in self.now.items() if old in says}
        for row in all_rows:
            row["tag_name"] = self.present(row["tag_name"])
            if row["parents"]:
                row["parents"] = [self.present(parent) for parent in row["parents"]]
            yield row

    def translate_customers(self, rows: Iterable[CsvRow]) -> Iterator[CsvRow]:
        """The rows of customers.csv with present names."""
        for row in rows:
            if row["cluster"] in self.now:
                row["cluster"] = self.now[row["cluster"]]
            yield row


def renamed_clusters(session: Session) -> RenamedClusters:
    """The clusters whose name a person changed."""
    rows = session.execute(
        select(SourceValue.value, Cluster.tag_name, Cluster.id)
        .join(Cluster, Cluster.id == SourceValue.subject_id)
        .where(SourceValue.subject == SourceSubject.CLUSTER, SourceValue.field == TAG_NAME)
    ).all()
    taken = set(session.scalars(select(Cluster.tag_name))) if rows else set()
    found = [row for row in rows if row.value not in taken]
    return RenamedClusters(
        now={row.value: row.tag_name for row in found}, ids={row.tag_name: row.id for row in found}
    )


@dataclass
class ImportedParents:
    """The parents that the file gives to the clusters named in it, with the line of each. They replace what
    is stored; other clusters keep their parents. `kept` are those that count instead, since a person gave
    them to the cluster and the source says nothing new (kept.py). All names are those of today."""

    parents: dict[str, tuple[str, ...]] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    kept: dict[str, tuple[str, ...]] = field(default_factory=dict)
    renamed: RenamedClusters = field(default_factory=RenamedClusters)

    def add(self, line: int, child: str, parents: Iterable[str]) -> None:
        """Add a line of the file. Of two lines for one cluster, the first counts (the second is an error
        anyway)."""
        if child not in self.lines:
            self.lines[child] = line
            self.parents[child] = tuple(parents)

    def unknown_parents(self, stored: set[str]) -> Iterable[tuple[int, str]]:
        """The parents that are neither in the file nor among the stored clusters, with the line."""
        for child, line in self.lines.items():
            for parent in self.parents[child]:
                if parent not in self.parents and parent not in stored:
                    yield line, parent

    def closing(self, stored: Iterable[ParentLink]) -> Iterable[tuple[int, list[str]]]:
        """The lines that close a circle, each with the circle: the cluster, its parent, and so on back to
        it."""
        graph: dict[str, set[str]] = {}
        for child, parent in stored:
            if child not in self.lines:
                graph.setdefault(child, set()).add(parent)
        wanted = {**self.parents, **self.kept}
        if not _has_circle({**graph, **{child: set(parents) for child, parents in wanted.items()}}):
            return
        for child, line in self.lines.items():
            for parent in wanted[child]:
                way = _way(graph, parent, child)
                if way:
                    yield line, [child, *way]
                else:
                    graph.setdefault(child, set()).add(parent)

    def changes(self, stored: Iterable[ParentLink]) -> tuple[set[ParentLink], set[ParentLink]]:
        """The edges to delete and those to add."""
        old = {edge for edge in stored if edge[0] in self.lines}
        wanted = {**self.parents, **self.kept}
        new = {(child, parent) for child, parents in wanted.items() for parent in parents}
        return old - new, new - old


def _has_circle(graph: Mapping[str, set[str]]) -> bool:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError:
        return True
    return False


def _way(graph: Mapping[str, set[str]], start: str, goal: str) -> list[str]:
    """A path upward from one cluster to another, both included; empty if there is none."""
    came_from = {start: ""}
    waiting = [start]
    while waiting:
        here = waiting.pop()
        if here == goal:
            way = [here]
            while came_from[way[-1]]:
                way.append(came_from[way[-1]])
            return way[::-1]
        for above in graph.get(here, ()):
            if above not in came_from:
                came_from[above] = here
                waiting.append(above)
    return []
