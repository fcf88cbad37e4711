"""Commits the starts and outcomes of all connections of a drain together (group commit).

A commit thus costs each message little, and never more than one message per connection is in doubt."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from webapp.delivery import circuit_breaker
from webapp.delivery.attempts import (
    AttemptEnd,
    AttemptStart,
    ClaimLost,
    StartedAttempt,
    commit_round,
    undo_starts,
)
from webapp.extensions import Runtime
from webapp.smtp.event_loop import EventLoop
from webapp.store.statuses import Outcome
from webapp.workers import WorkerProcess

ROUND_SECONDS = 0.003
"""How long a start waits for those of other connections that are about to come."""
SETTLED_WITHIN = 0.5
"""Seconds after which an outcome is committed, even if no further attempt starts."""


@dataclass(eq=False)
class PendingStart:
    """The start of an attempt that waits for its round."""

    start: AttemptStart
    answer: StartedAttempt | BaseException | None = None


@dataclass
class GroupCommit:
    """The writer of one drain, used by the tasks of one event loop: no other task runs while a round is
    written.

    `connections` counts the connections that have not ended, `at_work` those that are sending a message: a
    round waits a moment for each of them. `run_has_stopped`: the run has stopped itself, and no further
    message begins."""

    runtime: Runtime
    worker: WorkerProcess
    run_id: int
    event_loop: EventLoop
    connections: int
    at_work: int = 0
    run_has_stopped: bool = False
    _marks: list[PendingStart] = field(default_factory=list)
    _settlements: list[AttemptEnd] = field(default_factory=list)
    _oldest: float = 0.0

    def __post_init__(self) -> None:
        self._connection = self.runtime.database.write_connection()

    @contextmanager
    def connection(self) -> Iterator[None]:
        """Within the block, this connection may still have something to write."""
        try:
            yield
        finally:
            self.connections -= 1
            self.event_loop.notify()

    @contextmanager
    def working(self) -> Iterator[None]:
        """Within the block, this connection is sending messages, and rounds wait for it."""
        self._count(1)
        try:
            yield
        finally:
            self._count(-1)

    @contextmanager
    def not_participating(self) -> Iterator[None]:
        """Within the block, this connection waits for something else, and no round waits for it."""
        self._count(-1)
        try:
            yield
        finally:
            self._count(1)

    def _count(self, more: int) -> None:
        self.at_work += more
        self.event_loop.notify()

    def start(self, start: AttemptStart) -> StartedAttempt:
        """Commit that this message is on the wire. Raises ClaimLost if the attempt may not start.

        1. Wait a moment for the other connections that are at work.
        2. One connection commits the round for all: every pending start, and the outcomes of earlier
        messages.
        3. If the database does not confirm the commit, undo the starts: no dot has gone out. Outcomes of
        earlier messages are retried until the database accepts them."""
        entry = PendingStart(start)
        self._marks.append(entry)
        self.event_loop.wait_until(lambda: entry.answer or len(self._marks) >= self.at_work, ROUND_SECONDS)
        if entry.answer is None:
            self._commit()
            self.event_loop.notify()
        if isinstance(entry.answer, StartedAttempt):
            return entry.answer
        raise entry.answer or ClaimLost("the round was not committed")

    def settle(self, end: AttemptEnd) -> None:
        """Queue an outcome; it is committed with the next round, or within SETTLED_WITHIN seconds."""
        if not self._settlements:
            self._oldest = time.monotonic()
        self._settlements.append(end)

    def flush(self, older_than: float = 0.0) -> None:
        """Commit queued outcomes if the oldest is at least this many seconds old."""
        if self._settlements and time.monotonic() - self._oldest >= older_than:
            self._commit()

    def flush_periodically(self) -> None:
        """Commit outcomes that have waited long enough, until all connections have ended."""
        while not self.event_loop.wait_until(lambda: not self.connections, SETTLED_WITHIN / 2):
            self.flush(older_than=SETTLED_WITHIN / 2)

    def close(self) -> None:
        """Close the database connection."""
        self._connection.close()

    def _commit(self) -> None:
        """Write one round."""
        entries, self._marks = self._marks, []
        settlements, self._settlements = self._settlements, []
        start = [entry.start for entry in entries]
        try:
            self._write(entries, start, settlements)
        except BaseException as error:
            for entry in entries:
                entry.answer = entry.answer or ClaimLost(f"the round failed: {error}")
            raise
        if any(settled.outcome.outcome == Outcome.REFUSED for settled in settlements):
            self.worker.persist(self._stop_if_too_many)

    def _stop_if_too_many(self, session: Session) -> None:
        if circuit_breaker.stop_if_too_many(session, self.runtime.settings, self.run_id):
            self.run_has_stopped = True

    def _write(
        self, entries: list[PendingStart], start: list[AttemptStart], settlements: list[AttemptEnd]
    ) -> None:
        settings, run_id = self.runtime.settings, self.run_id
        try:
            with self._connection.writing() as connection:
                answers = commit_round(connection, settings, run_id, start, settlements)
        except DBAPIError as error:
            if start:
                self.worker.persist(lambda session: undo_starts(session, start))
            if settlements:
                self.worker.persist(
                    lambda session: commit_round(session.connection(), settings, run_id, [], settlements),
                )
            answers = [ClaimLost(str(error))] * len(entries)
        for entry, answer in zip(entries, answers, strict=True):
            entry.answer = answer
