"""Workers as rows: they register, send heartbeats while they live, and leave. What the kernel knows about a
process counts too."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from webapp.store.database import Database
from webapp.store.types import now
from webapp.store.workers import Worker

LEAVING_SECONDS = 20.0
"""How long a database that is away may keep a stopping process from writing what it must not lose."""


class WorkerProcess:
    """A process that may hold connections to mail servers, as the database knows it.

    `id` changes if others have declared this worker lost: it then registers again, and no longer owns what it
    held. `stopping` is set when the process shall end: it finishes what is on the wire and begins nothing
    new."""

    def __init__(self, database: Database, name: str = "") -> None:
        self.database = database
        self.name = name or f"{socket.gethostname()} {os.getpid()}"
        self.stopping = threading.Event()
        self.heartbeats = 0
        self.id = self._register()

    def heartbeat(self) -> bool:
        """Increase the heartbeat. If this worker was declared lost meanwhile, register again and return
        False."""
        with self.database.writing() as session:
            alive = session.execute(
                update(Worker)
                .where(Worker.id == self.id, Worker.lost_at.is_(None))
                .values(beat=Worker.beat + 1)
                .execution_options(synchronize_session=False)
            ).rowcount  # type: ignore[attr-defined]
        self.heartbeats += 1
        if not alive:
            self.id = self._register()
        return bool(alive)

    def leave(self) -> None:
        """Record that this worker ended in good order."""
        with self.database.writing() as session:
            session.execute(update(Worker).where(Worker.id == self.id).values(left_at=now()))

    def persist(self, verb: Callable[[Session], object]) -> None:
        """Retry a write that must not be lost until the database accepts it.

        Once the process is stopping, give up after LEAVING_SECONDS and raise the database's error."""
        gives_up_at: float | None = None

        def give_up() -> bool:
            nonlocal gives_up_at
            if not self.stopping.is_set():
                return False
            gives_up_at = gives_up_at or time.monotonic() + LEAVING_SECONDS
            return time.monotonic() > gives_up_at

        self.database.persist(verb, give_up=give_up)

    def _register(self) -> int:
        pid = os.getpid()

        def register(session: Session) -> int:
            row = Worker(name=self.name, machine=machine(), pid=pid, pid_started=process_started(pid) or 0)
            session.add(row)
            session.flush()
            return row.id

        return self.database.persist(register, give_up=self.stopping.is_set)


def count_alive(session: Session) -> int:
    """How many workers are running, as far as is known."""
    alive = select(func.count()).where(Worker.left_at.is_(None), Worker.lost_at.is_(None))
    return session.scalar(alive) or 0


def machine() -> str:
    """The scope within which a pid is unique: this boot of this machine, and this PID namespace."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:  # not Linux: only the heartbeat can tell
        return f"{socket.gethostname()} without /proc"


def process_started(pid: int) -> int | None:
    """When this process began, in clock ticks after boot; None if there is no such process (or no /proc)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[19])


def kernel_says_gone(worker: Worker) -> bool:
    """Whether the kernel knows that this worker's process has ended. Known only for workers on this
    machine."""
    if worker.machine != machine() or not Path("/proc/self/stat").exists():
        return False
    return process_started(worker.pid) != worker.pid_started
