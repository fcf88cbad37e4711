"""A worker process: `python -m jobs.worker`.

Its main thread takes RQ jobs, in this process (SimpleWorker): the process that beats must be the one that
holds the connections. Two threads beside it beat and sweep. Redis may come and go: the sweep finds the work
without it.

The process runs in an application context, and each job in one of its own, so `runtime()` works there and a
`db.session` would end with its job. Threads have none: they are given the runtime, and their loops open a
session for each step. One that lasted as long as a loop would keep SQLite's write-ahead log from ever being
reset."""

from __future__ import annotations

import gc
import logging
import os
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import Any

from flask import Flask
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, SimpleWorker
from rq.job import Job
from rq.timeouts import BaseDeathPenalty

from jobs import upkeep
from webapp import create_app
from webapp.extensions import Runtime, runtime_of
from webapp.queue import QUEUE
from webapp.store import installation
from webapp.workers import WorkerProcess

log = logging.getLogger(__name__)


IDLE_SECONDS = 15


@dataclass(frozen=True)
class Process:
    """This worker process: its application, and how the database knows it."""

    app: Flask
    worker: WorkerProcess


_this: list[Process] = []


def this_process() -> Process:
    """The process that a job finds itself in."""
    return _this[0]


class NoTimeout(BaseDeathPenalty):
    """RQ's time-out raises at any line, also between a server's 250 and our commit. A drain ends by
    itself."""

    def setup_death_penalty(self) -> None:
        pass

    def cancel_death_penalty(self) -> None:
        pass


class RqWorker(SimpleWorker):
    """RQ's in-process worker; told to stop, it lets the drain end its current messages."""

    death_penalty_class = NoTimeout

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Runs the job in an application context of its own."""
        with this_process().app.app_context():
            super().execute_job(job, queue)

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        this_process().worker.stopping.set()
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]


def main() -> None:
    """Works until SIGTERM or SIGINT; then ends what is on the wire, gives everything back, and leaves."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    app = create_app(pages=False)
    with app.app_context():
        _work(app)


def _work(app: Flask) -> None:
    """Everything that `main` does, in the application context."""
    runtime = runtime_of(app)
    life = WorkerProcess(runtime.database)
    _this.append(Process(app, life))
    runtime.database.persist(installation.bind, give_up=life.stopping.is_set)
    for stop in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stop, lambda *_: life.stopping.set())
    threads = [
        threading.Thread(target=keep_up, args=(work, runtime, life), name=work.__name__)
        for work in (upkeep.beat_for_ever, upkeep.sweep_for_ever)
    ]
    for thread in threads:
        thread.start()
    gc.collect()
    gc.freeze()  # what is loaded by now stays: the collector need not look through it again and again
    log.info("worker %s is at work", life.id)
    while not life.stopping.is_set():
        _take_jobs(runtime, life)
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join()
    life.leave()
    runtime.close()


def keep_up(work: Callable[[Runtime, WorkerProcess], None], runtime: Runtime, life: WorkerProcess) -> None:
    """Does this until the process ends. If it breaks over what nobody could foresee, the process is told to
    end, and started again by whoever keeps it: one that does not beat is taken for lost, one that does not
    sweep finds no work."""
    try:
        work(runtime, life)
    finally:
        if not life.stopping.is_set():
            os.kill(os.getpid(), signal.SIGTERM)


def _take_jobs(runtime: Runtime, life: WorkerProcess) -> None:
    """Takes jobs until told to stop, until Redis goes away, or until there was none for a while: RQ is told
    to stop by an exception out of a signal's handler, which Python drops if it comes in a __del__."""
    if not runtime.settings.redis_url:
        life.stopping.wait()
        return
    try:
        redis = Redis.from_url(runtime.settings.redis_url)
        queue = Queue(QUEUE, connection=redis, serializer="json")
        options: dict[str, Any] = {"serializer": "json", "maintenance_interval": 60}
        worker = RqWorker([queue], connection=redis, **options)
        worker.work(logging_level="WARNING", max_idle_time=IDLE_SECONDS)
    except (RedisError, OSError) as error:
        log.info("Redis is away (%s); looking for work without it", error)
        life.stopping.wait(1.0)


if __name__ == "__main__":
    from jobs import worker

    worker.main()
