"""Many conversations in one thread: what waits for its mail server lets the others go on.

Threads would do the same, but they all wait for the one interpreter: with four of them a message costs thirty
changes of thread, a third of all its time. Greenlets change places only where a conversation waits, so no
code between two waits needs a lock; and smtplib's dialogue, which knows nothing of this, stays as it is."""

from __future__ import annotations

import os
import selectors
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

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


class Waiting(Protocol):
    """How whoever holds a conversation waits for its socket."""

    def ready(self, sock: socket.socket, events: int, until: float) -> bool:
        """Waits until the socket can be read or written; False if not before `until` (monotonic)."""

    def run_in_thread(self, work: Callable[[], T]) -> T:
        """Does what takes its time otherwise: a connection's beginning, a document that is far."""


class Alone:
    """Whoever waits has nothing else to do."""

    def ready(self, sock: socket.socket, events: int, until: float) -> bool:
        """Waits with the whole thread."""
        with selectors.DefaultSelector() as selector:
            selector.register(sock, events)
            return bool(selector.select(max(0.0, until - time.monotonic())))

    def run_in_thread(self, work: Callable[[], T]) -> T:
        """Just does it."""
        return work()


ALONE = Alone()


class EventLoop:
    """Runs tasks by turns, in the thread that calls `run`. A task goes on until it waits; outside its tasks
    the hub's ways of waiting are those of `ALONE`."""

    def __init__(self) -> None:
        self._selector = selectors.PollSelector()  # (un)registering costs no call of the system's
        self._turns: deque[tuple[greenlet, bool]] = deque()
        self._until: dict[greenlet, float] = {}
        self._listening: set[greenlet] = set()
        self._tasks: set[greenlet] = set()
        self._loop: greenlet | None = None
        self._poke: socket.socket | None = None
        self._threads = ThreadPoolExecutor()  # starts one when there is something for it
        self.errors: list[BaseException] = []

    def run(self, *works: Callable[[], None]) -> None:
        """Runs these until all have ended. What they raise is kept in `errors`."""
        self._loop = getcurrent()
        poked, self._poke = socket.socketpair()
        with poked, self._poke, self._selector, self._threads:
            self._poke.setblocking(False)
            self._selector.register(poked, READ)
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
        except BaseException as error:  # told by whoever runs the hub, once every task is done
            self.errors.append(error)
        finally:
            self._tasks.discard(getcurrent())
            self.notify()

    def _look(self) -> None:
        """Gives a turn to whatever can go on; waits until something can."""
        soonest = min(self._until.values(), default=float("inf")) - time.monotonic()
        wait = None if soonest == float("inf") else max(0.0, soonest)
        for key, _ in self._selector.select(wait):
            if isinstance(key.data, greenlet):
                self._give_turn(key.data, True)
            else:
                os.read(key.fd, 4096)
                self.notify()
        at = time.monotonic()
        for task in [task for task, until in self._until.items() if until <= at]:
            self._give_turn(task, False)

    def _give_turn(self, task: greenlet, value: bool) -> None:
        if self._until.pop(task, None) is not None:
            self._turns.append((task, value))

    def _switch(self, until: float) -> bool:
        """Lets the others go on until somebody gives this task its turn: False if it was the clock."""
        assert self._loop is not None
        self._until[getcurrent()] = until
        return bool(self._loop.switch())

    @property
    def _is_ours(self) -> bool:
        return getcurrent() in self._tasks

    def ready(self, sock: socket.socket, events: int, until: float) -> bool:
        """Waits until the socket can be read or written; False if not before `until` (monotonic)."""
        if not self._is_ours:
            return ALONE.ready(sock, events, until)
        self._selector.register(sock, events, getcurrent())
        try:
            return self._switch(until)
        finally:
            self._selector.unregister(sock)

    def wait_until(self, told: Callable[[], object], seconds: float = float("inf")) -> bool:
        """Waits until this is so; looks whenever there is news. False if it is not so within the time."""
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
        """Has whoever waits for something look whether it is so now. To be called by tasks."""
        for task in tuple(self._listening):
            self._give_turn(task, True)

    def wake(self) -> None:
        """The same, from another thread. A hub that does not run does not mind."""
        if self._poke is not None:
            with suppress(OSError):
                self._poke.send(b".")

    def spawn(self, work: Callable[[], T]) -> Callable[[], T]:
        """Has a task of its own do this. What is returned waits for its end, and gives or raises what came
        of it."""
        doing: Future[T] = Future()

        def do() -> None:
            try:
                doing.set_result(work())
            except BaseException as error:  # told to whoever waits for it
                doing.set_exception(error)

        def done() -> T:
            self.wait_until(doing.done)
            return doing.result()

        self._start([do])
        return done

    def run_in_thread(self, work: Callable[[], T]) -> T:
        """Does this in another thread, while the other tasks go on. Raises what it raises."""
        if not self._is_ours:
            return work()
        doing = self._threads.submit(work)
        doing.add_done_callback(lambda _: self.wake())
        self.wait_until(doing.done)
        return doing.result()


LOOK_SECONDS = 0.002
"""Outside a hub's tasks: how often is looked."""
