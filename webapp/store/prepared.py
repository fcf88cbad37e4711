"""Statements that run for every message: compiled once, then handed to the driver as they are.

SQLAlchemy looks each statement up in its cache, binds, and creates a context and a result, every time: three
times the work of the driver itself. The statements are still SQLAlchemy's, so they are the same on every
database; so are conversions of values, the kinds of errors, and the transaction.

Measured on SQLite for a round of eight messages, in CPU microseconds: locking their results 17 instead of
1,000 through SQLAlchemy's cache and IN expansion, writing their outcomes 230 instead of 500, where a whole
message costs about 850. Nothing but the delivery path uses this: elsewhere the difference does not show."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, cast

from sqlalchemy import (
    BindParameter,
    Connection,
    Dialect,
    Table,
    bindparam,
    literal_column,
    select,
    update,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.base import Executable
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ClauseElement

from webapp.store.base import Base
from webapp.store.dialects import as_json, insert_of, json_rows

Parameters = Mapping[str, Any]
FetchedRow = tuple[Any, ...]
Converter = Callable[[Any], Any]


@dataclass(frozen=True)
class _Compiled:
    """The SQL for a driver; its parameters, each with what converts it, if anything; and whether they go by
    place."""

    sql: str
    wanted: Sequence[tuple[str, Converter | None]]
    by_place: bool

    def parameters(self, row: Parameters) -> Any:
        if self.by_place:
            return [convert(row[name]) if convert else row[name] for name, convert in self.wanted]
        return {name: convert(row[name]) if convert else row[name] for name, convert in self.wanted}


class CompiledStatement:
    """A statement whose parameters are all named by `bindparam`. It returns rows as the driver gives them:
    columns of texts and numbers only."""

    def __init__(self, statement: Executable) -> None:
        self._statement = cast(ClauseElement, statement)
        self._compiled: dict[str, _Compiled] = {}

    def run(self, connection: Connection, parameters: Parameters | Sequence[Parameters]) -> list[FetchedRow]:
        """Run it once, or once for each of several rows (then nothing is returned), within the connection's
        transaction. Raises DBAPIError as SQLAlchemy does, and KeyError for a missing parameter."""
        dialect = connection.dialect
        compiled = self._compiled.get(dialect.name) or self._compile(dialect)
        if isinstance(parameters, Mapping):
            return _said(connection, compiled.sql, compiled.parameters(parameters))
        return _said(connection, compiled.sql, [compiled.parameters(row) for row in parameters], many=True)

    def _compile(self, dialect: Dialect) -> _Compiled:
        """Threads may do this at the same time: each gets the same."""
        compiled = cast(SQLCompiler, self._statement.compile(dialect=dialect))
        binds: dict[str, BindParameter[Any]] = dict(compiled.binds)
        converters = {
            name: bind.type.dialect_impl(dialect).bind_processor(dialect) for name, bind in binds.items()
        }
        places = compiled.positiontup
        wanted = [(name, converters[name]) for name in (binds if places is None else places)]
        made = _Compiled(str(compiled), wanted, places is not None)
        self._compiled[dialect.name] = made
        return made


def _said(connection: Connection, sql: str, parameters: Any, *, many: bool = False) -> list[FetchedRow]:
    """Have the driver run this; return its rows, if any. Errors are raised as SQLAlchemy raises them, and a
    lost connection is not used again."""
    if not connection.in_transaction():
        raise RuntimeError("a prepared statement runs within a transaction")
    dialect, driver = connection.dialect, cast(Any, connection.connection.dbapi_connection)
    cursor = driver.cursor()
    try:
        if many:
            cursor.executemany(sql, parameters)
            return []
        cursor.execute(sql, parameters)
        return cast(list[FetchedRow], cursor.fetchall()) if cursor.description else []
    except dialect.loaded_dbapi.Error as error:
        lost = dialect.is_disconnect(error, driver, cursor)
        if lost:
            connection.invalidate(error)
        raise DBAPIError.instance(
            sql, None, error, dialect.loaded_dbapi.Error, connection_invalidated=lost, dialect=dialect
        ) from error
    finally:
        cursor.close()


class BulkInsert:
    """An INSERT of many rows in one statement, which may return what it stores. `ending` is what the
    statement says after the rows."""

    def __init__(
        self,
        model: type[Base],
        columns: Sequence[str],
        ending: Callable[[Any], Any] = lambda inserting: inserting,
    ) -> None:
        self._model, self._columns, self._ending = model, columns, ending

    def run(self, connection: Connection, rows: Sequence[Parameters]) -> list[FetchedRow]:
        """Store these rows; return what the statement returns. Raises DBAPIError."""
        if connection.dialect.name == "postgresql":
            return _at_once(self).run(connection, {"rows": self.as_json(rows)})
        values = {f"{column}_{n}": row[column] for n, row in enumerate(rows) for column in self._columns}
        return _value_by_value(self, len(rows)).run(connection, values)

    def as_json(self, rows: Sequence[Parameters]) -> str:
        """These rows in the form that `at_once` takes."""
        return as_json(self._columns, rows)

    def at_once(self, rows: str) -> Any:
        """The statement for any number of rows, given as one parameter of this name."""
        given = select(json_rows(self._table, self._columns, rows))
        inserting = insert_of("postgresql", self._model)
        return self._ending(inserting.from_select(self._columns, given, include_defaults=False))

    def value_by_value(self, rows: int) -> CompiledStatement:
        """The statement for this number of rows, with a parameter for each value."""
        values = [_named(self._table, self._columns, f"_{n}") for n in range(rows)]
        return CompiledStatement(self._ending(insert_of("sqlite", self._model).values(values)))

    @property
    def _table(self) -> Table:
        return cast(Table, self._model.__table__)


@lru_cache
def _value_by_value(inserting: BulkInsert, rows: int) -> CompiledStatement:
    return inserting.value_by_value(rows)


class BulkUpdate:
    """Sets these columns of many rows, each known by its id, the parameter `by_id`."""

    def __init__(self, model: type[Base], columns: Sequence[str]) -> None:
        self._model, self._columns = model, columns

    def run(self, connection: Connection, rows: Sequence[Parameters]) -> None:
        """Changes these, each id once. Raises DBAPIError."""
        if connection.dialect.name == "postgresql":
            _at_once(self).run(connection, {"rows": self.as_json(rows)})
        else:
            self._one_by_one.run(connection, rows)

    def as_json(self, rows: Sequence[Parameters]) -> str:
        """These rows in the form that `at_once` takes."""
        return as_json(("by_id", *self._columns), rows)

    def at_once(self, rows: str) -> Any:
        """The statement for any number of rows, given as one parameter of this name."""
        table = cast(Table, self._model.__table__)
        given = json_rows(table, ("by_id", *self._columns), rows)
        values = {column: given.c[column] for column in self._columns}
        return update(table).where(table.c.id == given.c.by_id).values(values)

    @cached_property
    def _one_by_one(self) -> CompiledStatement:
        table = cast(Table, self._model.__table__)
        return CompiledStatement(
            update(table).where(table.c.id == bindparam("by_id")).values(_named(table, self._columns))
        )


@dataclass(frozen=True)
class PendingWrite:
    """A statement, and the rows to run it for."""

    statement: BulkInsert | BulkUpdate
    rows: Sequence[Parameters]


def execute_all(connection: Connection, writings: Iterable[PendingWrite]) -> None:
    """Run these writes, which are about different rows. Raises DBAPIError.

    On PostgreSQL they are one statement, with one exchange. A pipeline of several would hide a process that
    is frozen within it: to PostgreSQL that is not "idle in a transaction", so it would leave the process its
    locks for as long (`store/engine_events.py`, IDLE_SECONDS)."""
    due = [writing for writing in writings if writing.rows]
    if connection.dialect.name == "postgresql" and len(due) > 1:
        rows = {f"rows_{n}": writing.statement.as_json(writing.rows) for n, writing in enumerate(due)}
        _together(tuple(writing.statement for writing in due)).run(connection, rows)
        return
    for writing in due:
        writing.statement.run(connection, writing.rows)


@lru_cache
def _together(statements: tuple[BulkInsert | BulkUpdate, ...]) -> CompiledStatement:
    parts = [statement.at_once(f"rows_{n}").cte(f"part_{n}") for n, statement in enumerate(statements)]
    return CompiledStatement(select(literal_column("1")).add_cte(*parts))


@lru_cache
def _at_once(statement: BulkInsert | BulkUpdate) -> CompiledStatement:
    return CompiledStatement(statement.at_once("rows"))


def _named(table: Table, columns: Sequence[str], suffix: str = "") -> dict[str, BindParameter[Any]]:
    """These columns, each set by the parameter of its name."""
    return {column: bindparam(f"{column}{suffix}", type_=table.c[column].type) for column in columns}
