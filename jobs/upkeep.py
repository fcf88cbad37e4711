"""The upkeep of a worker process: its beat, and the sweep that finds due, stranded and forgotten work."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy.exc import DBAPIError

from webapp.delivery import drain, recovery
from webapp.evidence import retention
from webapp.extensions import Runtime
from webapp.new_run import generation
from webapp.workers import WorkerProcess

log = logging.getLogger(__name__)


def beat_for_ever(runtime: Runtime, life: WorkerProcess) -> None:
    """Counts the beat up until the process ends. A database that is away is waited for."""
    while not life.stopping.wait(runtime.settings.beat_every):
        try:
            if not life.heartbeat():
                log.warning("declared lost by others; registered anew as worker %s", life.id)
        except DBAPIError as error:
            log.warning("cannot beat: %s", error.orig)


def sweep_for_ever(runtime: Runtime, life: WorkerProcess) -> None:
    """Sweeps until the process ends. Work that is due is rung for; if nobody can be asked, or nobody comes,
    it is done right here."""
    watch, pokes = recovery.HeartbeatMonitor(), Pokes()
    while not life.stopping.wait(runtime.settings.sweep_every):
        try:
            due = recovery.sweep(runtime, life, watch)
            for run_id in due.to_make:
                if not pokes.are_heard(runtime.queue.enqueue_generation(run_id)):
                    make_beside(runtime, life, run_id)
            for run_id in due.to_drain:
                if not pokes.are_heard(runtime.queue.enqueue_drain(run_id)):
                    _beside(f"drain {run_id}", drain.drain, runtime, life, run_id)
            pokes.end_round()
            if retention.is_due(runtime):
                _beside("tidy", _tidy, runtime, life)
        except DBAPIError as error:
            log.warning("cannot sweep: %s", error.orig)


UNHEARD_SECONDS = 15.0
"""So long a poke may wait: three turns of a drain that shares with others (delivery/prefetch.py)."""


@dataclass
class Pokes:
    """The pokes that a sweep has found waiting, and since when (monotonic). They wait for long while every
    worker has to do with a mail server that lets it wait: whoever sends through another must not."""

    _since: dict[str, float] = field(default_factory=dict)
    _this_round: set[str] = field(default_factory=set)

    def are_heard(self, poke: str) -> bool:
        """Whether somebody will come soon for this one; there is none if it is empty."""
        present = time.monotonic()
        self._this_round.add(poke)
        return bool(poke) and present - self._since.setdefault(poke, present) < UNHEARD_SECONDS

    def end_round(self) -> None:
        """Forgets those that wait no more."""
        self._since = {poke: at for poke, at in self._since.items() if poke in self._this_round}
        self._this_round.clear()


def _tidy(runtime: Runtime, life: WorkerProcess) -> None:
    try:
        retention.tidy(runtime, life.stopping)
    except (DBAPIError, OSError) as error:
        log.warning("cannot let go what was kept for long enough; tomorrow again: %s", error)


def make_beside(runtime: Runtime, life: WorkerProcess, run_id: int) -> None:
    """Makes a run's results in a thread of its own, as far as it gets before this worker leaves."""
    _beside(f"make {run_id}", _make, runtime, life, run_id)


def _make(runtime: Runtime, life: WorkerProcess, run_id: int) -> None:
    try:
        generation.make(runtime, run_id, life.stopping.is_set, gives_way=True)
    except DBAPIError as error:
        log.warning("run %s cannot be made; tried again soon: %s", run_id, error.orig)
    except OSError as error:
        log.warning("run %s cannot be made; tried again soon: %s", run_id, error)


def _beside(name: str, verb: Callable[..., None], *args: object) -> None:
    """Runs the verb in a thread of its own, so that whoever asks for it goes on; one thread per name."""
    if not any(thread.name == name for thread in threading.enumerate()):
        threading.Thread(target=verb, args=args, name=name).start()
