"""Writing what must not be lost."""

from __future__ import annotations

import time
from collections.abc import Callable

from sqlalchemy.orm import Session

from webapp.extensions import Runtime
from webapp.workers import WorkerLife

LEAVING_SECONDS = 20.0
"""When the process is told to end, how long a database that is away may keep it from writing what it
knows."""


def persist(runtime: Runtime, worker: WorkerLife, verb: Callable[[Session], object]) -> None:
    """Writes what must not be lost as soon as the database can be written, however long that takes; only a
    process that is told to end gives up after a while."""
    told: list[float] = []

    def give_up() -> bool:
        if worker.leaving.is_set():
            told.append(time.monotonic())
        return bool(told) and time.monotonic() - told[0] > LEAVING_SECONDS

    runtime.database.persist(verb, give_up=give_up)
