"""The request's session: it reads, ends with its request, and changes something within `writing()` alone."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, insert, select, update
from sqlalchemy.exc import DBAPIError, InvalidRequestError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import DetachedInstanceError

from tests.store.conftest import name_in, rename
from webapp.store.base import Base
from webapp.store.customers import Cluster
from webapp.store.database import Database, after_commit
from webapp.store.db import db
from webapp.store.tables import metadata
from webapp.store.users import User
from webapp.users.accounts import create_user

pytestmark = pytest.mark.usefixtures("cluster")


@pytest.fixture
def in_context(app: Flask) -> Iterator[None]:
    """An application context, for a test that needs no request."""
    with app.app_context():
        yield


def statements(database: Database) -> list[str]:
    """Every statement that goes through SQLAlchemy, or begins a transaction on SQLite, from now on."""
    said: list[str] = []

    @event.listens_for(database.engine, "connect")
    def trace(connection: object, _: object) -> None:
        if isinstance(connection, sqlite3.Connection):
            connection.set_trace_callback(said.append)

    database.dispose()
    return said


def test_models_are_on_the_typed_base() -> None:
    assert db.metadata is Base.metadata is metadata
    assert "cluster" in db.metadata.tables


@pytest.mark.usefixtures("in_context")
def test_the_session_refuses_to_change_anything(database: Database) -> None:
    def by_insert() -> None:
        db.session.execute(insert(Cluster).values(tag_name="more"))

    def by_update() -> None:
        db.session.execute(update(Cluster).values(tag_name="changed"))

    def by_value() -> None:
        db.session.scalars(select(Cluster)).one().tag_name = "changed"
        db.session.commit()

    def by_adding() -> None:
        db.session.add(Cluster(tag_name="more"))
        db.session.flush()

    def by_deleting() -> None:
        db.session.delete(db.session.scalars(select(Cluster)).one())
        db.session.commit()

    for change in (by_insert, by_update, by_value, by_adding, by_deleting):
        with pytest.raises(RuntimeError, match=r"needs writing\(\)"):
            change()
        db.end_reading()
    assert name_in(database) == "before"


@pytest.mark.usefixtures("in_context")
def test_a_write_is_committed_and_the_session_of_the_block(database: Database) -> None:
    with db.writing() as session:
        db.session.execute(update(Cluster).values(tag_name="after"))
        assert db.session.connection() is session.connection()
        assert name_in(database) == "before"
    assert name_in(database) == "after"


@pytest.mark.usefixtures("in_context")
def test_a_write_that_raises_is_rolled_back_and_the_session_goes_on(database: Database) -> None:
    def fail(error: Exception | None) -> None:
        with db.writing() as session:
            session.execute(update(Cluster).values(tag_name="half"))
            if error:
                raise error
            session.execute(insert(Cluster).values(tag_name=None))

    for error in (KeyError(), None):
        with pytest.raises(type(error) if error else DBAPIError):
            fail(error)
        assert db.session.scalars(select(Cluster.tag_name)).one() == "before"
        with pytest.raises(RuntimeError, match=r"needs writing\(\)"):
            db.session.execute(update(Cluster).values(tag_name="changed"))
    assert name_in(database) == "before"


@pytest.mark.usefixtures("in_context")
def test_callbacks_run_after_the_commit_and_only_then(database: Database) -> None:
    seen: list[str] = []

    def write(*, fails: bool) -> None:
        with db.writing() as session:
            session.execute(update(Cluster).values(tag_name="after"))
            after_commit(session, lambda: seen.append(db.session.scalars(select(Cluster.tag_name)).one()))
            assert seen == []
            if fails:
                raise KeyError

    with pytest.raises(KeyError):
        write(fails=True)
    assert seen == []
    write(fails=False)
    assert seen == ["after"]


@pytest.mark.usefixtures("in_context")
def test_a_row_changed_after_it_was_read_is_fresh_within_a_write(database: Database, cluster: int) -> None:
    """Verbs decide on what they read: with the value of before they would do something twice."""
    read = db.session.get_one(Cluster, cluster)
    assert read.tag_name == "before"
    rename(database, "elsewhere")
    with db.writing() as session:
        fresh = session.get_one(Cluster, cluster)
        assert fresh.tag_name == "elsewhere"
        assert fresh is db.session.get_one(Cluster, cluster)
        assert fresh is not read
        fresh.tag_name = "here"
    assert read.tag_name == "before"  # detached, as it was read
    assert db.session.get_one(Cluster, cluster).tag_name == "here"


@pytest.mark.usefixtures("in_context")
def test_what_was_read_before_a_write_loads_nothing_after_it(database: Database) -> None:
    with database.writing() as session:
        create_user(session, "a@x.example", "a long password", "viewer")
    kept = db.session()  # type: ignore[operator]
    user = db.session.scalars(select(User)).one()
    with db.writing():
        pass
    with pytest.raises(DetachedInstanceError):
        _ = user.bound_to
    with pytest.raises(InvalidRequestError, match="permanently closed"):
        kept.scalars(select(Cluster))


@pytest.mark.usefixtures("in_context")
def test_a_write_within_a_write_is_refused_and_harms_nothing(database: Database) -> None:
    with db.writing() as session:
        session.execute(update(Cluster).values(tag_name="after"))
        with pytest.raises(RuntimeError, match=r"writing\(\) block is open"), db.writing():
            pass
        with pytest.raises(RuntimeError, match=r"writing\(\) block is open"):
            db.end_reading()
    assert name_in(database) == "after"


def test_a_write_begins_immediate_and_a_read_does_not(app: Flask, database: Database) -> None:
    if not database.is_sqlite:
        pytest.skip("SQLite only")
    said = statements(database)
    with app.app_context():
        db.session.scalars(select(Cluster)).all()
        with db.writing() as session:
            session.scalars(select(Cluster)).all()
        db.session.scalars(select(Cluster)).all()
    begun = [line for line in said if line.startswith(("BEGIN", "COMMIT", "ROLLBACK"))]
    assert begun == ["BEGIN", "ROLLBACK", "BEGIN IMMEDIATE", "COMMIT", "BEGIN", "ROLLBACK"]


def test_a_write_of_another_process_is_waited_for_not_read_past(app: Flask, database: Database) -> None:
    """The other holds SQLite's write lock, and PostgreSQL's lock of the row; both have been changed by it."""
    held, let_go = threading.Event(), threading.Event()

    def other() -> None:
        with database.engine.execution_options(writes=True).connect() as connection, connection.begin():
            connection.execute(update(Cluster).values(tag_name="elsewhere"))
            held.set()
            let_go.wait(10)

    thread = threading.Thread(target=other)
    with app.app_context():
        assert db.session.scalars(select(Cluster.tag_name)).one() == "before"
        thread.start()
        assert held.wait(10)
        threading.Timer(0.3, let_go.set).start()
        with db.writing() as session:
            assert session.scalars(select(Cluster.tag_name).with_for_update()).one() == "elsewhere"
    thread.join()


def test_reading_on_postgresql_needs_no_transaction(app: Flask, database: Database) -> None:
    if database.is_sqlite:
        pytest.skip("PostgreSQL only")

    def status(session: Session) -> str:
        session.scalars(select(Cluster)).one()
        driver: Any = session.connection().connection.dbapi_connection
        return str(driver.info.transaction_status.name)

    with app.app_context():
        assert status(db.session) == "IDLE"
        with db.writing() as session:
            assert status(session) == "INTRANS"
        assert status(db.session) == "IDLE"
