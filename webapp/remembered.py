"""Numbers that take long to count: each process remembers them until what they are counted of has changed."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from webapp.store.engine_events import WRITES
from webapp.store.users import AuditChain

What = TypeVar("What", bound=Hashable)
Found = TypeVar("Found")
REMEMBERED_MAX = 5_000
"""Numbers of one database, of which the oldest are forgotten."""
_ONCE = "looked up once"
_known: WeakKeyDictionary[Engine, dict[object, tuple[object, Any]]] = WeakKeyDictionary()


def changes_by_people(session: Session) -> int:
    """What changes with every change of customers, clusters and addresses: the number of the last entry of
    the audit trail, which is in the same commit. Entries are numbered in the order of their commits
    (audit_chain.py), so none is committed below it later."""
    return session.scalars(select(AuditChain.last)).one()


def remembered(session: Session, what: Hashable, stamp: object, count: Callable[[], Found]) -> Found:
    """What was counted under this name, while the stamp is the same; else it is counted now. The
    caller must not change what it gets."""
    return remembered_each(session, {what: stamp}, lambda _: {what: count()})[what]


def remembered_each(
    session: Session, stamps: Mapping[What, object], count: Callable[[list[What]], Mapping[What, Found]]
) -> dict[What, Found]:
    """The same for several, by their names: those that are missing are counted together. In a writing
    transaction everything is counted: what it sees may never be committed."""
    engine = session.connection().engine
    if engine.get_execution_options().get(WRITES):
        return dict(count(list(stamps)))
    known = _known.setdefault(engine, {})
    missing = [what for what, stamp in stamps.items() if known.get(what, (None,))[0] != stamp]
    for what, found in (count(missing) if missing else {}).items():
        known.pop(what, None)
        known[what] = stamps[what], found
    answer: dict[What, Found] = {what: known[what][1] for what in stamps}
    _forget(known, list(known)[: max(0, len(known) - REMEMBERED_MAX)])
    return answer


def once(session: Session, what: Hashable, find: Callable[[], Found]) -> Found:
    """What is found under this name, looked up once in a session that reads. In one that writes it is looked
    up each time: it may have changed. The caller must not change what it gets."""
    if session.connection().engine.get_execution_options().get(WRITES):
        return find()
    known: dict[Hashable, Found] = session.info.setdefault(_ONCE, {})
    if what not in known:
        known[what] = find()
    return known[what]


def _forget(known: dict[object, tuple[object, Any]], names: Iterable[object]) -> None:
    for name in names:
        known.pop(name, None)
