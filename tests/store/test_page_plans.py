"""PostgreSQL plans the statements of a page for the values that they have, others once for all."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from tests.world import World
from webapp.store.database import Database


def prepared(session: Session, name: str) -> bool:
    """Whether a statement is prepared on the session's connection after it has run ten times."""
    for n in range(10):
        session.execute(text(f"SELECT :n + 1 AS {name}"), {"n": n})
    said = text("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE :said")
    return bool(session.scalar(said, {"said": f"SELECT $1 + 1 AS {name}"}))


def test_statements_of_pages_are_not_prepared(world: World) -> None:
    database: Database = world.runtime.database
    if database.is_sqlite:
        pytest.skip("SQLite has no such plans")
    with database.reading() as session:
        assert prepared(session, "by_others")
    with Session(**database.page_options) as session:
        assert not prepared(session, "by_a_page")
    with database.reading() as session:
        assert prepared(session, "by_others_again")
