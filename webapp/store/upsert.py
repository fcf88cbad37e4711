"""INSERT … ON CONFLICT, which SQLAlchemy spells per database though both mean the same."""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from webapp.store.base import Base


def insert_into(session: Session, model: type[Base]) -> Any:
    """An INSERT into this table that understands `on_conflict_do_update` and `on_conflict_do_nothing`."""
    return insert_of(session.get_bind().dialect.name, model)


def insert_of(dialect: str, model: type[Base]) -> Any:
    """The same for a database by its name: for statements that are made once, because they run often."""
    table = cast(Table, model.__table__)
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
