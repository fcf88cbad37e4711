"""Conditions on many ids."""

from __future__ import annotations

import json
from collections.abc import Iterable

from sqlalchemy import BigInteger, ColumnElement, SQLColumnExpression, any_, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session


def id_in(session: Session, column: SQLColumnExpression[int], ids: Iterable[int]) -> ColumnElement[bool]:
    """Whether the column has one of these values. They go as one parameter, as a JSON text or an array:
    SQLAlchemy takes as long for thousands of parameters as the database for the query."""
    if session.get_bind().dialect.name != "sqlite":
        return column == any_(literal(list(ids), ARRAY(BigInteger)))
    return column.in_(select(func.json_each(json.dumps(list(ids))).table_valued("value").c.value))
