"""A connection of its own with the temporary tables, and the fast way to fill them.

Passwords of documents are sealed (webapp/sealed.py) before they are staged, so that no table, not even a
temporary one, has them in plain text. A value that is stored already, with the newest key, is staged as it is
stored, sealed: so the comparison of all rows finds it equal. That takes a digest for each value, and encrypts
only what is new."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, String, Table, func, literal, select, text
from sqlalchemy.orm import Session

from webapp import sealed
from webapp.errors import Refused
from webapp.imports import staged
from webapp.imports.problems import ImportRefused
from webapp.imports.reading import CsvRow
from webapp.store.customers import Customer, metadata_text
from webapp.store.database import Database
from webapp.store.engine_events import IDLE_LIMIT, IDLE_SECONDS
from webapp.store.installation import Installation
from webapp.store.statuses import SourceSubject
from webapp.store.users import SourceValue
from webapp.translation import _

BATCH = 5_000
CACHE_KIB = 49_152
"""Of each of the two files: a worker that imports a million invoices stays under 300 MB."""


class Stage:
    """The connection. Each block is a transaction: `working` uses temporary tables only and never waits for
    another writer; `merging` takes the write lock (on SQLite) and commits at its end.

    On PostgreSQL `working` may be idle for long, while documents are read or stored: it locks nothing that
    others wait for. `merging` may not."""

    def __init__(self, connection: Connection, info: dict[str, Any]) -> None:
        self.connection, self._info = connection, info
        self.dialect = connection.dialect.name

    @contextmanager
    def working(self) -> Iterator[Session]:
        """Fills and compares temporary tables; reads the others."""
        with Session(self.connection, expire_on_commit=False, info=self._info) as session:
            yield session
            session.commit()

    @contextmanager
    def merging(self) -> Iterator[Session]:
        """The one transaction that changes the database."""
        self.connection.execution_options(writes=True)
        with Session(self.connection, expire_on_commit=False, info=self._info) as session:
            if self.dialect == "postgresql":
                session.execute(text(f"SET LOCAL {IDLE_LIMIT} = {IDLE_SECONDS * 1000}"))
            yield session
            session.commit()
        self.connection.execution_options(writes=False)

    def fill(self, session: Session, table: Table, rows: Iterable[dict[str, Any]]) -> int:
        """Puts the rows into the staging table, batch by batch; gives their number."""
        names = [column.name for column in table.columns]
        values = map(itemgetter(*names), rows)
        copy = self._copy if self.dialect == "postgresql" else self._insert_many
        count = 0
        while batch := list(islice(values, BATCH)):
            copy(session.connection(), table, names, batch)
            count += len(batch)
        return count

    def _insert_many(self, on: Connection, table: Table, names: list[str], rows: list[tuple[Any]]) -> None:
        marks = ", ".join("?" * len(names))
        on.exec_driver_sql(f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({marks})", rows)  # noqa: S608

    def _copy(self, on: Connection, table: Table, names: list[str], rows: list[tuple[Any]]) -> None:
        driver: Any = on.connection.dbapi_connection
        with (
            driver.cursor() as cursor,
            cursor.copy(f"COPY {table.name} ({', '.join(names)}) FROM STDIN") as copy,
        ):
            for row in rows:
                copy.write_row(row)


@contextmanager
def opened(database: Database) -> Iterator[Stage]:
    """A stage with empty tables. Its connection is closed at the end, and the tables with it."""
    with database.engine.connect() as connection:
        connection.detach()
        stage = Stage(connection, database.info)
        with stage.working() as session:
            staged.metadata.create_all(session.connection(), checkfirst=False)
            if not database.is_sqlite:
                session.execute(text(f"SET {IDLE_LIMIT} = 0"))
        if database.is_sqlite:
            _tune(connection)
        yield stage


def _tune(connection: Connection) -> None:
    """More cache for this one connection: big sorts and a big merge would be all disk otherwise."""
    driver: Any = connection.connection.dbapi_connection
    for schema in ("main", "temp"):
        driver.execute(f"PRAGMA {schema}.cache_size = -{CACHE_KIB}")


LOOKED_UP_BATCH = 1_000
"""Customers whose stored passwords are read at a time."""


@dataclass
class StagedPasswords:
    """Whether the folder has passwords, and when the secret key was last changed before they were sealed."""

    any: bool = False
    rotated_at: datetime | None = None


def seal_rows(
    session: Session, rows: Iterable[CsvRow], names: Collection[str], found: StagedPasswords
) -> Iterator[CsvRow]:
    """The rows of customers.csv, with what these fields hold sealed."""
    found.rotated_at = session.scalar(select(Installation.rotated_at))
    keys, following = sealed.keys_of(session), iter(rows)
    while batch := list(islice(following, LOOKED_UP_BATCH)):
        secret = [(row, fields) for row in batch if (fields := _secret_fields(row, names))]
        stored = _stored(session, [row["code"] for row, _secret in secret], names) if secret else {}
        for row, fields in secret:
            found.any = True
            had = stored.get(row["code"], {})
            for name, value in fields.items():
                is_same = keys.is_newest(had.get(name)) and keys.says(row["code"], name, had[name], value)
                fields[name] = had[name] if is_same else keys.seal(row["code"], name, value)
            row["metadata"] = json.dumps({**json.loads(row["metadata"]), **fields})
        yield from batch


def batched(rows: Iterable[CsvRow]) -> Iterator[list[CsvRow]]:
    """The rows, some at a time."""
    following = iter(rows)
    while batch := list(islice(following, BATCH)):
        yield batch


def seal_remembered(
    session: Session, rows: Iterable[CsvRow], names: Collection[str], found: StagedPasswords
) -> Iterator[CsvRow]:
    """The rows of changed_here.csv, with passwords sealed; one that is remembered already is staged as it is
    stored."""
    keys = sealed.keys_of(session)
    for row in rows:
        prefix, _dot, name = (row["field"] or "").partition(".")
        if prefix == "metadata" and name in names and row["value"]:
            found.any, found.rotated_at = True, session.scalar(select(Installation.rotated_at))
            text = str(json.loads(row["value"]))
            had = session.scalar(
                select(SourceValue.value)
                .join(Customer, Customer.id == SourceValue.subject_id)
                .where(Customer.code == row["owner"], SourceValue.field == row["field"])
                .where(SourceValue.subject == SourceSubject.CUSTOMER)
            )
            is_same = keys.is_newest(had) and keys.says(row["owner"], name, had, text)
            row["value"] = json.dumps(had if is_same else keys.seal(row["owner"], name, text))
        yield row


def _secret_fields(row: CsvRow, names: Collection[str]) -> dict[str, str]:
    said = row.get("metadata")
    return {name: value for name, value in json.loads(said).items() if name in names} if said else {}


def _stored(session: Session, codes: list[str], names: Collection[str]) -> dict[str, dict[str, Any]]:
    """Code → field → what is stored there, of the customers that are there already."""
    ordered = sorted(names)
    columns = (metadata_text(Customer.extra, literal(name, String)) for name in ordered)
    rows = session.execute(select(Customer.code, *columns).where(Customer.code.in_(codes)))
    return {code: dict(zip(ordered, values, strict=True)) for code, *values in rows}


def must_be_storable(session: Session, found: StagedPasswords, erased: int) -> None:
    """Raises ImportRefused if what was staged must not be stored by now: the database belongs to another
    secret key, or the key was changed while the import ran; or more customers were erased than then."""
    if erased != session.scalar(select(func.count()).where(Customer.erased_at.is_not(None))):
        raise ImportRefused(
            [_("a customer was erased while the import ran; nothing was imported, start it again")]
        )
    if not found.any:
        return
    if session.scalar(select(Installation.rotated_at)) != found.rotated_at:
        raise ImportRefused(
            [_("the secret key was changed while the import ran; nothing was imported, start it again")]
        )
    try:
        sealed.get_ready(session)
    except Refused as refusal:
        raise ImportRefused([f"{refusal} Nothing was imported."]) from None
