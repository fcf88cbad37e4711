"""What the lanes of a drain have to write goes into one book: a round of all of them is one commit.

So a commit costs each message little, and never more than one message per connection is in doubt."""

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
from webapp.mailing.event_loop import EventLoop
from webapp.store.statuses import Outcome
from webapp.workers import WorkerProcess

ROUND_SECONDS = 0.003
"""How long a mark waits for those of other connections that are about to come."""
SETTLED_WITHIN = 0.5
"""Seconds after which what became of a message is written, though no next mark has come."""


@dataclass(eq=False)
class PendingStart:
    """A lane's mark, waiting for its round."""

    to_mark: AttemptStart
    answer: StartedAttempt | BaseException | None = None


@dataclass
class GroupCommit:
    """The book of one drain, written by tasks of one hub: none of them has a turn while a round is written.

    `lanes` counts those that have not ended, `at_work` those that have a message in hand: a round waits a
    moment for each of them. `run_has_stopped`: the run has stopped itself, no further message need be
    begun."""

    runtime: Runtime
    worker: WorkerProcess
    run_id: int
    event_loop: EventLoop
    lanes: int
    at_work: int = 0
    run_has_stopped: bool = False
    _marks: list[PendingStart] = field(default_factory=list)
    _settlements: list[AttemptEnd] = field(default_factory=list)
    _oldest: float = 0.0

    def __post_init__(self) -> None:
        self._pen = self.runtime.database.pen()

    @contextmanager
    def connection(self) -> Iterator[None]:
        """While the block lasts this lane may have something to write."""
        try:
            yield
        finally:
            self.lanes -= 1
            self.event_loop.notify()

    @contextmanager
    def working(self) -> Iterator[None]:
        """While the block lasts this lane has messages in hand, and rounds wait for it."""
        self._count(1)
        try:
            yield
        finally:
            self._count(-1)

    @contextmanager
    def not_participating(self) -> Iterator[None]:
        """While the block lasts this lane, at work, waits for something: no round waits for it."""
        self._count(-1)
        try:
            yield
        finally:
            self._count(1)

    def _count(self, more: int) -> None:
        self.at_work += more
        self.event_loop.notify()

    def start(self, to_mark: AttemptStart) -> StartedAttempt:
        """Commits that this message is on the wire. Raises NotHeld if the mark does not hold.

        1. Wait a moment for the other lanes that are at work.
        2. One lane commits the round for all: every mark that waits, and what became of earlier messages.
        3. If the database does not say whether that was committed, the marks are taken back: no dot has gone
        out. What became of earlier messages is written as soon as it can be."""
        entry = PendingStart(to_mark)
        self._marks.append(entry)
        self.event_loop.wait_until(lambda: entry.answer or len(self._marks) >= self.at_work, ROUND_SECONDS)
        if entry.answer is None:
            self._commit()
            self.event_loop.notify()
        if isinstance(entry.answer, StartedAttempt):
            return entry.answer
        raise entry.answer or ClaimLost("the round was not committed")

    def settle(self, to_settle: AttemptEnd) -> None:
        """Has it written what became of a message: with the next round, or within SETTLED_WITHIN seconds."""
        if not self._settlements:
            self._oldest = time.monotonic()
        self._settlements.append(to_settle)

    def flush(self, older_than: float = 0.0) -> None:
        """Writes what became of messages, if the oldest of it is so many seconds old."""
        if self._settlements and time.monotonic() - self._oldest >= older_than:
            self._commit()

    def flush_periodically(self) -> None:
        """Sees to it that nothing waits for longer than it may, until all lanes have ended."""
        while not self.event_loop.wait_until(lambda: not self.lanes, SETTLED_WITHIN / 2):
            self.flush(older_than=SETTLED_WITHIN / 2)

    def close(self) -> None:
        """Nothing more is written."""
        self._pen.put_down()

    def _commit(self) -> None:
        """One round."""
        entries, self._marks = self._marks, []
        settlements, self._settlements = self._settlements, []
        to_mark = [entry.to_mark for entry in entries]
        try:
            self._write(entries, to_mark, settlements)
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
        self, entries: list[PendingStart], to_mark: list[AttemptStart], settlements: list[AttemptEnd]
    ) -> None:
        settings, run_id = self.runtime.settings, self.run_id
        try:
            with self._pen.writing() as connection:
                answers = commit_round(connection, settings, run_id, to_mark, settlements)
        except DBAPIError as error:
            if to_mark:
                self.worker.persist(lambda session: undo_starts(session, to_mark))
            if settlements:
                self.worker.persist(
                    lambda session: commit_round(session.connection(), settings, run_id, [], settlements),
                )
            answers = [ClaimLost(str(error))] * len(entries)
        for entry, answer in zip(entries, answers, strict=True):
            entry.answer = answer
