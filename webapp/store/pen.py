"""What writes again and again: one connection, and no session."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from sqlalchemy import Connection, Engine

LAST_USED = "last_used"
"""Where a connection's `info` has the time of its last use, on this process's monotonic clock."""
TRUSTED_SECONDS = 1.0
"""A connection that was not used for so long is asked whether it still is one before it is used again."""


def is_trusted(last_used: float) -> bool:
    """Whether a connection last used then, on the monotonic clock, may be taken to be one still."""
    return time.monotonic() - last_used < TRUSTED_SECONDS


class Pen:
    """Writes without a session, and over one connection: either costs as much, each time, as all that is
    written about a message. For one thread, and for statements that are prepared."""

    def __init__(self, writer: Engine, turn: AbstractContextManager[Any]) -> None:
        self._writer, self._turn = writer, turn
        self._connection: Connection | None = None
        self._used = 0.0

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction, committed at the end of the block, or rolled back if it raises."""
        with self._turn:
            if not is_trusted(self._used):
                self.put_down()
            self._connection = self._connection or self._writer.connect()
            try:
                with self._connection.begin():
                    yield self._connection
            except BaseException:
                self.put_down()
                raise
            self._used = time.monotonic()

    def put_down(self) -> None:
        """Gives the connection back, until something is to be written again."""
        connection, self._connection = self._connection, None
        if connection is not None:
            info = {} if connection.invalidated else connection.info
            connection.close()
            info[LAST_USED] = self._used  # which may be a while ago
