"""Clusters that a person renamed: the source may go on calling them by their old name.

A file that names such a cluster means it, unless another cluster has the old name by now, or clusters.csv
names the cluster by its present name: then the source has followed, and the old name is free again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.imports.reading import CsvRow
from webapp.sources import TAG_NAME
from webapp.store.customers import Cluster
from webapp.store.statuses import SourceSubject
from webapp.store.users import SourceValue


@dataclass
class RenamedClusters:
    """`now`: the present name of each, by the source's. `ids`: the cluster of each present name. `named`:
    those that clusters.csv names as the source does; `followed`: those that it names by the present name."""

    now: dict[str, str] = field(default_factory=dict)
    ids: dict[str, int] = field(default_factory=dict)
    named: dict[str, str] = field(default_factory=dict)
    followed: dict[str, str] = field(default_factory=dict)

    def present(self, name: str) -> str:
        """What a cluster of this name is called now."""
        return self.now.get(name, name)

    def translate_clusters(self, rows: Iterable[CsvRow]) -> Iterator[CsvRow]:
        """The rows of clusters.csv with present names. All are read first: what the file says of one name
        depends on whether it has the other too."""
        all_rows = list(rows)
        says = {row["tag_name"] for row in all_rows}
        self.followed = {old: new for old, new in self.now.items() if new in says}
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
