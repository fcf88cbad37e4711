"""Where there is a session of `db` and where there is none: requests, streamed answers, threads, several
applications."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing

import greenlet
import pytest
from flask import Flask, Response
from sqlalchemy import select

from tests.store.conftest import name_in, rename
from webapp import create_app
from webapp.extensions import runtime_of
from webapp.store.customers import Cluster
from webapp.store.database import Database
from webapp.store.db import db

pytestmark = pytest.mark.usefixtures("cluster")


def test_threads_and_greenlets_have_no_session_but_open_their_own(app: Flask, database: Database) -> None:
    found: list[object] = []

    def look() -> None:
        try:
            db.session.scalars(select(Cluster))
        except RuntimeError as error:
            found.append(str(error).partition(".")[0])
        rename(database, "own")
        found.append(name_in(database))

    with app.app_context():
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
        greenlet.greenlet(look).switch()
    assert found == ["Working outside of application context", "own"] * 2


def test_the_end_of_a_request_closes_its_session(app: Flask, database: Database) -> None:
    """Also when it has failed; and a streamed answer begins after that."""
    in_use: list[int] = []

    @app.get("/one/<what>")
    def one(what: str) -> Response:
        db.session.scalars(select(Cluster)).one()
        in_use.append(database.engine.pool.checkedout())  # type: ignore[attr-defined]
        if what == "fails":
            raise KeyError

        def lines() -> Iterator[str]:
            in_use.append(database.engine.pool.checkedout())  # type: ignore[attr-defined]
            with pytest.raises(RuntimeError, match="outside of application context"):
                db.session.scalars(select(Cluster))
            with database.reading() as session:
                yield session.scalars(select(Cluster.tag_name)).one()

        return Response(lines() if what == "streams" else "whole")

    client = app.test_client()
    assert client.get("/one/whole").text == "whole"
    with closing(client.get("/one/streams")) as answer:
        assert answer.text == "before"
    assert client.get("/one/fails").status_code == 500
    assert in_use == [1, 1, 0, 1]
    assert database.engine.pool.checkedout() == 0  # type: ignore[attr-defined]


def test_each_application_has_its_own_database_and_each_context_its_own_session(
    app: Flask, database: Database, database_url: str
) -> None:
    other = create_app(runtime_of(app).settings, pages=False)
    assert runtime_of(other).database.engine is not database.engine
    with app.app_context():
        mine = db.session.connection()
        assert db.database is database
        assert mine.engine.pool is database.engine.pool
        with app.app_context():
            assert db.session.connection() is not mine
        with other.app_context():
            assert db.database is runtime_of(other).database
            assert db.session.connection().engine.pool is db.engine.pool is not database.engine.pool
        assert db.session.connection() is mine
    runtime_of(other).close()


def test_a_relative_path_is_seen_from_the_working_directory(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path_factory.mktemp("here")
    monkeypatch.chdir(folder)
    opened = db.open(Flask("test"), "sqlite:///below/own.sqlite3")
    with opened.engine.connect():
        pass
    opened.dispose()
    assert (folder / "below" / "own.sqlite3").exists()
    assert str(opened.url) == "sqlite:///below/own.sqlite3"
