"""Many conversations in one thread: while one waits for its mail server, the others continue.

Threads would do the same, but they all wait for the one interpreter: with four of them, a message costs
thirty thread switches, a third of its time. Greenlets switch only where a conversation waits, so no code
between two waits needs a lock, and smtplib's dialogue, which knows nothing of this, stays as it is."""

from __future__ import annotations

import os
import select
import socket
import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Protocol, TypeVar

from greenlet import getcurrent, greenlet

T = TypeVar("T")

READ, WRITE = select.POLLIN, select.POLLOUT


class Waiting(Protocol):
    """How a conversation waits for its socket."""

    def ready(self, sock: socket.socket, events: int, until: float) -> bool:
        """Wait until the socket can be read or written; False if not before `until` (monotonic)."""

    def run_in_thread(self, work: Callable[[], T]) -> T:
        """Do something slow: connect, or read a document from far away."""


class Alone:
    """Waiting for a caller that has nothing else to do."""

    def ready(self, sock: socket.socket, events: int, until: float) -> bool:
        """Block the thread."""
        poll = select.poll()
        poll.register(sock, events)
        return bool(poll.poll(milliseconds_to(until)))

    def run_in_thread(self, work: Callable[[], T]) -> T:
        """Do it in this thread."""
        return work()


ALONE = Alone()


class EventLoop:
    """Runs tasks by turns, in the thread that calls `run`. A task continues until it waits. Outside its tasks
    the loop waits like `ALONE`."""

    def __init__(self) -> None:
        self._poll = select.poll()  # (un)registering costs no call of the system's
        self._waiting: dict[int, greenlet] = {}  # by the descriptor of its socket
        self._turns: deque[tuple[greenlet, bool]] = deque()
        self._until: dict[greenlet, float] = {}
        self._listening: set[greenlet] = set()
        self._tasks: set[greenlet] = set()
        self._loop: greenlet | None = None
        self._wakes: socket.socket | None = None
        self._threads = ThreadPoolExecutor()  # starts one when there is something for it
        self.errors: list[BaseException] = []

    def run(self, *works: Callable[[], None]) -> None:
        """Run these tasks until all have ended. Their exceptions are kept in `errors`."""
        self._loop = getcurrent()
        wakes, self._wakes = socket.socketpair()
        with wakes, self._wakes, self._threads:
            self._wakes.setblocking(False)
            self._poll.register(wakes, READ)
            self._start(works)
            while self._tasks:
                while self._turns:
                    task, value = self._turns.popleft()
                    task.switch(value)
                if self._tasks:
                    self._look()

    def _start(self, works: Iterable[Callable[[], None]]) -> None:
        for work in works:
            task = greenlet(partial(self._guarded, work), parent=self._loop)
            self._tasks.add(task)
            self._turns.append((task, True))

    def _guarded(self, work: Callable[[], None], _: bool) -> None:
        try:
            work()
        except BaseException as error:  # the caller of `run` raises it, once every task is done
            self.errors.append(error)
        finally:
            self._tasks.discard(getcurrent())
            self.notify()

    def _look(self) -> None:
        """Give a turn to each task that can continue; wait until one can."""
        soonest = min(self._until.values(), default=float("inf"))
        for fd, _ in self._poll.poll(milliseconds_to(soonest)):
            task = self._waiting.get(fd)
            if task is not None:
                self._give_turn(task, True)
            else:
                os.read(fd, 4096)
                self.notify()
        at = time.monotonic()
        for task in [task for task, until in self._until.items() if until <= at]:
            self._give_turn(task, False)

    def _give_turn(self, task: greenlet, value: bool) -> None:
        if self._until.pop(task, None) is not None:
            self._turns.append((task, value))

    def _switch(self, until: float) -> bool:
        """Let the others continue until this task gets its turn: False if the time ran out."""
        assert self._loop is not None
        self._until[getcurrent()] = until
        return bool(self._loop.switch())

    @property
    def _is_ours(self) -> bool:
        return getcurrent() in self._tasks

    def ready(self, sock: socket.socket, events: int, until: float) -> bool:
        """Wait until the socket can be read or written; False if not before `until` (monotonic)."""
        if not self._is_ours:
            return ALONE.ready(sock, events, until)
        fd = sock.fileno()
        self._poll.register(fd, events)
        self._waiting[fd] = getcurrent()
        try:
            return self._switch(until)
        finally:
            self._poll.unregister(fd)
            del self._waiting[fd]

    def wait_until(self, told: Callable[[], object], seconds: float = float("inf")) -> bool:
        """Wait until the predicate is true; check at every notification. False if it is not true in time."""
        until = time.monotonic() + seconds
        while not told():
            if time.monotonic() >= until:
                return False
            if not self._is_ours:
                time.sleep(LOOK_SECONDS)
                continue
            self._listening.add(getcurrent())
            self._switch(until)
            self._listening.discard(getcurrent())
        return True

    def notify(self) -> None:
        """Have every waiting task check its predicate. Call it from tasks."""
        for task in tuple(self._listening):
            self._give_turn(task, True)

    def wake(self) -> None:
        """Like `notify`, from another thread. Harmless when the loop is not running."""
        if self._wakes is not None:
            with suppress(OSError):
                self._wakes.send(b".")

    def spawn(self, work: Callable[[], T]) -> Callable[[], T]:
        """Start a task for this. The returned function waits for its end, and returns or raises its
        result."""
        doing: Future[T] = Future()

        def do() -> None:
            try:
                doing.set_result(work())
            except BaseException as error:  # raised where the result is awaited
                doing.set_exception(error)

        def done() -> T:
            self.wait_until(doing.done)
            return doing.result()

        self._start([do])
        return done

    def run_in_thread(self, work: Callable[[], T]) -> T:
        """Do this in another thread while the other tasks continue. Raises what it raises."""
        if not self._is_ours:
            return work()
        doing = self._threads.submit(work)
        doing.add_done_callback(lambda _: self.wake())
        self.wait_until(doing.done)
        return doing.result()


def milliseconds_to(until: float) -> float | None:
    """How long `poll` has to wait until then (monotonic); None for ever."""
    return None if until == float("inf") else max(0.0, until - time.monotonic()) * 1000


LOOK_SECONDS = 0.002
"""How often a predicate is checked outside the loop's tasks."""
