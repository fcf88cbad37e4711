"""A connection for code that writes again and again, without a session."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from sqlalchemy import Connection, Engine

LAST_USED = "last_used"
"""The key in a connection's `info` for the time of its last use, on this process's monotonic clock."""
TRUSTED_SECONDS = 1.0
"""A connection that has been idle for longer is tested before it is used again."""


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
