"""`db`: Flask-SQLAlchemy. It creates the engine of each application, and gives each request its session.

One process may have several applications, each with a database of its own (tests do). `db` stands for the
database of the current application context; `db.database` is the same as an object that can be passed on, to
code that has no context."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from flask import Flask, current_app
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import URL
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, scoped_session

from webapp.logs import ids
from webapp.store import engine_events
from webapp.store.base import Base
from webapp.store.database import Database, ReadSession

log = logging.getLogger(__name__)

_DATABASE = "mailrun database"


class FlaskDatabase(SQLAlchemy):
    """`session` reads. It begins with its first statement and is closed with the application context: at the
    end of the request, before a streamed answer is sent. On SQLite all of a request sees one state of the
    database; a request must not wait long for anything else meanwhile (`end_reading`), since the write-ahead
    log cannot be reset past the oldest reader.

    `with db.writing()` is the only way to change something. Threads, greenlets and generators of streamed
    answers have no application context: `session` raises RuntimeError there, and they open sessions of their
    own with `Database.reading()` and `Database.writing()`."""

    if TYPE_CHECKING:  # a scoped_session, which passes everything on: verbs take it as their first argument
        session: Session  # type: ignore[assignment]

    def open(self, app: Flask, url: str, secret_key: str = "", former_keys: Sequence[str] = ()) -> Database:
        """Creates the engine for this application. The database is not contacted yet."""
        at = make_url(url)
        app.config["SQLALCHEMY_DATABASE_URI"] = _absolute(at)
        app.config["SQLALCHEMY_ENGINE_OPTIONS"] = engine_events.options(at)
        self.init_app(app)
        with app.app_context():
            engine = self.engine
        engine_events.listen(engine)
        app.extensions[_DATABASE] = database = Database(engine, url, secret_key, former_keys)
        return database

    @property
    def database(self) -> Database:
        """The current application's database."""
        return cast(Database, current_app.extensions[_DATABASE])

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A session whose changes are committed at the end of the block, or rolled back if it raises. Within
        the block it is `db.session`, too.

        It is a new session, with an empty identity map: what the request has read before may have changed
        since, and a verb that decided on it might send a mail twice. So the reading session ends first. What
        it loaded is detached: its values can still be read, its relationships no longer loaded. After the
        block `db.session` is new again, so a page never shows what was there before the change.

        Callbacks given to `after_commit` run once the commit has succeeded, never otherwise."""
        self.end_reading()
        with self.database.writing() as session:
            self._sessions.registry.set(session)
            try:
                yield session
            finally:
                self._sessions.registry.clear()

    def end_reading(self) -> None:
        """Closes the session, for instance before a long wait. The next use of `db.session` opens another."""
        if self._sessions.registry.has() and not isinstance(self._sessions(), RequestSession):
            raise RuntimeError("A writing() block is open: it has to end first.")
        self._sessions.remove()

    @property
    def _sessions(self) -> scoped_session[Any]:
        return cast("scoped_session[Any]", self.session)


class RequestSession(ReadSession):
    """The session of an application context. Once closed it stays closed: a handler that kept it and went on
    with it after a write would read in a transaction that nothing ends."""

    def __init__(self, db: FlaskDatabase, **options: Any) -> None:
        super().__init__(**{**options, **db.database.page_options, "close_resets_only": False})

    def close(self) -> None:
        """Never fails: what was read has been used, and the answer must not be lost with a connection."""
        try:
            super().close()
        except DBAPIError as error:
            log.warning("a connection was lost after its last use", extra=ids(error=error))


def _absolute(url: URL) -> URL:
    """The URL with the path of an SQLite file as seen from the working directory; Flask-SQLAlchemy would look
    below the application's instance folder."""
    if url.get_backend_name() != "sqlite" or not url.database or url.database.startswith(("file:", ":")):
        return url
    return url.set(database=os.path.abspath(url.database))


db = FlaskDatabase(
    model_class=Base,
    disable_autonaming=True,
    session_options={"class_": RequestSession},
    add_models_to_shell=False,
)
