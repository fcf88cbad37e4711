"""What an import changes, row by row: new, changed (old → new), removed, kept. Read from the staging tables
before anything is stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Row, Select, case, select
from sqlalchemy.orm import Session

from webapp.imports import staged
from webapp.imports.circles import ParentLink
from webapp.imports.kinds import Kind
from webapp.imports.merging import MergeCounts
from webapp.imports.messaging_keys import NATURAL
from webapp.imports.targets import CLUSTER, Target, is_json, of_changed
from webapp.imports.values import shown
from webapp.store.customers import Cluster, Customer, RecipientKey
from webapp.store.invoices import Invoice, Transformation
from webapp.translation import _

NEW, CHANGED, REMOVED = "new", "changed", "removed"
KEPT, KEPT_REMOVED, SOURCE_WINS = "kept", "kept removed", "source wins"
"""What becomes of a value that a person changed: it stays, since the source says what it said before; so does
the removal of an address or a document; or the source says something else, or the same as the person."""


@dataclass(frozen=True)
class RowChange:
    """One row: what it is, whether it is new, changed, removed or kept, its key, and what differs (old → new)
    or stays. `read`: what the file says in the columns that people know a new row by."""

    words: str
    kind: str
    row: str
    differences: tuple[str, ...] = ()
    read: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        told = f": {'; '.join(self.differences)}" if self.differences else ""
        return f"{self.kind} in {self.words}: {self.row}{told}".translate(VISIBLE)


VISIBLE = dict.fromkeys((*range(32), *range(127, 160), 0x2028, 0x2029), "?")
"""Characters that would move the cursor, or end the line, of what prints a row."""


def of_messaging(
    words: Mapping[str, str],
    parts: dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]], int]],
    stored: dict[str, dict[tuple[str, ...], dict[str, Any]]],
) -> Iterator[RowChange]:
    """The tables of messaging.toml that are new or differ from what is `stored`. `words`: what each table's
    things are called."""
    for table, (new, changed, _unchanged) in parts.items():
        for kind, entries in ((NEW, new), (CHANGED, changed)):
            for values in entries:
                key = tuple(values[name] for name in NATURAL[table])
                old = stored[table].get(key, {})
                told = tuple(
                    _difference(name, old[name], value)
                    for name, value in values.items()
                    if name in old and old[name] != value
                )
                yield RowChange(words[table], kind, " ".join(filter(None, key)), told)


def of_edges(
    words: str, edges: tuple[set[ParentLink], set[ParentLink]], known: set[str]
) -> Iterator[RowChange]:
    """Stored clusters that get other parents."""
    gone, added = edges
    for child in sorted({child for child, _parent in gone | added} & known):
        told = [
            _("parent %(name)s removed", name=shown(above)) for below, above in sorted(gone) if below == child
        ]
        told += [
            _("parent %(name)s added", name=shown(above)) for below, above in sorted(added) if below == child
        ]
        yield RowChange(words, CHANGED, child, tuple(told))


def of_file(
    session: Session, kind: Kind, target: Target, counts: MergeCounts, at_most: int | None
) -> Iterator[RowChange]:
    """The rows of a CSV file that are new, changed and removed, `at_most` this many of each (None: all)."""
    if counts.removed:
        yield from _rows(session, kind, REMOVED, _removed(target), at_most)
    if counts.changed and target is not CLUSTER:
        yield from _changed(session, kind, target, at_most)
    if counts.new:
        names = READ[target.staged.name]
        new = (
            select(*(target.staged.c[name] for name in (*kind.natural, *names)))
            .select_from(target.staged.outerjoin(target.known, target.known.c.line == target.staged.c.line))
            .where(target.known.c.line.is_(None))
            .order_by(target.staged.c.line)
        )
        keys = len(kind.natural)
        for row in _read(session, new, at_most):
            said = dict(zip(names, row[keys:], strict=True))
            yield RowChange(kind.words, NEW, _key(row[:keys]), read=said)


READ = {
    staged.CLUSTER.name: (),
    staged.CUSTOMER.name: ("name", "cluster", "language"),
    staged.EMAIL.name: ("display_name",),
    staged.INVOICE.name: (
        *("customer_code", "gross_amount", "net_amount", "tax_amount", "currency"),
        *("period_start", "period_end", "issue_date", "due_date", "status"),
    ),
    staged.RESULT.name: ("media_type", "size"),
}
"""By staging table: what is told of new rows beside their keys."""


def _rows(
    session: Session, kind: Kind, word: str, rows: Select[Any], at_most: int | None
) -> Iterator[RowChange]:
    for row in _read(session, rows, at_most):
        yield RowChange(kind.words, word, _key(row))


def _read(session: Session, rows: Select[Any], at_most: int | None) -> Iterator[Row[Any]]:
    yield from session.execute(rows.limit(at_most).execution_options(yield_per=1000))


def _key(values: Sequence[Any]) -> str:
    return " ".join(str(value) for value in values)


def _removed(target: Target) -> Select[Any]:
    """The removed rows, by the words of the file."""
    stored, gone = target.stored, staged.REMOVED[target.staged.name]
    rows: FromClause = gone.join(stored, stored.c.id == gone.c.id)
    columns: list[ColumnElement[Any]]
    if target.staged is staged.EMAIL:
        customer, key = Customer.__table__, RecipientKey.__table__
        rows = rows.join(customer, customer.c.id == stored.c.customer_id)
        rows = rows.join(key, key.c.id == stored.c.recipient_key_id)
        columns = [customer.c.code, key.c.key, stored.c.address]
    else:
        assert target.staged is staged.RESULT
        invoice, made_by = Invoice.__table__, Transformation.__table__
        rows = rows.join(invoice, invoice.c.id == stored.c.invoice_id)
        rows = rows.join(made_by, made_by.c.id == stored.c.transformation_id)
        columns = [invoice.c.number, made_by.c.name, stored.c.file_name]
    return select(*columns).select_from(rows).order_by(stored.c.id)


def _changed(session: Session, kind: Kind, target: Target, at_most: int | None) -> Iterator[RowChange]:
    dialect = session.get_bind().dialect.name
    names, keys = target.changing, len(kind.natural)
    stored = target.stored
    rows = (
        select(
            *(target.staged.c[name] for name in kind.natural),
            *(_old(target, name).label(f"old_{name}") for name in names),
            *(_new(dialect, target, name).label(f"new_{name}") for name in names),
        )
        .select_from(
            target.source.join(target.known, target.known.c.line == target.staged.c.line).join(
                stored, stored.c.id == target.known.c.id
            )
        )
        .where(target.known.c.differs)
        .order_by(target.staged.c.line)
    )
    for row in _read(session, rows, at_most):
        old, new = row[keys : keys + len(names)], row[keys + len(names) :]
        told = [each for name, before, after in zip(names, old, new, strict=True)
                for each in _differences(name, before, after)]  # fmt: skip
        yield RowChange(kind.words, CHANGED, _key(row[:keys]), tuple(told))


def _old(target: Target, name: str) -> ColumnElement[Any]:
    if target.staged is staged.CUSTOMER and name == "cluster_id":
        cluster = Cluster.__table__.alias("cluster_before")
        return select(cluster.c.tag_name).where(cluster.c.id == target.stored.c.cluster_id).scalar_subquery()
    return target.stored.c[name]


def _new(dialect: str, target: Target, name: str) -> ColumnElement[Any]:
    if target.staged is staged.CUSTOMER and name == "cluster_id":
        new = staged.CUSTOMER.c.cluster
        return case((target.keeps[name].is_(True), _old(target, name)), else_=new) if target.keeps else new
    if is_json(target.stored.c[name].type):
        return target.values[name]
    return of_changed(dialect, target, name)


def _differences(name: str, old: Any, new: Any) -> Iterator[str]:
    """What differs in this column; in one with free fields, field by field. What a field of the customer's
    metadata holds is not told: it may be the password of its documents."""
    if isinstance(old, dict) and isinstance(new, dict):
        for field, value in new.items():
            if name == "metadata" and old.get(field) != value:
                what = f"{name}.{field}"
                yield _("%(field)s differs", field=what) if field in old else _("%(field)s added", field=what)
            elif old.get(field) != value:
                yield _difference(f"{name}.{field}", old.get(field), value)
    elif old != new:
        yield _difference(name.removesuffix("_id"), old, new)


def _difference(name: str, old: Any, new: Any) -> str:
    texts = [said(value) for value in (old, new)]
    if name == "sha256":
        texts = [text[:12] for text in texts]
    if is_long(*texts):
        return _("%(field)s differs", field=name)
    return f"{name} {texts[0]} → {texts[1]}"


def is_long(*values: Any) -> bool:
    """Whether one of these has more characters, or lines, than are told."""
    return any("\n" in text or len(text) > TEXT_SHOWN_MAX for text in map(said, values))


TEXT_SHOWN_MAX = 60
"""Characters of a value that is told as it is."""


def said(value: Any) -> str:
    """The value as it is told."""
    if value is None or value in ("", []):
        return _("nothing")
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def stays(label: str, mine: Any, says: Any) -> str:
    """That the person's value stays, in words."""
    if is_long(mine, says):
        return _("%(field)s changed here, the source still says what it said", field=label)
    mine, says = said(mine), said(says)
    return _(
        "%(field)s “%(mine)s” changed here, the source still says “%(says)s”",
        field=label,
        mine=mine,
        says=says,
    )


def overruled(label: str, mine: Any, says: Any) -> str:
    """That the source's value counts again, in words."""
    if mine == says:
        return _("%(field)s changed here, the source now says the same", field=label)
    if is_long(mine, says):
        return _("%(field)s changed here, the source now says something else", field=label)
    mine, says = said(mine), said(says)
    return _(
        "%(field)s “%(mine)s” changed here, the source now says “%(says)s”", field=label, mine=mine, says=says
    )
