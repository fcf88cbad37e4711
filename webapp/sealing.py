"""Goes over what is stored and seals the passwords of documents (webapp/sealed.py): those that are in plain
text, after an upgrade or once a definition takes its password from another field; and all, when the secret
key has been changed. What the audit trail tells of them is hidden.

Batch by batch, each in a commit of its own under the locks of its customers, so that mails go out meanwhile.
Called again, it goes on where it was interrupted."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from sqlalchemy import ColumnElement, String, Table, bindparam, exists, func, literal, or_, select, update
from sqlalchemy.orm import Session

from webapp import audit, audit_chain, edits, found_by, sealed
from webapp.errors import Refused
from webapp.factors import authenticator
from webapp.mailservers import passwords
from webapp.oauth import secrets as oauth_secrets
from webapp.sealed import CannotOpen, Keys, is_sealed
from webapp.store import installation, locks
from webapp.store.customers import Customer, metadata_text
from webapp.store.database import Database
from webapp.store.definitions import MessageDefinition, SecretField
from webapp.store.installation import CHANGED, Installation
from webapp.store.statuses import SourceSubject
from webapp.store.types import Json, now
from webapp.store.users import SourceValue
from webapp.translation import N_, _, translated

SEALED_BATCH = 500
"""Customers per commit: some 30 ms, for which SQLite's other writers wait."""
FIELD = "metadata."


@dataclass
class SealCounts:
    """What was found: values that were `plain`, values that had an `older` key, both sealed now; values that
    no key of this process opens, which stay as they are; and whose they are, the first few."""

    plain: int = 0
    older: int = 0
    unreadable: int = 0
    customers: list[str] = field(default_factory=list)

    @property
    def sealed(self) -> int:
        """How many values were sealed."""
        return self.plain + self.older

    def note_unreadable(self, code: str) -> None:
        """Count a value that cannot be opened."""
        self.unreadable += 1
        if len(self.customers) < CUSTOMERS_NAMED_MAX and code not in self.customers:
            self.customers.append(code)


CUSTOMERS_NAMED_MAX = 5
NOT_CHANGED = N_(
    "Nothing was changed: %(why)s. If its key was changed on purpose, put the one before into "
    "MAILRUN_SECRET_KEY_OLD and call this again."
)
MISSING_KEYS = N_(
    "some passwords of documents were encrypted with a secret key that this machine does not have: their "
    "mails wait. Put that key into MAILRUN_SECRET_KEY_OLD and call: mailrun secrets rotate. If it is lost, "
    "import these passwords again, or set them on the pages of the customers; then call it too"
)
"""What is wrong after a takeover without the former key, and the way out."""


def is_due(database: Database) -> bool:
    """Whether some definition takes its password from a field whose values are not all sealed yet."""
    done = select(SecretField.name).where(SecretField.sealed_at.is_not(None))
    named = exists().where(MessageDefinition.password_key != "", MessageDefinition.password_key.not_in(done))
    noted = exists().where(SecretField.sealed_at.is_(None))
    with database.reading() as session:
        return bool(session.scalar(select(or_(named, noted)))) and installation.held(session) is None


def seal_plain(database: Database, is_leaving: Callable[[], bool] = lambda: False) -> SealCounts:
    """Seal every password that is in plain text, whatever was said to be sealed before; and have its customer
    no longer found by it. Does nothing for a database that belongs to another secret key."""
    counts = SealCounts()
    with database.writing() as session:
        if installation.held(session):
            return counts
        names = sealed.note_secrets(session)
        if names:
            sealed.get_ready(session)
    _go_over(database, names, counts, only_plain=True, is_leaving=is_leaving)
    if names and not is_leaving():
        with database.writing() as session:
            edits.hide_values(session, "customer", names)
            session.execute(
                update(SecretField)
                .where(SecretField.name.in_(names), SecretField.sealed_at.is_(None))
                .values(sealed_at=now())
            )
        if counts.plain:
            _forget_on_disk(database)
    return counts


def rotate(database: Database, actor: str) -> SealCounts:
    """Seal everything with the newest key, and bind the database to it. Raises Refused for a database that
    belongs to a key that this process does not have.

    1. Bind the database to the newest key: from then on no process with another one stores a password, or
    sends. An import that has read its folder before is refused (imports/storing.py).
    2. Seal what is stored, batch by batch.
    3. If nothing is left of the former keys, note that they are needed no more."""
    with database.writing() as session:
        locks.lock_imports(session.connection())
        session.execute(select(Installation.number).with_for_update())
        installation.bind(session)
        why = installation.held(session)
        if why is not None and why != CHANGED:
            raise Refused(_(NOT_CHANGED, why=translated(why)))
        installation.rebind_to_newest(session)
        newest = sealed.get_ready(session).newest
        names = sealed.note_secrets(session)
    counts = SealCounts()
    _go_over(database, names, counts, only_plain=False)
    with database.writing() as session:
        edits.hide_values(session, "customer", names)
        audit_chain.seal_keys_again(session)
        for seal_again in (passwords.seal_again, authenticator.seal_again, oauth_secrets.seal_again):
            again, unreadable = seal_again(session)
            counts.older += again
            for name in unreadable:
                counts.note_unreadable(name)
        if not counts.unreadable:
            session.execute(update(Installation).values(sealed_with=[newest]))
        told = f"{counts.sealed} passwords encrypted again, {counts.unreadable} not readable"
        audit.note(session, actor, "rotate secrets", "installation", told)
    _forget_on_disk(database)
    return counts


def missing_keys(session: Session) -> int:
    """How many of the keys that values may be sealed with this process does not have."""
    noted = session.scalar(select(Installation.sealed_with)) or []
    return sum(not sealed.keys_of(session).has(each) for each in noted)


def _go_over(
    database: Database,
    names: Collection[str],
    counts: SealCounts,
    *,
    only_plain: bool,
    is_leaving: Callable[[], bool] = lambda: False,
) -> None:
    last = 0
    while names and not is_leaving():
        with database.writing() as session:
            done = _seal_customers(session, sorted(names), last, counts, only_plain=only_plain)
        if done is None:
            break
        last = done
    after: tuple[int, str] = (0, "")
    while not is_leaving():
        with database.writing() as session:
            following = _seal_source_values(session, names, after, counts, only_plain=only_plain)
        if following is None:
            break
        after = following


def _seal_customers(
    session: Session, names: Sequence[str], last: int, counts: SealCounts, *, only_plain: bool
) -> int | None:
    """Seal what the next customers after this id have; return the id of the last of them, None after all."""
    keys = sealed.keys_of(session)
    rows = session.execute(
        select(Customer.id, Customer.code, Customer.extra)
        .where(Customer.id > last, or_(*(_is_open(keys, name, only_plain) for name in names)))
        .order_by(Customer.id)
        .limit(SEALED_BATCH)
        .with_for_update()
    ).all()
    changed = []
    for id, code, metadata in rows:
        found = {
            name: again
            for name in names
            if name in metadata and (again := _again(keys, code, name, metadata[name], counts, only_plain))
        }
        if found:
            changed.append({"of_id": id, "sealed": {**metadata, **found}})
    if changed:
        table = cast(Table, Customer.__table__)
        one = update(table).where(table.c.id == bindparam("of_id"))
        session.connection().execute(one.values(metadata=bindparam("sealed", type_=Json)), changed)
    if changed and only_plain:
        these = select(Customer.id).where(Customer.id.in_([row["of_id"] for row in changed]))
        found_by.index_customers(session, these)
    return rows[-1].id if rows else None


def _seal_source_values(
    session: Session, names: Collection[str], after: tuple[int, str], counts: SealCounts, *, only_plain: bool
) -> tuple[int, str] | None:
    """The same for what the source said of passwords that people changed: there are few of them."""
    keys = sealed.keys_of(session)
    id, field_ = SourceValue.subject_id, SourceValue.field
    rows = session.execute(
        select(id, field_, SourceValue.value, Customer.code)
        .join(Customer, Customer.id == id)
        .where(SourceValue.subject == SourceSubject.CUSTOMER)
        .where(field_.in_([FIELD + name for name in names]))
        .where(or_(id > after[0], (id == after[0]) & (field_ > after[1])))
        .order_by(id, field_)
        .limit(SEALED_BATCH)
        .with_for_update()
    ).all()
    for subject_id, name, value, code in rows:
        again = _again(keys, code, name.removeprefix(FIELD), value, counts, only_plain)
        if again:
            session.execute(
                update(SourceValue)
                .where(SourceValue.subject == SourceSubject.CUSTOMER)
                .where(id == subject_id, field_ == name)
                .values(value=again)
            )
    return (rows[-1].subject_id, rows[-1].field) if rows else None


def _is_open(keys: Keys, name: str, only_plain: bool) -> ColumnElement[bool]:
    """Whether this field of the current Customer has something other than blanks that is not sealed, or not
    with the newest key."""
    value = func.coalesce(metadata_text(Customer.extra, literal(name, String)), "")
    done = sealed.PREFIX if only_plain else f"{sealed.PREFIX}{keys.newest}:"
    return (func.trim(value) != "") & ~value.startswith(done)


def _again(keys: Keys, code: str, name: str, value: Any, counts: SealCounts, only_plain: bool) -> str:
    """The value, sealed with the newest key; empty if it stays as it is."""
    if value is None or keys.is_newest(value) or (only_plain and is_sealed(value)):
        return ""
    try:
        opened = keys.open(code, name, value)
    except CannotOpen:
        counts.note_unreadable(code)
        return ""
    if not opened.strip():
        return ""
    counts.older += is_sealed(value)
    counts.plain += not is_sealed(value)
    return keys.seal(code, name, opened)


def _forget_on_disk(database: Database) -> None:
    """Have SQLite overwrite what its log still has of the values as they were."""
    if database.is_sqlite:
        with database.engine.connect() as connection:
            connection.exec_driver_sql("ROLLBACK")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
