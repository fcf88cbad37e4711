"""A cluster to read and to rename."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from tests import factories
from webapp.store.customers import Cluster
from webapp.store.database import Database


@pytest.fixture
def cluster(database: Database) -> int:
    """Its id; its name is "before"."""
    with database.writing() as session:
        return factories.cluster(session, "before").id


def rename(database: Database, name: str) -> None:
    """What another process does: over a session of its own."""
    with database.writing() as session:
        session.execute(update(Cluster).values(tag_name=name))


def name_in(database: Database) -> str:
    with database.reading() as session:
        return session.scalars(select(Cluster.tag_name)).one()
