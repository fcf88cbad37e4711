"""Pieces of SQL that SQLAlchemy spells per database, and the form in which PostgreSQL is given many rows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, cast

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    SQLColumnExpression,
    Table,
    TableValuedAlias,
    Text,
    any_,
    bindparam,
    func,
    literal,
    select,
)
from sqlalchemy import cast as cast_to
from sqlalchemy import column as named_column
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from webapp.store.base import Base


def insert_into(session: Session, model: type[Base]) -> Any:
    """An INSERT into this table that understands `on_conflict_do_update` and `on_conflict_do_nothing`."""
    return insert_of(session.get_bind().dialect.name, model)


def insert_of(dialect: str, model: type[Base]) -> Any:
    """The same for a database by its name: for statements that are made once, because they run often."""
    table = cast(Table, model.__table__)
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


def id_in(session: Session, column: SQLColumnExpression[int], ids: Iterable[int]) -> ColumnElement[bool]:
    """Whether the column has one of these values. They go as one parameter, as a JSON text or an array:
    SQLAlchemy takes as long for thousands of parameters as the database for the query."""
    if session.get_bind().dialect.name != "sqlite":
        return column == any_(literal(list(ids), ARRAY(BigInteger)))
    return column.in_(select(func.json_each(json.dumps(list(ids))).table_valued("value").c.value))


def read_before(session: Session, column: SQLColumnExpression[int]) -> SQLColumnExpression[int]:
    """The id by which a table is joined that is to be read first, in the order of one of its indices. SQLite
    may else read the other table whole, look up each row of this one, and sort them all."""
    return column + 0 if session.get_bind().dialect.name == "sqlite" else column


def unindexed(column: Any) -> Any:
    """The column's value, for which no index is taken."""
    return func.coalesce(column, column)


def json_rows(table: Table, columns: Sequence[str], parameter: str) -> TableValuedAlias:
    """Rows as PostgreSQL reads them: one JSON text, the parameter of this name. So the statement is the same
    for any number of rows, and its parameter is built in one go: psycopg takes long for every parameter,
    and parses a statement with more than 50 of them again each time."""
    typed = [named_column(name, table.c["id" if name == "by_id" else name].type) for name in columns]
    rows = cast_to(bindparam(parameter, type_=Text), postgresql.JSON)
    return func.json_to_recordset(rows).table_valued(*typed, name="given").render_derived(with_types=True)


def as_json(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:
    """These columns of the rows, as such a text. Raises TypeError for a value of another kind."""
    return json.dumps([{column: row[column] for column in columns} for row in rows], default=_json_default)


def _json_default(value: object) -> str:
    """The value as PostgreSQL reads its type."""
    if isinstance(value, datetime) and value.tzinfo is UTC:
        return _iso_of_utc(value)
    match value:
        case datetime(tzinfo=None):
            raise ValueError(f"an instant needs a time zone: {value!r}")
        case datetime():
            return value.isoformat()
        case Decimal():
            return str(value)
        case bytes():
            return f"\\x{value.hex()}"
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


@lru_cache(maxsize=256)
def _iso_of_utc(value: datetime) -> str:
    """Half of the instants of a mail are the same."""
    return value.isoformat()
