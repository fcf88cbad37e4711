"""Statements that run for every message: compiled once, then handed to the driver as they are.

SQLAlchemy looks each statement up in its cache, binds, and makes a context for the result, every time: three
times the work of the driver itself. What a statement says stays SQLAlchemy's, so it is the same on every
database; so do conversions of values, errors, and the transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import BindParameter, Connection, CursorResult, Dialect, Table, Update, bindparam, update
from sqlalchemy.sql.base import Executable
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ClauseElement

Row = Mapping[str, Any]
Converter = Callable[[Any], Any]


@dataclass(frozen=True)
class _Compiled:
    """The SQL for a driver, the order of its parameters if they go by place, and what to convert."""

    sql: str
    places: Sequence[str] | None
    names: Sequence[str]
    converters: Mapping[str, Converter]

    def parameters(self, row: Row) -> Any:
        converted = {
            name: self.converters[name](row[name]) if name in self.converters else row[name]
            for name in self.names
        }
        return tuple(converted[name] for name in self.places) if self.places is not None else converted


class Prepared:
    """A statement whose parameters are all named by `bindparam`. What it returns comes as the driver gives
    it: columns of texts and numbers only."""

    def __init__(self, statement: Executable) -> None:
        self._statement = cast(ClauseElement, statement)
        self._compiled: dict[str, _Compiled] = {}

    def run(self, connection: Connection, parameters: Row | Sequence[Row]) -> CursorResult[*tuple[Any, ...]]:
        """Runs it once, or once for each of several rows (then nothing is returned). Raises DBAPIError as
        SQLAlchemy does, and KeyError for a parameter that is not given."""
        dialect = connection.dialect
        compiled = self._compiled.get(dialect.name) or self._compile(dialect)
        if isinstance(parameters, Mapping):
            return connection.exec_driver_sql(compiled.sql, compiled.parameters(parameters))
        return connection.exec_driver_sql(compiled.sql, [compiled.parameters(row) for row in parameters])

    def _compile(self, dialect: Dialect) -> _Compiled:
        """Threads may do this at the same time: each comes to the same."""
        compiled = cast(SQLCompiler, self._statement.compile(dialect=dialect))
        binds: dict[str, BindParameter[Any]] = dict(compiled.binds)
        processors = {
            name: bind.type.dialect_impl(dialect).bind_processor(dialect) for name, bind in binds.items()
        }
        made = _Compiled(
            str(compiled),
            compiled.positiontup,
            tuple(binds),
            {name: processor for name, processor in processors.items() if processor is not None},
        )
        self._compiled[dialect.name] = made
        return made


@dataclass(frozen=True)
class Writing:
    """A statement that returns nothing, and the rows that it is to be run for."""

    statement: Prepared
    rows: Sequence[Row]


def run_all(connection: Connection, writings: Iterable[Writing]) -> None:
    """Runs these in order, each for its rows. Raises DBAPIError.

    PostgreSQL is asked row by row: psycopg's way for many rows is a pipeline, and a process that is frozen
    within one is not "idle in a transaction" to PostgreSQL, which would leave it its locks for as long
    (`store/database.py`, IDLE_SECONDS). On one machine a pipeline is no faster, either."""
    row_by_row = connection.dialect.name == "postgresql"
    for writing in writings:
        batches: Iterable[Row | Sequence[Row]] = writing.rows if row_by_row else filter(None, [writing.rows])
        for rows in batches:
            writing.statement.run(connection, rows)


def named(table: Table, columns: Sequence[str], suffix: str = "") -> dict[str, BindParameter[Any]]:
    """These columns, each set by the parameter of its name."""
    return {column: bindparam(f"{column}{suffix}", type_=table.c[column].type) for column in columns}


def row_values(table: Table, columns: Sequence[str], rows: int) -> list[dict[str, BindParameter[Any]]]:
    """The VALUES of an INSERT of so many rows at once; `row_parameters` goes with it."""
    return [named(table, columns, f"_{n}") for n in range(rows)]


def row_parameters(columns: Sequence[str], rows: Sequence[Row]) -> dict[str, Any]:
    """What `row_values` calls these."""
    return {f"{column}_{n}": row[column] for n, row in enumerate(rows) for column in columns}


def update_by_id(table: Table, columns: Sequence[str]) -> Update:
    """Sets these columns of the row whose id is the parameter `by_id`."""
    return update(table).where(table.c.id == bindparam("by_id")).values(named(table, columns))
