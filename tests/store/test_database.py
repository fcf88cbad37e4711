"""The two ways into the database, and what an error of it may say."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, insert, select, text, update
from sqlalchemy.exc import DBAPIError, OperationalError

from tests import factories
from tests.runtimes import open_database
from webapp.store import engine_events
from webapp.store.customers import Cluster
from webapp.store.database import Database, after_commit


def test_a_block_that_raises_keeps_nothing_and_calls_nothing(database: Database) -> None:
    called: list[str] = []

    def breaks_off() -> None:
        with database.writing() as session:
            factories.cluster(session, "half")
            after_commit(session, lambda: called.append("after"))
            raise KeyError

    with pytest.raises(KeyError):
        breaks_off()
    with database.reading() as session:
        assert session.scalars(select(Cluster)).all() == []
    assert called == []


def test_callbacks_run_after_the_commit(database: Database) -> None:
    seen: list[int] = []

    def look() -> None:
        with database.reading() as session:
            seen.append(len(session.scalars(select(Cluster)).all()))

    with database.writing() as session:
        after_commit(session, look)
        factories.cluster(session, "whole")
        assert seen == []
    assert seen == [1]


@pytest.mark.security("C15")
def test_f8_only_its_owner_may_read_the_database(database: Database) -> None:
    if database.is_sqlite:
        path = Path(database.url.database or "")
        with database.writing() as session:
            session.execute(text("SELECT 1"))
        assert {file.stat().st_mode & 0o777 for file in path.parent.glob(f"{path.name}*")} == {0o600}


ANOTHER_PROCESS = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("UPDATE cluster SET tag_name = 'changed elsewhere'")
connection.commit()
connection.close()
"""


def test_another_engine_of_this_process_leaves_its_locks(database: Database) -> None:
    """Without them the other process, by the locks the last one, deletes the log that this one goes on
    writing to: what either commits from then on is lost to the other."""
    if not database.is_sqlite:
        pytest.skip("PostgreSQL is a server")
    with database.writing() as session:
        factories.cluster(session, "ours")
    path = Path(database.url.database or "")
    other = open_database(str(database.url))
    subprocess.run([sys.executable, "-c", ANOTHER_PROCESS, path], check=True)
    other.dispose()
    with database.writing() as session:
        assert session.scalars(select(Cluster.tag_name)).all() == ["changed elsewhere"]
        factories.cluster(session, "ours, later")
    with closing(sqlite3.connect(path)) as another:
        assert another.execute("SELECT count(*) FROM cluster").fetchone() == (2,)


def test_a_reading_session_changes_nothing(database: Database) -> None:
    with database.writing() as session:
        factories.cluster(session, "as it was")

    def by_statement() -> None:
        with database.reading() as session:
            session.execute(update(Cluster).values(tag_name="changed"))

    def by_value() -> None:
        with database.reading() as session:
            session.scalars(select(Cluster)).one().tag_name = "changed"
            session.scalars(select(Cluster)).all()

    for changes in (by_statement, by_value):
        with pytest.raises(RuntimeError, match=r"needs writing\(\)"):
            changes()
    with database.reading() as session:
        assert session.scalars(select(Cluster.tag_name)).all() == ["as it was"]


def test_an_error_does_not_tell_the_data(database: Database) -> None:
    with database.writing() as session:
        factories.cluster(session, "a secret name")
    with pytest.raises(DBAPIError) as caught, database.writing() as session:
        session.add(Cluster(tag_name="a secret name"))
    assert "[SQL parameters hidden" in str(caught.value)


def test_what_must_be_kept_is_tried_until_it_is(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[int] = []

    def locked_twice(session: object) -> str:
        tries.append(1)
        if len(tries) < 3:
            raise OperationalError("UPDATE", {}, Exception("database is locked"))
        return "kept"

    assert database.persist(locked_twice, give_up=lambda: False) == "kept"
    tries.clear()
    with pytest.raises(OperationalError):
        database.persist(locked_twice, give_up=lambda: True)


def test_a_write_connection_works_again_and_again_and_after_a_failure(database: Database) -> None:
    kept = database.write_connection()
    for name in ("first", "second"):
        with kept.writing() as connection:
            connection.execute(insert(Cluster).values(tag_name=name))

    def fails(statement: str) -> None:
        with kept.writing() as connection:
            connection.execute(insert(Cluster).values(tag_name="half"))
            connection.execute(text(statement))
            raise KeyError

    for statement, error in (("SELECT 1", KeyError), ("no SQL", DBAPIError)):
        with pytest.raises(error):
            fails(statement)
    with kept.writing() as connection:
        connection.execute(insert(Cluster).values(tag_name="third"))
    kept.close()
    with database.reading() as session:
        assert set(session.scalars(select(Cluster.tag_name))) == {"first", "second", "third"}


def test_a_write_connection_that_was_idle_tests_its_connection_first(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    if database.is_sqlite:
        pytest.skip("SQLite's connection is a file")
    kept = database.write_connection()
    with kept.writing() as connection:
        backend = connection.scalar(text("SELECT pg_backend_pid()"))
    elsewhere = open_database(database.url.render_as_string(hide_password=False))
    with elsewhere.writing() as session:
        session.execute(text("SELECT pg_terminate_backend(:backend)"), {"backend": backend})
    elsewhere.dispose()
    monkeypatch.setattr(engine_events, "TRUSTED_SECONDS", 0.3)
    time.sleep(0.4)
    with kept.writing() as connection:
        assert connection.scalar(text("SELECT pg_backend_pid()")) != backend


def test_a_server_whose_machine_is_gone_is_given_up_within_half_a_minute(database: Database) -> None:
    if database.is_sqlite:
        pytest.skip("SQLite's connection is a file")

    def parameters(url: URL) -> dict[str, str]:
        opened = open_database(url.render_as_string(hide_password=False))
        with opened.engine.connect() as connection:
            driver: Any = connection.connection.dbapi_connection
            known: dict[str, str] = driver.info.get_parameters()
        opened.dispose()
        return known

    own = parameters(database.url)
    silent = int(own["keepalives_idle"]) + int(own["keepalives_interval"]) * int(own["keepalives_count"])
    assert silent <= int(own["tcp_user_timeout"]) / 1000 <= 30
    assert own["connect_timeout"] == "10"
    wished = parameters(database.url.update_query_dict({"keepalives_idle": "77"}))
    assert (wished["keepalives_idle"], wished["connect_timeout"]) == ("77", "10")
