"""Databases with the work imported, to be copied for every round: what a round leaves behind slows down no
other."""

from __future__ import annotations

import secrets
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from benchmarks import meters, postgres
from tests.postgres import PostgresServer
from tests.runtimes import open_runtime
from webapp import config, migrations
from webapp.documents import document_checks
from webapp.imports.folder import import_folder
from webapp.store.database import Database

KEY = "the key of all measured installations"


class Base(Protocol):
    """Imported work, on one kind of database."""

    @property
    def words(self) -> str:
        """Which database this is."""

    @property
    def documents(self) -> Path: ...

    @contextmanager
    def fresh(self) -> Iterator[str]:
        """The address of a copy, for as long as the block lasts."""

    def server_cpu(self) -> float:
        """CPU seconds of the database's own processes, where it has any that can be seen."""


def environ(home: Path, database_url: str, documents: Path, redis_url: str = "none") -> dict[str, str]:
    """The settings of a measured installation: the defaults, but for where things are."""
    return {
        "MAILRUN_HOME": str(home),
        "MAILRUN_DATABASE_URL": database_url,
        "MAILRUN_STORE_URL": str(documents),
        "MAILRUN_REDIS_URL": redis_url,
        "MAILRUN_SECRET_KEY": KEY,
    }


@dataclass(frozen=True)
class SqliteBase:
    """A file. `home` holds it, and nothing else."""

    home: Path
    documents: Path
    words: str = f"SQLite {sqlite3.sqlite_version} (WAL, synchronous FULL)"

    @contextmanager
    def fresh(self) -> Iterator[str]:
        with tempfile.TemporaryDirectory(dir=self.home.parent) as folder:
            shutil.copy(self.home / "mailrun.sqlite3", folder)
            yield f"sqlite:///{folder}/mailrun.sqlite3"

    def server_cpu(self) -> float:
        return 0.0


@dataclass(frozen=True)
class PostgresBase:
    """A database of a server. `postmaster` is the server's process; 0 for one that runs elsewhere."""

    server: PostgresServer
    database: str
    documents: Path
    postmaster: int
    words: str

    @contextmanager
    def fresh(self) -> Iterator[str]:
        name = f"bench_{secrets.token_hex(6)}"
        self.server.run(f"CREATE DATABASE {name} TEMPLATE {self.database}")
        try:
            yield self.server.url.set(database=name).render_as_string(hide_password=False)
        finally:
            self.server.run(f"DROP DATABASE {name} WITH (FORCE)")

    def server_cpu(self) -> float:
        return meters.cpu([self.postmaster]).total if self.postmaster else 0.0


@contextmanager
def sqlite_base(folder: Path, work: Path) -> Iterator[Base]:
    """Imports the work into a new SQLite file below `folder`."""
    home = folder / "sqlite"
    home.mkdir()
    url, documents = f"sqlite:///{home}/mailrun.sqlite3", folder / "documents"
    _import(url, home, documents, work)
    yield SqliteBase(home, documents)


@contextmanager
def postgres_base(folder: Path, work: Path) -> Iterator[Base | None]:
    """Imports the work into a new database; None if there is no server for it."""
    home, documents = folder / "postgresql", folder / "documents"
    home.mkdir()
    with postgres.running() as own:
        if own is None:
            yield None
            return
        name = f"bench_base_{secrets.token_hex(6)}"
        own.server.run(f"CREATE DATABASE {name} TEMPLATE {own.server.template}")
        url = own.server.url.set(database=name).render_as_string(hide_password=False)
        try:
            _import(url, home, documents, work)
            yield PostgresBase(own.server, name, documents, own.postmaster, own.words())
        finally:
            own.server.run(f"DROP DATABASE {name} WITH (FORCE)")


def imported(databases: Sequence[str], folder: Path, work: Path, stack: ExitStack) -> dict[str, Base | None]:
    """The work on each of these databases, by its name, until the stack ends; None for one that is not to be
    had."""
    bases: dict[str, Base | None] = {}
    if "sqlite" in databases:
        bases["SQLite"] = stack.enter_context(sqlite_base(folder, work))
    if "postgresql" in databases:
        bases["PostgreSQL"] = stack.enter_context(postgres_base(folder, work))
    return bases


def _import(url: str, home: Path, documents: Path, work: Path) -> None:
    runtime = open_runtime(config.load(environ(home, url, documents)))
    try:
        migrations.upgrade(runtime.database)
        import_folder(runtime.database, runtime.documents, work, locks_tables=True)
        document_checks.check(runtime.database, runtime.documents)
        settle(runtime.database)
    finally:
        runtime.close()


def settle(database: Database) -> None:
    """Leaves a database that can be copied: everything in one file, statistics made."""
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if database.is_sqlite:
            connection.exec_driver_sql("ROLLBACK")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        else:
            connection.exec_driver_sql("VACUUM ANALYZE")
