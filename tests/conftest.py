"""Both databases, migrated, fresh for every test that asks for one."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from argon2 import PasswordHasher
from flask import Flask
from sqlalchemy import select

from tests import factories, foreign_keys
from tests.compiled_once import compiled_once
from tests.faults.spawn import Nursery
from tests.http_client import PASSWORD, Browser, LogIn
from tests.jobs.conftest import redis_server
from tests.mailserver import MailServer, mail_server
from tests.memory import use_memory
from tests.postgres import PostgresServer, postgres_server
from tests.runtimes import open_database
from tests.world import World, make_world
from webapp import config, create_app, migrations
from webapp.application import add_pages
from webapp.config import Settings
from webapp.extensions import Runtime, runtime_of
from webapp.factors import authenticator
from webapp.mailing.renderer import Renderer
from webapp.store.customers import Cluster
from webapp.store.database import Database, answers
from webapp.store.users import AuditEntry
from webapp.users import accounts
from webapp.users.accounts import create_user
from webapp.workers import WorkerProcess

os.environ["LC_ALL"] = "C.UTF-8"  # the output of commands is checked in English


@pytest.fixture(scope="session", autouse=True)
def compiles_once() -> Iterator[None]:
    """Applications of one process share what they compile."""
    with compiled_once():
        yield


@pytest.hookimpl(optionalhook=True)
@pytest.fixture(scope="module", autouse=True)
def light_hashing() -> Iterator[None]:
    """Hashes passwords with the least effort that argon2id allows: almost every test of a page logs in. A
    module about the effort itself overrides this."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(accounts, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        accounts._nobodys_hash.cache_clear()
        yield
    accounts._nobodys_hash.cache_clear()


@pytest.fixture(scope="session")
def renderer() -> Iterator[Renderer]:
    """One process that renders for all tests: it keeps nothing of a mail, and takes longer to start than most
    tests run."""
    running = Renderer()
    yield running
    running.close()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite file, to be copied."""
    path = tmp_path_factory.mktemp("template") / "mailrun.sqlite3"
    database = open_database(f"sqlite:///{path}")
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


def pytest_configure() -> None:
    """Before any temporary folder is made, and before pytest-xdist starts its processes."""
    use_memory()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tells the report of the run which security checks a test shows (tests/security/table.py)."""
    for item in items:
        for mark in item.iter_markers("security"):
            item.user_properties += [("security", id) for id in mark.args]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Runs each test that needs a database on both. Tests of pages run on SQLite only: their own logic is the
    same on both, and the SQL below them is tested on both."""
    chosen = [mark.args[0] for mark in metafunc.definition.iter_markers("parametrize")]
    if "engine" in metafunc.fixturenames and "engine" not in chosen:
        is_of_pages = "branches" in metafunc.fixturenames
        metafunc.parametrize("engine", ["sqlite"] if is_of_pages else ["sqlite", "postgresql"])


@pytest.fixture
def database_url(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a migrated, empty database."""
    if engine == "sqlite":
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


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    """One process that starts the workers of all tests."""
    running = Nursery()
    yield running
    running.close()


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
def app(settings: Settings, renderer: Renderer) -> Flask:
    """The application without its pages, as workers have it, with the tests' renderer."""
    made = create_app(settings, pages=False)
    made.extensions["mailrun"] = replace(runtime_of(made), renderer=renderer)
    return made


@pytest.fixture
def writes_to_the_trail() -> bool:
    """Whether a test adds to the audit trail around the verbs: a module that does overrides this."""
    return False


@pytest.fixture
def runtime(app: Flask, writes_to_the_trail: bool) -> Iterator[Runtime]:
    """Everything opened, as the application has it. Whatever a test did, no row may then lead to nothing,
    and each entry of the audit trail is a link of the chain (unless it took the database away)."""
    opened = runtime_of(app)
    yield opened
    with opened.database.reading() as session:
        is_there = answers(opened.database)
        astray = list(foreign_keys.broken(session)) if is_there else []
        unchained = select(AuditEntry.action).where(AuditEntry.number.is_(None))
        loose = session.scalars(unchained).all() if is_there and not writes_to_the_trail else []
    opened.database.dispose()
    assert (astray, loose) == ([], [])


@pytest.fixture
def database(runtime: Runtime) -> Database:
    return runtime.database


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as running:
        yield running


@pytest.fixture
def steady_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Authenticator apps go on showing the code of this moment."""
    at = time.time()
    monkeypatch.setattr(authenticator, "time", SimpleNamespace(time=lambda: at))


@pytest.fixture
def world(runtime: Runtime, server: MailServer) -> World:
    return make_world(runtime, server)


@pytest.fixture
def worker(runtime: Runtime) -> Iterator[WorkerProcess]:
    worker = WorkerProcess(runtime.database)
    yield worker
    worker.stopping.set()


@pytest.fixture
def branches(world: World) -> None:
    """Clusters "left" and "right" below "all", and "both" below these two."""
    with world.runtime.database.writing() as session:
        left = factories.cluster(session, "left", world.everybody)
        right = factories.cluster(session, "right", world.everybody)
        factories.cluster(session, "both", left, right)


@pytest.fixture
def pages(app: Flask, branches: None) -> Flask:
    """The application with its pages, over the small world. It counts as set up: without users, every page
    would lead to the first start (tests/users/test_first_start.py)."""
    add_pages(app)
    app.extensions["any user"] = [True]
    return app


@pytest.fixture
def log_in(pages: Flask, runtime: Runtime) -> LogIn:
    """log_in("manager", "left"): the browser of a manager who sees cluster "left" and what is below it."""

    def as_role(role: str = "admin", *clusters: str) -> Browser:
        email = f"{role}{'.'.join(('', *clusters))}@example.com"
        with runtime.database.writing() as session:
            create_user(session, email, PASSWORD, role, clusters=clusters)
        browser = Browser(pages.test_client())
        assert browser.log_in(email).status_code == 303
        return browser

    return as_role


@pytest.fixture
def in_cluster(world: World) -> Callable[[str], int]:
    """in_cluster("left") adds a customer with an invoice there; gives the invoice's id."""

    def add(tag_name: str) -> int:
        with world.runtime.database.writing() as session:
            home = session.query(Cluster).filter_by(tag_name=tag_name).one()
            invoice = factories.invoice(session, factories.customer(session, home))
            factories.document(session, world.runtime.documents, invoice)
            return invoice.id

    return add
