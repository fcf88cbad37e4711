"""`mailrun import` of a large company: how long, how much memory, and how long another writer waits
meanwhile."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.exc import OperationalError

from benchmarks import meters
from benchmarks.installation import ROOT, Site
from webapp.store.database import Database
from webapp.store.users import AuditEntry


@dataclass
class Waits:
    """How long one small commit after the other took, in seconds, while something else was under way."""

    all: list[float] = field(default_factory=lambda: [0.0])

    @property
    def longest(self) -> float:
        return max(self.all)


@dataclass(frozen=True)
class Imported:
    """`megabytes`: resident memory at most. `longest_wait`: of another writer, in seconds."""

    seconds: float
    megabytes: float
    longest_wait: float


def measure(site: Site, folder: Path) -> Imported:
    """Imports the folder by the command, in a process of its own. Raises CalledProcessError."""
    command = [sys.executable, "-m", "webapp", "import", str(folder)]
    with writing_meanwhile(site.runtime.database) as waits:
        began, most = time.monotonic(), 0.0
        process = subprocess.Popen(
            command, env={**os.environ, **site.environ}, cwd=ROOT, stdout=subprocess.DEVNULL
        )
        while process.poll() is None:
            most = max(most, meters.peak_megabytes(process.pid))
            time.sleep(0.02)
        seconds = time.monotonic() - began
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return Imported(seconds, most, waits.longest)


@contextmanager
def writing_meanwhile(database: Database) -> Iterator[Waits]:
    """Writes a line into the audit 20 times a second while the block lasts, as a sending worker would write
    its marks."""
    waits, ended = Waits(), threading.Event()

    def write() -> None:
        while not ended.wait(0.05):
            began = time.monotonic()
            try:
                with database.writing() as session:
                    session.add(AuditEntry(actor="benchmark", action="write", subject="meanwhile", detail=""))
            except OperationalError:  # it gave up waiting: that counts as having waited so long
                pass
            waits.all.append(time.monotonic() - began)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield waits
    finally:
        ended.set()
        thread.join()
