"""A connection of its own with the temporary tables, and the fast way to fill them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Table, text
from sqlalchemy.orm import Session

from webapp.imports import staged
from webapp.store.database import Database
from webapp.store.engine_events import IDLE_LIMIT, IDLE_SECONDS

BATCH = 5_000
CACHE_KIB = 65_536


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
