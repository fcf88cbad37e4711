"""INSERT … ON CONFLICT, which SQLAlchemy spells per database though both mean the same."""

from __future__ import annotations

from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from webapp.store.base import Base


def insert_into(session: Session, table: type[Base]) -> Any:
    """An INSERT into this table that understands `on_conflict_do_update` and `on_conflict_do_nothing`."""
    if session.get_bind().dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)
