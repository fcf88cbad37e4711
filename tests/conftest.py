"""Both databases, migrated, fresh for every test that asks for one."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import keys
from tests.jobs.conftest import redis_server
from tests.postgres import PostgresServer, postgres_server
from webapp import config, migrations
from webapp.config import Settings
from webapp.extensions import Runtime, open_runtime
from webapp.store.database import Database, answers


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite file, to be copied."""
    path = tmp_path_factory.mktemp("template") / "mailrun.sqlite3"
    database = Database(f"sqlite:///{path}")
    migrations.upgrade(database)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("ROLLBACK")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.dispose()
    return path


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server with a migrated, empty database to copy: PG_TEST_URL's, else one of our own.

    Not in pytest's own folder: the server runs as another user, and each pytest that starts closes that
    folder to all others."""
    with (
        tempfile.TemporaryDirectory(prefix="mailrun-postgres-") as folder,
        postgres_server(Path(folder)) as server,
    ):
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a migrated, empty database. A test that uses it runs twice."""
    if request.param == "sqlite":
        path = tmp_path / "home" / "mailrun.sqlite3"
        path.parent.mkdir(mode=0o700)
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
    else:
        server: PostgresServer = request.getfixturevalue("postgres")
        with server.fresh_database() as url:
            yield url


@pytest.fixture
def environ(database_url: str, tmp_path: Path) -> dict[str, str]:
    """The settings of a test installation: its own home, no Redis, everything that waits sped up."""
    home = tmp_path / "home"
    home.mkdir(exist_ok=True, mode=0o700)
    return {
        "MAILRUN_HOME": str(home),
        "MAILRUN_DATABASE_URL": database_url,
        "MAILRUN_REDIS_URL": "none",
        "MAILRUN_TIME_SCALE": "600",
        "MAILRUN_LEASE": "2",
        "MAILRUN_SMTP_TIMEOUT": "5",
        "MAILRUN_SMTP_DATA_TIMEOUT": "5",
    }


@pytest.fixture
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real Redis, empty."""
    socket = tmp_path_factory.mktemp("r") / "redis.sock"
    process = redis_server(socket)
    yield f"unix://{socket}"
    process.kill()
    process.wait()


@pytest.fixture
def settings(environ: dict[str, str]) -> Settings:
    return config.load(environ)


@pytest.fixture
def runtime(settings: Settings) -> Iterator[Runtime]:
    """Everything opened, as the application has it. Whatever a test did, no row may then lead to nothing
    (unless it took the database away)."""
    opened = open_runtime(settings)
    yield opened
    with opened.database.reading() as session:
        astray = list(keys.broken(session)) if answers(opened.database) else []
    opened.close()
    assert astray == []


@pytest.fixture
def database(runtime: Runtime) -> Database:
    return runtime.database
