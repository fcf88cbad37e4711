"""Pieces of SQL that SQLAlchemy spells per database, though both mean the same."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, cast

from sqlalchemy import BigInteger, ColumnElement, SQLColumnExpression, Table, any_, func, literal, select
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
