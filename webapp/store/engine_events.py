"""What every connection is set up with, and how a transaction begins: the options and the event listeners of
the engine, for SQLite and for PostgreSQL; and a connection that is kept from one transaction to the next."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Dialect, Engine, event
from sqlalchemy.exc import DisconnectionError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from webapp.printable import printable
from webapp.store import text_search

LAST_USED = "last_used"
"""The key in a connection's `info` for the time of its last use, on this process's monotonic clock."""
TRUSTED_SECONDS = 1.0
"""A connection that has been idle for longer is tested before it is used again."""
POOL: Mapping[str, Any] = {"pool_size": 20, "max_overflow": -1}
"""This many connections are kept, and more are opened for as long as they are needed: a drain holds one while
its mail server is silent, and other writers must not wait for that. A server with no room for more says so,
and is waited for like one that is away (`Database.persist`)."""
WRITES = "writes"
"""The execution option of connections whose transactions may write."""


def options(url: URL) -> dict[str, Any]:
    """What the engine is created with. Parameters stay out of errors and so out of logs: they are customers'
    data, and password hashes.

    A PostgreSQL server whose machine is gone says nothing: the kernel would wait for it from a quarter of an
    hour to more than two hours. What the URL says about that takes precedence."""
    if is_sqlite(url):
        patience: dict[str, Any] = {"timeout": BUSY_TIMEOUT_MS / 1000}
    else:
        patience = {name: value for name, value in PATIENCE.items() if name not in url.query}
    return {**POOL, "hide_parameters": True, "connect_args": patience, "json_serializer": _as_json}


EMPTY: Mapping[type, str] = {list: "[]", dict: "{}"}
_encode = json.JSONEncoder(check_circular=False).encode


def _as_json(value: object) -> str:
    """JSON. Four of the values that are written for a mail are empty, and an encoder takes 3 µs for each. To
    look for circles in the others, of which none can have one, takes a quarter of their time."""
    return _encode(value) if value or type(value) not in EMPTY else EMPTY[type(value)]


def listen(engine: Engine) -> None:
    """Attaches the listeners to a new engine; makes the folder of an SQLite file."""
    if is_sqlite(engine.url):
        if path := engine.url.database:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            _keep_private(path)
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_on_sqlite)
    else:
        _treat_read_only_as_lost(engine.dialect)
        event.listen(engine, "connect", _set_up_postgresql)
        event.listen(engine, "checkin", _note_use)
        event.listen(engine, "checkout", _Ping(engine.dialect))


def is_sqlite(url: URL) -> bool:
    return url.get_backend_name() == "sqlite"


BUSY_TIMEOUT_MS = 20_000


def _keep_private(path: str) -> None:
    """Let only its owner read the database: it has addresses and passwords of customers. SQLite gives its
    other files (-wal, -shm) the same rights.

    A file that is there is not opened: to close it would release the locks that other connections of this
    process have on it, and another process could then delete the log that they write to
    (https://www.sqlite.org/howtocorrupt.html, 2.2)."""
    if path.startswith((":", "file:")):
        return
    with suppress(OSError):  # another user's file, or no such folder: connecting says so
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        os.chmod(path, 0o600)


def _set_up_sqlite(connection: sqlite3.Connection, _: Any) -> None:
    connection.isolation_level = None  # SQLAlchemy's "begin" below decides, not the driver
    connection.create_function("printable", 1, printable, deterministic=True)
    for pragma in (
        "journal_mode=WAL",
        "foreign_keys=ON",
        "synchronous=FULL",
        f"busy_timeout={BUSY_TIMEOUT_MS}",
    ):
        connection.execute(f"PRAGMA {pragma}")
    text_search.add_to(connection)


def _begin_on_sqlite(connection: Connection) -> None:
    if connection.get_execution_options().get(WRITES, False):
        _begin_immediate(connection)
    else:
        connection.exec_driver_sql("BEGIN")


def _begin_immediate(connection: Connection) -> None:
    """BEGIN IMMEDIATE, as soon as no other process writes. It goes straight to the driver: it comes before
    every commit.

    SQLite waits for another writer by sleeping, longer each time, up to a tenth of a second: far longer than
    a commit takes. So it is told not to wait here, and asked again soon. Raises OperationalError if the write
    lock is not free within the busy timeout."""
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
"""Seconds between two attempts to get SQLite's write lock."""


PATIENCE = {
    "connect_timeout": 10,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
"""How long PostgreSQL may be silent, in seconds; the last one in milliseconds (libpq's connection
parameters). The server answers for as long as its machine runs, however long a statement takes."""
IDLE_LIMIT = "idle_in_transaction_session_timeout"
IDLE_SECONDS = 15
"""A process that is frozen within a transaction keeps its locks, a run's among them: Stop would wait for it.
So the server ends a session that is idle in a transaction for this long. None of ours is, except one of an
import that locks nothing (imports/staging.py)."""
PARALLEL_SETUP_COST = 20_000
"""What PostgreSQL thinks that it costs to have other processes help; by default 1,000. To count the customers
or to find a page of them takes less time than to start these, and more of the machine with them."""
READ_ONLY = "25006"
"""PostgreSQL's code for "read only" (its Appendix A)."""


def _set_up_postgresql(connection: Any, _: Any) -> None:
    connection.execute(
        f"SET {IDLE_LIMIT} = {IDLE_SECONDS * 1000}; SET parallel_setup_cost = {PARALLEL_SETUP_COST}"
    )
    connection.commit()


def _note_use(connection: Any, record: ConnectionPoolEntry) -> None:
    record.info[LAST_USED] = time.monotonic()
    if connection is not None:  # it was lost
        connection.prepare_threshold = PREPARED_AFTER


PREPARED_AFTER = 5
"""Executions of a statement after which psycopg prepares it. After five more PostgreSQL plans it once for all
values to come: for the few statements of the delivery path that saves a good part of their time."""


def plan_each_time(connection: Connection) -> None:
    """Have no statement prepared until this connection goes back to its pool."""
    driver: Any = connection.connection.dbapi_connection
    driver.prepare_threshold = None


class _Ping:
    """Tests a connection that has been idle for a while before it is used. `pool_pre_ping` asks the server
    before every use, even right after the last one."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect

    def __call__(self, connection: Any, record: ConnectionPoolEntry, _: Any) -> None:
        if LAST_USED not in record.info or is_trusted(record.info[LAST_USED]):
            return
        try:
            self._dialect.do_ping(connection)
        except self._dialect.loaded_dbapi.Error as error:
            raise DisconnectionError from error


def _treat_read_only_as_lost(dialect: Dialect) -> None:
    """Gives up a connection to a server that has become read-only because another took its place: nothing
    would close it, and every write over it would fail. The next connection finds the new server."""
    is_lost = dialect.is_disconnect

    def is_lost_or_read_only(error: Any, connection: Any, cursor: Any) -> bool:
        return getattr(error, "sqlstate", None) == READ_ONLY or is_lost(error, connection, cursor)

    dialect.is_disconnect = is_lost_or_read_only  # type: ignore[assignment, method-assign]


def is_trusted(last_used: float) -> bool:
    """Whether a connection last used at this moment, on the monotonic clock, may be used without a test."""
    return time.monotonic() - last_used < TRUSTED_SECONDS


class WriteConnection:
    """Keeps one connection between transactions and uses no session: either one costs as much, each time, as
    everything that is written about a message. For one thread, and for compiled statements."""

    def __init__(self, writer: Engine, turn: AbstractContextManager[Any]) -> None:
        self._writer, self._turn = writer, turn
        self._connection: Connection | None = None
        self._used = 0.0

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction, committed at the end of the block, or rolled back if it raises."""
        with self._turn:
            if not is_trusted(self._used):
                self.close()
            self._connection = self._connection or self._writer.connect()
            try:
                with self._connection.begin():
                    yield self._connection
            except BaseException:
                self.close()
                raise
            self._used = time.monotonic()

    def close(self) -> None:
        """Returns the connection to the pool. The next write takes another one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            info = {} if connection.invalidated else connection.info
            connection.close()
            info[LAST_USED] = self._used  # which may be a while ago
