"""What is new, what differs, and the one transaction that stores it.

The comparison happens aside, before the write lock is taken. If others change the database in between, a
constraint fails, and no wrong row appears: new rows are plain inserts, and an unknown reference is a NULL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Index,
    Table,
    and_,
    bindparam,
    case,
    delete,
    false,
    func,
    insert,
    null,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from webapp.imports import removals, staged
from webapp.imports.circles import ParentLink
from webapp.imports.targets import Target, is_json, of_changed, of_new, same_spelling
from webapp.store.customers import Cluster, ClusterParent
from webapp.store.statuses import Origin


@dataclass(frozen=True)
class MergeCounts:
    """How many rows of a file are new, changed, and as they are stored; and how many stored ones it
    removes. `kept`, `kept_removed`: how often it says what a person changed, or removed, and the source says
    as before; `source_wins`: how often it says something new of what a person changed."""

    new: int
    changed: int
    unchanged: int
    removed: int = 0
    kept: int = 0
    kept_removed: int = 0
    source_wins: int = 0

    @property
    def changes_anything(self) -> bool:
        """Whether anything is stored, or taken away."""
        return bool(self.new or self.changed or self.removed)


def compare(session: Session, target: Target, staged_rows: int) -> MergeCounts:
    """Notes which staged rows are stored already, and which of these differ."""
    dialect = session.get_bind().dialect.name
    same = [target.stored.c[name] == target.values[name] for name in target.natural]
    matches = select(target.staged.c.line, target.stored.c.id, _differs(dialect, target)).select_from(
        target.source.join(target.stored, and_(*same))
    )
    session.execute(insert(target.known).from_select(["line", "id", "differs"], matches))
    if target.is_judged and target.scope:
        _let_count_nothing(session, target)
    if dialect == "postgresql":
        session.execute(text(f"ANALYZE {target.known.name}"))
    known, stored, changed = session.execute(
        select(func.count(), func.count(target.known.c.id), func.count().filter(target.known.c.differs))
    ).one()
    removed = removals.find(session, target, stored)
    return MergeCounts(staged_rows - known, changed, known - changed, removed)


def clear(session: Session, target: Target) -> None:
    """Forget what was found, to compare again."""
    name = target.staged.name
    for tables in (staged.KNOWN, staged.REMOVED, staged.SPARED, staged.KEPT):
        if name in tables:
            session.execute(delete(tables[name]))


def _let_count_nothing(session: Session, target: Target) -> None:
    """Treat rows of the file that do not count as if they were stored as they are, under no id."""
    kept = target.kept
    session.execute(delete(target.known).where(target.known.c.line.in_(select(kept.c.line))))
    rows = select(kept.c.line, null(), false())
    session.execute(insert(target.known).from_select(["line", "id", "differs"], rows))


def known_clusters(session: Session) -> set[str]:
    """The clusters of the file that are stored already."""
    known = staged.KNOWN[staged.CLUSTER.name]
    return set(
        session.scalars(
            select(staged.CLUSTER.c.tag_name).join_from(
                staged.CLUSTER, known, known.c.line == staged.CLUSTER.c.line
            )
        )
    )


def store(session: Session, target: Target, counts: MergeCounts, *, locks_tables: bool) -> None:
    """Deletes what the folder removes, inserts the new rows, in the order of their lines, and updates those
    that differ. `locks_tables`: whether others may wait at a table that was empty, which is quicker."""
    if counts.removed:
        removals.delete_found(session, target)
    if counts.new:
        names = list(target.values)
        rows = (
            select(*(of_new(target, name) for name in names))
            .select_from(target.source.outerjoin(target.known, target.known.c.line == target.staged.c.line))
            .where(target.known.c.line.is_(None))
            .order_by(target.staged.c.line)
        )
        is_postgresql = session.get_bind().dialect.name == "postgresql"
        is_quick = counts.new >= INDEXED_AFTERWARDS_MIN and (locks_tables or not is_postgresql)
        with _indexed_afterwards(session, target.stored) if is_quick else nullcontext():
            session.execute(insert(target.stored).from_select(names, rows, include_defaults=False))
    if counts.changed and target.changing:
        session.execute(_update(session.get_bind().dialect.name, target))
    if target.scope:
        session.execute(_claim(target))


INDEXED_AFTERWARDS_MIN = 20_000
LOCK_TIMEOUT = "1s"


@contextmanager
def _indexed_afterwards(session: Session, table: Table) -> Iterator[None]:
    """Have an empty table's indices built when very many rows are in it: sorted at once, they cost a fraction
    of what they do row by row. Until the end of the transaction others on PostgreSQL who read the table wait;
    where one of them reads it now for longer than LOCK_TIMEOUT, the indices stay."""
    is_empty = session.scalar(select(table.c.id).limit(1)) is None
    connection, indices = session.connection(), sorted(table.indexes, key=lambda index: str(index.name))
    are_gone = is_empty and _drop(connection, indices)
    yield
    for index in indices if are_gone else ():
        index.create(connection)


def _drop(connection: Connection, indices: Sequence[Index]) -> bool:
    """Whether the indices are dropped: not if others hold the table."""
    is_postgresql = connection.dialect.name == "postgresql"
    try:
        with connection.begin_nested():
            if is_postgresql:
                connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))
            for index in indices:
                index.drop(connection)
            if is_postgresql:
                connection.execute(text("SET LOCAL lock_timeout TO DEFAULT"))
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) != LOCK_NOT_AVAILABLE:
            raise
        return False
    return True


LOCK_NOT_AVAILABLE = "55P03"
"""PostgreSQL's code (its Appendix A) for a lock that was not to be had in time."""


def _claim(target: Target) -> Any:
    """UPDATE what a person added or changed, and the folder names: it is the source's now."""
    stored, known = target.stored, target.known
    here = stored.c.id.in_(select(known.c.id).where(known.c.id.is_not(None)))
    return update(stored).where(stored.c.origin != Origin.SOURCE, here).values(origin=Origin.SOURCE)


def store_edges(session: Session, gone: set[ParentLink], added: set[ParentLink]) -> None:
    """Delete edges, then add new ones: in the other order, a temporary circle could be refused."""
    ids = {tag_name: id for tag_name, id in session.execute(select(Cluster.tag_name, Cluster.id))}
    if gone:
        table = ClusterParent.__table__
        one = delete(ClusterParent).where(
            table.c.child_id == bindparam("child"), table.c.parent_id == bindparam("parent")
        )
        session.connection().execute(
            one, [{"child": ids.get(c), "parent": ids.get(p)} for c, p in sorted(gone)]
        )
    if added:
        rows = [{"child_id": ids.get(child), "parent_id": ids.get(parent)} for child, parent in sorted(added)]
        session.connection().execute(insert(ClusterParent), rows)


def count_rows(session: Session, targets: Sequence[Target]) -> None:
    """Have PostgreSQL update its statistics. Until it does so by itself, which may take a minute, it would
    plan for empty tables."""
    if session.get_bind().dialect.name == "postgresql":
        for target in targets:
            session.execute(text(f"ANALYZE {target.stored.name}"))


def _differs(dialect: str, target: Target) -> ColumnElement[Any]:
    parts = []
    for name in target.changing:
        old = target.stored.c[name]
        spelt = same_spelling(dialect, old) if is_json(old.type) else old
        parts.append(spelt.is_distinct_from(of_changed(dialect, target, name)))
    return or_(false(), *parts)


def _update(dialect: str, target: Target) -> Any:
    """UPDATE … FROM the staged rows that differ."""
    wanted = (
        select(
            target.known.c.id.label("known_id"),
            *(target.values[n].label(n) for n in target.changing),
            *(keeps.label(f"keeps_{n}") for n, keeps in target.keeps.items()),
        )
        .select_from(target.source.join(target.known, target.known.c.line == target.staged.c.line))
        .where(target.known.c.differs)
        .subquery("wanted")
    )
    fresh = Target(
        staged=target.staged,
        stored=target.stored,
        source=wanted,
        values={name: wanted.c[name] for name in target.changing},
        natural=(),
        keeps={name: wanted.c[f"keeps_{name}"] for name in target.keeps},
    )
    values = {name: of_changed(dialect, fresh, name) for name in target.changing}
    told, emptied = target.resets
    if told:
        old = target.stored.c
        values[emptied] = case((old[told] != wanted.c[told], ""), else_=old[emptied])
    return update(target.stored).where(target.stored.c.id == wanted.c.known_id).values(values)
