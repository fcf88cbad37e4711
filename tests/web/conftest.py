"""The whole application over a small world, with people of every role."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask

from tests import factories
from tests.browser import PASSWORD, Browser
from tests.mailserver import MailServer, mail_server
from tests.runs.conftest import World, make_world
from webapp import create_app
from webapp.extensions import Runtime
from webapp.runs.workers import WorkerLife
from webapp.store.customers import Cluster
from webapp.users.accounts import create_user


@pytest.fixture(params=["sqlite"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The pages' own logic is the same on both databases; the SQL below them is tested on both."""
    path = tmp_path / "home" / "mailrun.sqlite3"
    path.parent.mkdir(mode=0o700)
    shutil.copy(request.getfixturevalue("sqlite_template"), path)
    return f"sqlite:///{path}"


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as running:
        yield running


@pytest.fixture
def app(runtime: Runtime) -> Flask:
    made = create_app(runtime.settings)
    made.extensions["mailrun"] = runtime
    return made


@pytest.fixture
def world(runtime: Runtime, server: MailServer) -> World:
    """Cluster "all" with "left" and "right" below it and "both" below these two."""
    made = make_world(runtime, server)
    with runtime.database.writing() as session:
        left = factories.cluster(session, "left", made.everybody)
        right = factories.cluster(session, "right", made.everybody)
        factories.cluster(session, "both", left, right)
    return made


@pytest.fixture
def worker(runtime: Runtime) -> Iterator[WorkerLife]:
    life = WorkerLife(runtime.database)
    yield life
    life.leaving.set()


LogIn = Callable[..., Browser]


@pytest.fixture
def log_in(app: Flask, runtime: Runtime) -> LogIn:
    """log_in("manager", "left"): the browser of a manager who sees cluster "left" and what is below it."""

    def as_role(role: str = "admin", *clusters: str) -> Browser:
        email = f"{role}{'.'.join(('', *clusters))}@example.com"
        with runtime.database.writing() as session:
            create_user(session, email, PASSWORD, role, clusters=clusters)
        browser = Browser(app.test_client())
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


def fields(world: World, **given: object) -> dict[str, object]:
    """The run dialog filled in for everybody in October."""
    return {
        "definition": world.definition.id,
        "cluster": "all",
        "include_children": "y",
        "period_from": "2026-10-01",
        "period_to": "2026-10-31",
        **given,
    }
