"""The list of entries: what it is narrowed to, and where the subject of an entry is to be seen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from webapp import keyset, notation
from webapp.audit import LOGINS, SENDING, USERS
from webapp.keyset import Counted, Edge, Order, Page
from webapp.store.customers import Customer
from webapp.store.invoices import Invoice
from webapp.store.types import iso
from webapp.store.users import AuditEntry
from webapp.translation import N_

KINDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "sending": (N_("Runs and mails"), SENDING),
    "logins": (N_("Logins"), LOGINS),
    "users": (N_("Users"), USERS),
    "refused": (N_("Refused"), ("refused", "login refused", "login failed", "password not changed")),
}
"""The kinds of entries to choose from: their words, and the actions."""
FILTERS = ("kind", "who", "subject", "from", "to")
ORDERS: dict[str, Order[AuditEntry]] = {
    "": Order(N_("Newest first"), AuditEntry.number, lambda entry: str(entry.number), int, descending=True),
}
COLUMNS = ("number", "at", "actor", "origin", "action", "subject", "detail", "hash")
"""Of the download."""
EXPORT_BATCH = 1_000


@dataclass(frozen=True)
class AuditFilter:
    """What the list is narrowed to: a kind, the address of a person, the whole subject, days (both included,
    in the reader's time zone), and a text that entries contain."""

    kind: str = ""
    who: str = ""
    subject: str = ""
    from_day: date | None = None
    to_day: date | None = None
    search: str = ""


def filter_of(args: Mapping[str, str], search: str) -> AuditFilter:
    """The filter that these arguments of an address name. Raises ValueError for one that cannot be: a filter
    that is not understood must never match everything."""
    if args["kind"] and args["kind"] not in KINDS:
        raise ValueError(f"there is no kind {args['kind']!r}")
    first, last = (date.fromisoformat(args[name]) if args[name] else None for name in ("from", "to"))
    return AuditFilter(args["kind"], args["who"], args["subject"], first, last, search)


def listing(session: Session, shown: AuditFilter, edge: Edge | None) -> tuple[Page[AuditEntry], Counted]:
    """A page of the entries, the newest first, and how many there are."""
    entry, way = AuditEntry, ORDERS[""]
    matching = _conditions(shown)
    query = keyset.ordered(select(entry).where(*matching), way, entry.id, edge)
    found = list(session.scalars(query.limit(keyset.PAGE_SIZE + 1)))
    page = keyset.page(found, edge, [way.cursor(row.id, row) for row in found])
    return page, keyset.counted(session, select(entry.id).where(*matching))


def rows(session: Session, shown: AuditFilter) -> Iterator[dict[str, Any]]:
    """The entries as lines of a file, the oldest first, with one batch in memory at a time."""
    matching, last = _conditions(shown), 0
    while True:
        page = select(AuditEntry).where(*matching, AuditEntry.number > last).order_by(AuditEntry.number)
        found = session.scalars(page.limit(EXPORT_BATCH)).all()
        if not found:
            return
        for entry in found:
            yield {**{name: getattr(entry, name) for name in COLUMNS}, "at": iso(entry.at)}
        last = found[-1].number or last
        session.expunge_all()


def _conditions(shown: AuditFilter) -> list[ColumnElement[bool]]:
    entry = AuditEntry
    found: list[ColumnElement[bool]] = [entry.number.is_not(None)]
    if shown.kind:
        found.append(entry.action.in_(KINDS[shown.kind][1]))
    if shown.who:
        found.append(entry.actor == shown.who)
    if shown.subject:
        found.append(entry.subject == shown.subject)
    if shown.from_day:
        found.append(entry.at >= notation.start_of(shown.from_day))
    if shown.to_day:
        found.append(entry.at < notation.start_of(shown.to_day + timedelta(days=1)))
    for word in shown.search.lower().split():
        columns = (entry.subject, entry.detail, entry.actor, entry.action, entry.origin)
        found.append(or_(*(func.lower(each).contains(word, autoescape=True) for each in columns)))
    return found


def links(session: Session, entries: Iterable[AuditEntry]) -> dict[str, str]:
    """Where the subjects of these entries are to be seen, by subject; without those that have no page."""
    subjects = {entry.subject for entry in entries}
    found = {each: f"/runs/{each[4:]}" for each in subjects if each.startswith("run ") and each[4:].isdigit()}
    known: tuple[tuple[str, str, Any, Any], ...] = (
        ("customer ", "/customers", Customer.id, Customer.code),
        ("invoice ", "/invoices", Invoice.id, Invoice.number),
    )
    for kind, path, id, name in known:
        names = [each.removeprefix(kind) for each in subjects if each.startswith(kind)]
        for its_id, its_name in session.execute(select(id, name).where(name.in_(names))) if names else ():
            found[f"{kind}{its_name}"] = f"{path}/{its_id}"
    return found
