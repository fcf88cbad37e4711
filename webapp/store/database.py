"""A database: one engine, and sessions of one's own to read with and to write with.

This is for code without an application context or outside a request: workers, threads, greenlets, streamed
answers, tests. Page handlers use `db` (store/db.py), over the same engine.

SQLite takes one writer at a time, and a transaction that begins by reading cannot become a writer once
another has written. So a writing transaction begins with BEGIN IMMEDIATE and waits for its turn there; a
reading one never waits. On PostgreSQL a writing transaction is an ordinary READ COMMITTED one, and reading
needs none."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, TypeVar

from sqlalchemy import Engine, event, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import ORMExecuteState, Session

from webapp.store.engine_events import IDLE_LIMIT, WRITES, WriteConnection, is_sqlite, plan_each_time

AGAIN_SECONDS = 0.25
T = TypeVar("T")
_BEFORE_COMMIT, _AFTER_COMMIT = "before_commit", "after_commit"
SECRET_KEY = "secret_key"  # noqa: S105  # a word, not a password
"""The key in a session's `info` for the secret key that its process works with (store/installation.py)."""
FORMER_KEYS = "former_keys"
"""The same for secret keys that it had before (webapp/webapp/sealed.py)."""
NEEDS_WRITING = "This session only reads: a change needs writing()."


class ReadSession(Session):
    """Raises RuntimeError for a flush and for INSERT, UPDATE and DELETE: on PostgreSQL, where each statement
    of a reading session stands alone, nothing would roll them back. SQL given as plain text is not checked,
    nor is what goes to `connection()`."""


@event.listens_for(ReadSession, "before_flush")
def _refuse_flush(*_: object) -> None:
    raise RuntimeError(NEEDS_WRITING)


@event.listens_for(ReadSession, "do_orm_execute")
def _refuse_change(state: ORMExecuteState) -> None:
    if state.is_insert or state.is_update or state.is_delete:
        raise RuntimeError(NEEDS_WRITING)


class Database:
    """An engine and its sessions. Sessions are plain: they are passed to verbs as their first argument."""

    def __init__(
        self, engine: Engine, url: str, secret_key: str = "", former_keys: Sequence[str] = ()
    ) -> None:
        self.engine, self.url = engine, make_url(url)
        self.is_sqlite = is_sqlite(self.url)
        self.info = {SECRET_KEY: secret_key, FORMER_KEYS: tuple(former_keys)}
        self._options: dict[str, Any] = {"expire_on_commit": False, "info": self.info}
        alone = {} if self.is_sqlite else {"isolation_level": "AUTOCOMMIT"}
        self._reader = engine.execution_options(**alone)
        self._page_reader = engine.execution_options(**alone)
        if not self.is_sqlite:
            event.listen(self._page_reader, "engine_connect", plan_each_time)
        self._writer = engine.execution_options(**{WRITES: True})
        # Within a process SQLite's writers queue here: its own way of waiting is to sleep and look again.
        self._turn: AbstractContextManager[Any] = threading.RLock() if self.is_sqlite else nullcontext()

    @property
    def reading_options(self) -> dict[str, Any]:
        """What a session for reading is created with.

        On PostgreSQL each statement stands alone, as it does in a READ COMMITTED transaction too: not to
        begin and end one spares two exchanges with the server."""
        return {"bind": self._reader, **self._options}

    @property
    def page_options(self) -> dict[str, Any]:
        """What the session of a request is created with. PostgreSQL plans each of its statements for the
        values that it has: a filter leaves ten rows or a million."""
        return {**self.reading_options, "bind": self._page_reader}

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session for reading. Raises RuntimeError if it is asked to change something."""
        with ReadSession(**self.reading_options) as session:
            yield session

    @contextmanager
    def snapshot(self) -> Iterator[Session]:
        """A session for reading everything as it is at one moment, however long that takes. On SQLite the
        write-ahead log grows meanwhile."""
        level = {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ"}
        with ReadSession(self.engine.execution_options(**level), **self._options) as session:
            if not self.is_sqlite:
                session.execute(text(f"SET LOCAL {IDLE_LIMIT} = 0"))
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A session whose changes are committed at the end of the block, or rolled back if it raises.

        Callbacks given to `before_commit` run within the transaction, last of all. Those given to
        `after_commit` run once the commit has succeeded, never otherwise."""
        with self._turn, Session(self._writer, **self._options) as session:
            yield session
            session.commit()
        for callback in session.info.pop(_AFTER_COMMIT, []):
            callback()

    def write_connection(self) -> WriteConnection:
        """A connection for a thread that writes again and again."""
        return WriteConnection(self._writer, self._turn)

    def persist(self, verb: Callable[[Session], T], *, give_up: Callable[[], bool]) -> T:
        """Runs the verb in a writing transaction, again and again while the database is locked, full or away.

        For what must not be lost, such as a mail server's 250. When the answer to a commit was lost, the verb
        runs once more although it was committed: that must do no harm. When `give_up` says so the error is
        raised after all."""
        while True:
            try:
                with self.writing() as session:
                    return verb(session)
            except DBAPIError as error:
                if not is_passing(error) or give_up():
                    raise
                time.sleep(AGAIN_SECONDS)

    def dispose(self) -> None:
        """Closes every pooled connection."""
        self.engine.dispose()


def before_commit(session: Session, callback: Callable[[], object]) -> None:
    """Calls `callback` at the end of this session's transaction: what it locks is not held for long."""
    session.info.setdefault(_BEFORE_COMMIT, []).append(callback)


@event.listens_for(Session, "before_commit")
def _call_before_commit(session: Session) -> None:
    if not session.in_nested_transaction():
        for callback in session.info.pop(_BEFORE_COMMIT, []):
            callback()


def after_commit(session: Session, callback: Callable[[], object]) -> None:
    """Calls `callback` when this session's transaction is committed; if it is rolled back, never."""
    session.info.setdefault(_AFTER_COMMIT, []).append(callback)


def is_passing(error: BaseException) -> bool:
    """Whether a database error may be gone at the next try: SQLite locked or its disk full, PostgreSQL away,
    or a session that it has ended because we took too long."""
    lost = isinstance(error, DBAPIError) and error.connection_invalidated
    ended = getattr(getattr(error, "orig", None), "sqlstate", None) in ENDED_BY_SERVER
    return isinstance(error, OperationalError) or lost or ended


ENDED_BY_SERVER = ("25P03", "25P04")
"""PostgreSQL's codes (its Appendix A): a session was idle in its transaction for too long; a transaction took
too long."""


def answers(database: Database) -> bool:
    """Whether the database can be asked at all."""
    try:
        with database.reading() as session:
            session.execute(select(1))
    except OperationalError:
        return False
    return True
