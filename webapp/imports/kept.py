"""What people changed against the source, and whether the source still says what it said then: the person's
value stays; or something else: the source wins (webapp/sources.py remembers, docs/import.md has the rules).

The import compares all rows at once; this looks only at those of which something is remembered, one by one,
and notes in the staging tables what must not count."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Select, and_, case, insert, literal, select
from sqlalchemy.orm import Session

from webapp.imports import staged
from webapp.imports.changes import KEPT, SOURCE_WINS, RowChange, overruled, stays
from webapp.imports.circles import ImportedParents, RenamedClusters
from webapp.imports.kinds import Kind
from webapp.imports.staged import CLUSTER_FIELD, CLUSTER_ID
from webapp.imports.targets import Target, is_json
from webapp.sealed import is_sealed, keys_of
from webapp.sources import PARENTS, TAG_NAME, as_json
from webapp.store.customers import Cluster, ClusterParent
from webapp.store.statuses import SourceSubject
from webapp.store.users import SourceValue
from webapp.translation import _

VALUES = SourceValue.__table__


SUBJECTS = {
    staged.CLUSTER.name: SourceSubject.CLUSTER,
    staged.CUSTOMER.name: SourceSubject.CUSTOMER,
    staged.EMAIL.name: SourceSubject.CUSTOMER,
    staged.INVOICE.name: SourceSubject.INVOICE,
    staged.RESULT.name: SourceSubject.INVOICE,
}


@dataclass
class Judgement:
    """What was found about one file. `kept`: rows for the staging table of that name, by line; `spared`: ids
    of rows that stay in the same way. `forgotten`: fields of which the source said something new. `counts`
    are of all rows, `told` has up to `rows_max` of each kind. `seen` changes with everything that was looked
    at."""

    words: str
    subject: SourceSubject
    rows_max: int | None
    kept: dict[int, dict[str, Any]] = field(default_factory=dict)
    spared: list[int] = field(default_factory=list)
    forgotten: list[dict[str, Any]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    told: list[RowChange] = field(default_factory=list)
    digest: Any = field(default_factory=hashlib.sha256)

    @property
    def seen(self) -> str:
        return str(self.digest.hexdigest())

    def see(self, *values: Any) -> None:
        """Note what was looked at."""
        self.digest.update(repr(values).encode())

    def tell(self, kind: str, row: str, *told: str) -> None:
        """Count a row, and tell it if not enough are told yet."""
        self.counts[kind] += 1
        if self.rows_max is None or self.counts[kind] <= self.rows_max:
            self.told.append(RowChange(self.words, kind, row, told))

    def forget(self, subject_id: int, name: str) -> None:
        """Note that the source said something new of this field."""
        self.forgotten.append({"subject": self.subject, "subject_id": subject_id, "field": name})


def judge(session: Session, kind: Kind, target: Target, rows_max: int | None) -> Judgement:
    """What people changed of the columns and free fields that this file names. Changes nothing."""
    found = Judgement(kind.words, SUBJECTS[target.staged.name], rows_max)
    if is_anything_remembered(session, found.subject):
        _judge_columns(session, target, found)
    return found


def is_anything_remembered(session: Session, subject: SourceSubject) -> bool:
    """Whether people changed anything of clusters, customers or invoices that the source had said."""
    anything = select(literal(1)).where(SourceValue.subject == subject).limit(1)
    return session.scalar(anything) is not None


def note(session: Session, target: Target, found: Judgement) -> None:
    """Put what must not count into the staging table."""
    names = target.kept.columns.keys()
    rows = [{**dict.fromkeys(names), **row, "line": line} for line, row in found.kept.items()]
    if rows:
        session.execute(insert(target.kept), rows)


def judge_parents(session: Session, graph: ImportedParents, words: str, rows_max: int | None) -> Judgement:
    """What people changed of the names and parents that the file names; what stays is noted in the graph."""
    found = Judgement(words, SourceSubject.CLUSTER, rows_max)
    graph.kept.clear()
    carried = _carried_parents(session)
    _judge_names(graph.renamed, found)
    remembered = session.execute(
        select(SourceValue.subject_id, SourceValue.value, Cluster.tag_name)
        .join(Cluster, Cluster.id == SourceValue.subject_id)
        .where(SourceValue.subject == found.subject, SourceValue.field == PARENTS)
        .order_by(SourceValue.subject_id)
    ).all()
    for cluster_id, value, name in remembered:
        if name not in graph.lines:
            continue
        above = select(Cluster.tag_name).join(ClusterParent, ClusterParent.parent_id == Cluster.id)
        here = sorted(session.scalars(above.where(ClusterParent.child_id == cluster_id)))
        of_file = says = sorted(graph.parents[name])
        says = sorted(carried.get(name, says))
        found.see(cluster_id, value, here)
        value = sorted(graph.renamed.present(parent) for parent in value)
        if says != value:
            found.forget(cluster_id, PARENTS)
            found.tell(SOURCE_WINS, name, overruled("parents", here, says))
        elif here != of_file:
            graph.kept[name] = tuple(here)
            found.tell(KEPT, name, stays("parents", here, says))
    return found


def _carried_parents(session: Session) -> dict[str, list[str]]:
    """What the source had said of parents that people changed where the folder was exported from."""
    carried = staged.CHANGED_HERE.c
    rows = select(carried.owner, carried.value).where(
        carried.subject == SourceSubject.CLUSTER, carried.field == PARENTS
    )
    return {owner: value for owner, value in session.execute(rows)}


def _judge_names(renamed: RenamedClusters, found: Judgement) -> None:
    for old, new in renamed.named.items():
        found.tell(KEPT, new, stays("name", new, old))
    for new in renamed.followed.values():
        found.forget(renamed.ids[new], TAG_NAME)
        found.tell(SOURCE_WINS, new, overruled("name", new, new))


def _judge_columns(session: Session, target: Target, found: Judgement) -> None:
    """The columns of customers and invoices, and their free fields one by one."""
    clusters: dict[int | None, str] = {}
    for row in session.execute(_remembered_columns(target, found.subject)).mappings():
        name, _dot, inner = row["field"].partition(".")
        old, new = row[f"old_{name}"], row[f"new_{name}"]
        label, is_there = row["field"].removesuffix("_id"), True
        if inner:
            if inner not in new:
                continue
            is_there, old, new = inner in old, old.get(inner), new[inner]
        elif name == "suspended" and new is None:
            continue
        found.see(row["subject_id"], row["field"], row["value"], as_json(old), is_there)
        key = row[target.natural[0]]
        source_says = as_json(new)
        if row["carried_line"] is not None:  # the file has the person's value, and this is the source's
            source_says = row["carried"]
            if name == "cluster_id":
                clusters = clusters or _tag_names(session)
                source_says = next((id for id, tag in clusters.items() if tag == source_says), 0)
        is_same = _is_same(session, key, inner, source_says, row["value"])
        if is_same and _is_same(session, key, inner, old, new) and is_there:
            continue
        if is_same:
            _keep(found.kept.setdefault(row["line"], {}), name, inner, row[f"new_{name}"])
        else:
            found.forget(row["subject_id"], row["field"])
        if name == "cluster_id":
            clusters = clusters or _tag_names(session)
            old, new = clusters.get(old), row["cluster_says"]
        if name == "metadata":  # may hold the password of documents
            found.tell(KEPT if is_same else SOURCE_WINS, key, _without_values(label, is_same=is_same))
        elif is_same:
            found.tell(KEPT, key, stays(label, old, new))
        else:
            found.tell(SOURCE_WINS, key, overruled(label, old, new))


def _is_same(session: Session, key: str, field: str, one: Any, other: Any) -> bool:
    """Whether two values are equal. Equal passwords need not look so (webapp/sealed.py)."""
    if one == other or not (is_sealed(one) or is_sealed(other)):
        return bool(one == other)
    return keys_of(session).same(key, field, one, other)


def _tag_names(session: Session) -> dict[int | None, str]:
    return {id: tag_name for id, tag_name in session.execute(select(Cluster.id, Cluster.tag_name))}


def _remembered_columns(target: Target, subject: SourceSubject) -> Select[Any]:
    file, stored, names = target.staged, target.stored, target.changing
    fields = [name for name in names if not is_json(stored.c[name].type)]
    [free] = [name for name in names if name not in fields]
    [natural] = target.natural
    of_file = [file.c.cluster.label("cluster_says")] if "cluster" in file.c else []
    carried = staged.CHANGED_HERE
    is_carried = and_(
        carried.c.subject == VALUES.c.subject,
        carried.c.owner == file.c[natural],
        carried.c.field == case((VALUES.c.field == CLUSTER_ID, CLUSTER_FIELD), else_=VALUES.c.field),
    )
    here = VALUES.join(stored, stored.c.id == VALUES.c.subject_id).join(
        target.source, stored.c[natural] == file.c[natural]
    )
    return (
        select(
            VALUES.c.subject_id, VALUES.c.field, VALUES.c.value, file.c.line, file.c[natural], *of_file,
            carried.c.line.label("carried_line"), carried.c.value.label("carried"),
            *(stored.c[name].label(f"old_{name}") for name in names),
            *(target.values[name].label(f"new_{name}") for name in names),
        )
        .select_from(here.outerjoin(carried, is_carried))
        .where(VALUES.c.subject == subject)
        .where(VALUES.c.field.in_(fields) | VALUES.c.field.startswith(f"{free}.", autoescape=True))
        .order_by(file.c.line, VALUES.c.field)
    )  # fmt: skip


def _keep(row: dict[str, Any], name: str, inner: str, said_now: Any) -> None:
    """Note that what the file says of this column, or of this field in it, does not count."""
    if inner:
        row[name] = {each: value for each, value in row.get(name, said_now).items() if each != inner}
    else:
        row[name.removesuffix("_id")] = True


def _without_values(label: str, *, is_same: bool) -> str:
    """What `stays` or `overruled` say, without the values."""
    if is_same:
        return _("%(field)s changed here, the source still says another value", field=label)
    return _("%(field)s changed here, the source says something new", field=label)
