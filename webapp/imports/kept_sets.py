"""What people changed of sets, of which a folder names all rows or none: the addresses of a customer under a
key, and the documents of an invoice under a transformation (kept.py: columns and parents).

1. The folder says the set that it said before the person's first change: the set stays as the person left it.
2. It says another one: the set becomes that, but for what the person added."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import FromClause, Row, and_, exists, func, insert, select
from sqlalchemy.orm import Session

from webapp.imports import staged
from webapp.imports.changes import KEPT, KEPT_REMOVED, SOURCE_WINS, stays
from webapp.imports.kept import SUBJECTS, VALUES, Judgement, is_anything_remembered
from webapp.imports.kinds import Kind
from webapp.imports.targets import Target
from webapp.sources import DOCUMENTS, EMAILS
from webapp.store.customers import Customer, RecipientKey
from webapp.store.invoices import Invoice, Transformation
from webapp.store.statuses import Origin
from webapp.translation import _, ngettext


@dataclass(frozen=True)
class SetShape:
    """How sets are stored and named. `owner` has the rows and is known by `owner_key`; `group` tells the sets
    of one owner apart. `item` and `value` are columns of both tables; `prefix` begins the field under which
    a set is remembered."""

    prefix: str
    owner: Any
    owner_key: Any
    group: Any
    group_key: Any
    staged_keys: tuple[str, str]
    item: str
    value: str


SHAPES = {
    staged.EMAIL.name: SetShape(
        EMAILS, Customer.__table__, Customer.__table__.c.code, RecipientKey.__table__,
        RecipientKey.__table__.c.key, ("customer_code", "key"), "address", "display_name",
    ),
    staged.RESULT.name: SetShape(
        DOCUMENTS, Invoice.__table__, Invoice.__table__.c.number, Transformation.__table__,
        Transformation.__table__.c.name, ("invoice_number", "transformation"), "file_name", "sha256",
    ),
}  # fmt: skip

SetKey = tuple[int, str]
"""The owner's id, and the field."""


def judge(session: Session, kind: Kind, target: Target, rows_max: int | None) -> Judgement:
    """What people changed of the sets that this file names. Changes nothing."""
    found = Judgement(kind.words, SUBJECTS[target.staged.name], rows_max)
    if not is_anything_remembered(session, found.subject):
        return found
    says = _sets_of_file(session, target, found)
    if says:
        here = _sets_stored(session, target, found, says)
        for key, rows in says.items():
            _judge_set(found, SHAPES[target.staged.name], key, rows, here[key])
    return found


def note(session: Session, target: Target, found: Judgement) -> None:
    """Put what must not count into the staging tables."""
    if found.kept:
        session.execute(insert(target.kept), [{"line": line} for line in found.kept])
    if found.spared:
        spared = staged.SPARED[target.staged.name]
        session.execute(insert(spared), [{"id": each} for each in found.spared])


def tell_added(session: Session, target: Target, found: Judgement) -> None:
    """Tell what people added to sets that the file names: what stays, and what is the source's from now on.
    Call it when the removals have been found."""
    shape, stored, spared = SHAPES[target.staged.name], target.stored, staged.SPARED[target.staged.name]
    added, key = stored.c.origin == Origin.ADDED, (shape.owner_key, shape.group_key)
    here = _with_names(target).join(spared, spared.c.id == stored.c.id)
    staying = select(*key, func.count()).select_from(here).where(added).group_by(*key)
    for owner, group, count in session.execute(staying.order_by(func.min(stored.c.id))):
        found.tell(KEPT, f"{owner} {group}", _added(shape, count))
    here = _with_names(target).join(target.known, target.known.c.id == stored.c.id)
    carried = staged.ROW_OF_PEOPLE.c
    is_carried = exists().where(
        carried.owner == shape.owner_key,
        carried.field == shape.prefix + shape.group_key,
        carried.item == stored.c[shape.item],
        carried.origin == Origin.ADDED,
    )
    named = select(*key, stored.c[shape.item]).select_from(here).where(added, ~is_carried)
    named = named.order_by(stored.c.id)
    for row in session.execute(named):
        found.tell(SOURCE_WINS, " ".join(row), _("added here, the source now says the same"))


def _with_names(target: Target) -> FromClause:
    """The stored rows with their owners, and what tells the sets of one owner apart."""
    shape, stored = SHAPES[target.staged.name], target.stored
    owner_id, group_id = target.scope
    rows: FromClause = stored.join(shape.owner, shape.owner.c.id == stored.c[owner_id])
    return rows.join(shape.group, shape.group.c.id == stored.c[group_id])


def _sets_of_file(session: Session, target: Target, found: Judgement) -> dict[SetKey, list[Any]]:
    """The rows of the file that belong to a set of which something is remembered, with that."""
    shape, file = SHAPES[target.staged.name], target.staged
    owner, group = (file.c[name] for name in shape.staged_keys)
    remembered = and_(
        VALUES.c.subject == found.subject,
        VALUES.c.subject_id == shape.owner.c.id,
        VALUES.c.field == shape.prefix + group,
    )
    carried = staged.CHANGED_HERE
    is_carried = and_(
        carried.c.subject == VALUES.c.subject, carried.c.owner == owner, carried.c.field == VALUES.c.field
    )
    rows = (
        select(
            VALUES.c.subject_id, VALUES.c.field, VALUES.c.value, owner.label("owner"), group.label("group"),
            file.c.line, file.c[shape.item].label("item"), file.c[shape.value].label("value_now"),
            carried.c.line.label("carried_line"), carried.c.value.label("carried"),
        )
        .select_from(target.source.join(VALUES, remembered).outerjoin(carried, is_carried))
        .order_by(file.c.line)
    )  # fmt: skip
    says: dict[SetKey, list[Any]] = {}
    for row in session.execute(rows):
        says.setdefault((row.subject_id, row.field), []).append(row)
    return says


def _sets_stored(
    session: Session, target: Target, found: Judgement, says: dict[SetKey, list[Any]]
) -> dict[SetKey, list[Any]]:
    """What is stored of these sets."""
    shape, stored = SHAPES[target.staged.name], target.stored
    remembered = and_(
        VALUES.c.subject == found.subject,
        VALUES.c.subject_id == shape.owner.c.id,
        VALUES.c.field == shape.prefix + shape.group_key,
    )
    rows = (
        select(
            VALUES.c.subject_id, VALUES.c.field, stored.c.id, stored.c[shape.item].label("item"),
            stored.c[shape.value].label("value"), stored.c.origin,
        )
        .select_from(_with_names(target).join(VALUES, remembered))
        .order_by(stored.c.id)
    )  # fmt: skip
    here: dict[SetKey, list[Any]] = {key: [] for key in says}
    for row in session.execute(rows):
        if (row.subject_id, row.field) in here:
            here[row.subject_id, row.field].append(row)
    return here


def _judge_set(
    found: Judgement, shape: SetShape, key: SetKey, rows: Sequence[Row[Any]], here: Sequence[Row[Any]]
) -> None:
    said_now = sorted([row.item, row.value_now] for row in rows)
    if rows[0].carried_line is not None:  # the file has the person's rows, and this is the source's
        said_now = sorted(map(list, rows[0].carried or []))
    said_then = sorted(map(list, rows[0].value or []))
    found.see(*key, said_then, [tuple(row) for row in here])
    name = f"{rows[0].owner} {rows[0].group}"
    if said_now != said_then:
        found.forget(*key)
        found.tell(SOURCE_WINS, name, _all_changed(shape))
        return
    values = {row.item: row.value for row in here}
    named = {row.item: row.value_now for row in rows}
    differing = [row for row in rows if values.get(row.item) != row.value_now]
    changed = [row.item for row in here if row.origin == Origin.CHANGED and row.item not in named]
    if not differing and not changed:
        return  # nothing, or something was added
    found.kept.update({row.line: {} for row in differing})
    found.spared += [row.id for row in here if named.get(row.item) != row.value]
    missing = [row.item for row in differing if row.item not in values]
    if changed:
        found.tell(KEPT, name, stays(_item(shape), changed, missing))
    for item in () if changed else missing:
        found.tell(KEPT_REMOVED, name, _("%(item)s was removed here", item=item))
    for row in differing:
        if row.item in values:
            found.tell(KEPT, f"{name} {row.item}", _stays(shape, values[row.item], row.value_now))


def _stays(shape: SetShape, mine: str, says: str) -> str:
    if shape.value == "sha256":
        return _("document replaced here, the source still sends the one before")
    return stays(shape.value, mine, says)


def _item(shape: SetShape) -> str:
    return _("document") if shape.prefix == DOCUMENTS else _("address")


def _added(shape: SetShape, count: int) -> str:
    if shape.prefix == DOCUMENTS:
        return ngettext("%(num)s document added here", "%(num)s documents added here", count)
    return ngettext("%(num)s address added here", "%(num)s addresses added here", count)


def _all_changed(shape: SetShape) -> str:
    if shape.prefix == DOCUMENTS:
        return _("documents changed here, the source now says others")
    return _("addresses changed here, the source now says others")
