"""The database: one engine, and two ways in: `reading()` and `writing()`; and a connection for code that
writes all the time.

SQLite takes one writer at a time, and a transaction that begins by reading cannot become a writer once
another has written. So a writing transaction begins with BEGIN IMMEDIATE, and waits for its turn there; a
reading one never waits. On PostgreSQL writing is an ordinary READ COMMITTED transaction, and what reads
needs none."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Dialect, Engine, create_engine, event, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, DisconnectionError, OperationalError
from sqlalchemy.orm import ORMExecuteState, Session
from sqlalchemy.pool import ConnectionPoolEntry

from webapp.store import text_search
from webapp.store.write_connection import LAST_USED, WriteConnection, is_trusted

BUSY_TIMEOUT_MS = 20_000
AGAIN_SECONDS = 0.25
T = TypeVar("T")
_AFTER_COMMIT = "after_commit"
SECRET_KEY = "secret_key"
"""Where a session's `info` has the secret key that its process works with (store/installation.py)."""


class Database:
    """An engine and its sessions. Sessions are plain: they are handed to verbs as their first argument."""

    def __init__(self, url: str, secret_key: str = "") -> None:
        self.url = make_url(url)
        self._info = {SECRET_KEY: secret_key}
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.engine = _sqlite_engine(url) if self.is_sqlite else _server_engine(url)
        alone = {} if self.is_sqlite else {"isolation_level": "AUTOCOMMIT"}
        self._reader = self.engine.execution_options(**alone)
        self._writer = self.engine.execution_options(writes=True)
        # Within a process SQLite's writers queue here: its own way of waiting is to sleep and look again.
        self._turn: AbstractContextManager[Any] = threading.RLock() if self.is_sqlite else nullcontext()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session for looking. Raises RuntimeError if it is asked to change something.

        On PostgreSQL each statement stands alone, as READ COMMITTED has it within a transaction, too: not to
        begin and end one spares two exchanges with the server."""
        with _Looking(self._reader, expire_on_commit=False, info=self._info) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A session whose changes are committed at the end of the block, or rolled back if it raises.

        Callbacks given to `after_commit` run once the commit has succeeded, never otherwise.
        """
        with self._turn, Session(self._writer, expire_on_commit=False, info=self._info) as session:
            yield session
            session.commit()
        for callback in session.info.pop(_AFTER_COMMIT, []):
            callback()

    def write_connection(self) -> WriteConnection:
        """A connection for a thread that writes again and again."""
        return WriteConnection(self._writer, self._turn)

    def persist(self, verb: Callable[[Session], T], *, give_up: Callable[[], bool]) -> T:
        """Runs the verb in a writing transaction, again and again while the database is locked, full or away.

        For what must not be lost, such as a mail server's 250. When a commit's own answer was lost, the verb
        runs once more although it was committed: it must bear that. When `give_up` says so the error is
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


class _Looking(Session):
    """A session that must not change anything: on PostgreSQL nothing would take it back. SQL in plain text is
    let through as it is."""


@event.listens_for(_Looking, "before_flush")
def _refuse_to_flush(*_: object) -> None:
    raise RuntimeError(ONLY_LOOKING)


@event.listens_for(_Looking, "do_orm_execute")
def _refuse_to_execute(state: ORMExecuteState) -> None:
    if state.is_insert or state.is_update or state.is_delete:
        raise RuntimeError(ONLY_LOOKING)


ONLY_LOOKING = "This session was opened by reading(): what changes something needs writing()."


def after_commit(session: Session, callback: Callable[[], object]) -> None:
    """Has `callback` called when this session's transaction is committed; if it is rolled back, never."""
    session.info.setdefault(_AFTER_COMMIT, []).append(callback)


def is_passing(error: BaseException) -> bool:
    """Whether a database error may be gone at the next try: SQLite locked or its disk full, PostgreSQL away,
    or tired of waiting for us."""
    lost = isinstance(error, DBAPIError) and error.connection_invalidated
    ended = getattr(getattr(error, "orig", None), "sqlstate", None) in ENDED_BY_SERVER
    return isinstance(error, OperationalError) or lost or ended


def answers(database: Database) -> bool:
    """Whether the database can be asked at all."""
    try:
        with database.reading() as session:
            session.execute(select(1))
    except OperationalError:
        return False
    return True


def _server_engine(url: str) -> Engine:
    """Parameters stay out of errors and so out of logs: they are customers' data, and password hashes.

    A process that is frozen within a transaction keeps its locks, a run's among them: Stop would wait for it.
    So the server ends a session that is idle in a transaction; no transaction of ours is, for any time, but
    one of an import that locks nothing (imports/staging.py).

    And a server whose machine is gone says nothing: the kernel would wait for it from a quarter of an hour to
    more than two. Whatever the URL says about that comes first."""
    patience = {name: value for name, value in PATIENCE.items() if name not in make_url(url).query}
    engine = create_engine(url, **POOL, hide_parameters=True, connect_args=patience)
    _have_lost_what_is_read_only(engine.dialect)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: Any) -> None:
        connection.execute(f"SET {IDLE_LIMIT} = {IDLE_SECONDS * 1000}")
        connection.commit()

    @event.listens_for(engine, "checkin")
    def note(_: Any, record: ConnectionPoolEntry) -> None:
        record.info[LAST_USED] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def look(connection: Any, record: ConnectionPoolEntry, _: Any) -> None:
        """As `pool_pre_ping` does, which asks the server before every use, though the last was just now."""
        if LAST_USED not in record.info or is_trusted(record.info[LAST_USED]):
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise DisconnectionError from error

    return engine


POOL: Mapping[str, Any] = {"pool_size": 20, "max_overflow": -1}
"""So many connections are kept, and more are opened for as long as they are needed: a drain holds one while
its mail server says nothing, and what another has to write must not wait for that. Where the server has no
room for more it says so, and is waited for as one that is away (`persist`)."""


def _have_lost_what_is_read_only(dialect: Dialect) -> None:
    """A connection that leads to a server which may only be read from, since another took its place, is as
    good as lost: nobody would close it, and whatever is written over it fails. The next one finds the way."""
    is_lost = dialect.is_disconnect

    def is_lost_or_read_only(error: Any, connection: Any, cursor: Any) -> bool:
        return getattr(error, "sqlstate", None) == READ_ONLY or is_lost(error, connection, cursor)

    dialect.is_disconnect = is_lost_or_read_only  # type: ignore[assignment, method-assign]


READ_ONLY = "25006"
"""PostgreSQL's word for what may not be written in (its Appendix A), as for those below."""
PATIENCE = {
    "connect_timeout": 10,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
"""How long PostgreSQL may be silent: seconds, the last one milliseconds (libpq's connection parameters). It
answers for as long as its machine does, however long a statement takes."""
IDLE_LIMIT = "idle_in_transaction_session_timeout"
IDLE_SECONDS = 15
ENDED_BY_SERVER = ("25P03", "25P04")
"""A session was idle in its transaction for too long; a transaction took too long."""


def _sqlite_engine(url: str) -> Engine:
    engine = create_engine(
        url, hide_parameters=True, connect_args={"timeout": BUSY_TIMEOUT_MS / 1000}, **POOL
    )
    if path := engine.url.database:
        Path(path).parent.mkdir(parents=True, exist_ok=True)

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _: Any) -> None:
        connection.isolation_level = None  # SQLAlchemy's "begin" below decides, not the driver
        for pragma in (
            "journal_mode=WAL",
            "foreign_keys=ON",
            "synchronous=FULL",
            f"busy_timeout={BUSY_TIMEOUT_MS}",
        ):
            connection.execute(f"PRAGMA {pragma}")
        text_search.add_to(connection)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if connection.get_execution_options().get("writes", False):
            _begin_to_write(connection)
        else:
            connection.exec_driver_sql("BEGIN")

    return engine


def _begin_to_write(connection: Connection) -> None:
    """BEGIN IMMEDIATE, in its turn. Said to the driver as it is: this comes before every commit of ours.

    Another process may be writing. SQLite waits for it by sleeping, longer each time, up to a tenth of a
    second: far longer than a commit takes. So it is told not to wait here, and asked again soon. Raises
    OperationalError when the turn does not come within the busy time-out."""
    driver: Any = connection.connection.dbapi_connection
    deadline, pause = time.monotonic() + BUSY_TIMEOUT_MS / 1000, SHORTEST_PAUSE
    driver.execute("PRAGMA busy_timeout=0")
    try:
        while True:
            try:
                driver.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > deadline:
                    raise OperationalError("BEGIN IMMEDIATE", None, error) from error
            time.sleep(pause)
            pause = min(LONGEST_PAUSE, pause * 1.25)
    finally:
        driver.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")


SHORTEST_PAUSE, LONGEST_PAUSE = 0.000_3, 0.02
"""Seconds between two looks for one's turn to write."""
