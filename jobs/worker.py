"""A worker process: `python -m jobs.worker`.

Its main thread takes RQ jobs in this process (SimpleWorker): the process that sends heartbeats must be the
one that holds the connections. Two threads beside it send heartbeats and sweep. Redis may come and go: the
sweep finds the work without it.

The process runs in an application context, and each job in one of its own, so `runtime()` works there and a
`db.session` would end with its job. Threads have none: they are given the runtime, and their loops open a
session for each step. A session as long as a loop would keep SQLite's write-ahead log from ever being
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
from jobs.run_job import RunJob
from webapp import create_app, logs
from webapp.extensions import Runtime, runtime_of
from webapp.logs import ids
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


_process: Process | None = None


def this_process() -> Process:
    """The process that a job runs in."""
    if _process is None:
        raise RuntimeError("This is not a worker process.")
    return _process


class NoTimeout(BaseDeathPenalty):
    """RQ's time-out raises at any line, also between a server's 250 and our commit. A drain ends by
    itself."""

    def setup_death_penalty(self) -> None:
        pass

    def cancel_death_penalty(self) -> None:
        pass


class RqWorker(SimpleWorker):
    """RQ's in-process worker. When told to stop, it lets the drain finish its current messages."""

    death_penalty_class = NoTimeout
    job_class = RunJob

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Run the job in an application context of its own."""
        with this_process().app.app_context():
            super().execute_job(job, queue)

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        this_process().worker.stopping.set()
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]


def main() -> None:
    """Work until SIGTERM or SIGINT; then finish what is on the wire, release everything, and leave."""
    app = create_app(pages=False)
    logs.set_up(runtime_of(app).settings.privacy.log_style)
    with app.app_context():
        _work(app)


def _work(app: Flask) -> None:
    """Everything that `main` does within the application context."""
    global _process
    runtime = runtime_of(app)
    worker = WorkerProcess(runtime.database)
    _process = Process(app, worker)
    runtime.database.persist(installation.bind, give_up=worker.stopping.is_set)
    for stop in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stop, lambda *_: worker.stopping.set())
    threads = [
        threading.Thread(target=keep_up, args=(work, runtime, worker), name=work.__name__)
        for work in (upkeep.send_heartbeats, upkeep.sweep_regularly)
    ]
    for thread in threads:
        thread.start()
    _collect_rarely()
    log.info("at work", extra=ids(worker=worker.id))
    outage = Outage()
    while not worker.stopping.is_set():
        _take_jobs(runtime, worker, outage)
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join()
    worker.leave()
    runtime.close()


def _collect_rarely() -> None:
    """Keep the collector of cycles off the path of a mail: by its defaults it took 8 % of the CPU time of
    sending (3.19 seconds for 1,000 mails, 2.92 so; SQLite, medians of three)."""
    gc.collect()
    gc.freeze()  # what is loaded now stays: the collector need not scan it again
    gc.set_threshold(50_000, 20, 100)


def keep_up(work: Callable[[Runtime, WorkerProcess], None], runtime: Runtime, worker: WorkerProcess) -> None:
    """Do `work` until the process ends. After an unexpected error the process is told to end, so that its
    supervisor starts it again: a worker without heartbeats counts as lost, and one that does not sweep
    finds no work."""
    try:
        work(runtime, worker)
    finally:
        if not worker.stopping.is_set():
            os.kill(os.getpid(), signal.SIGTERM)


@dataclass
class Outage:
    """Whether Redis is away, so that one outage is one line of the log."""

    is_on: bool = False

    def begin(self, error: Exception) -> None:
        """Redis did not answer."""
        if not self.is_on:
            log.warning("Redis is away", extra=ids(error=error))
        self.is_on = True

    def end(self) -> None:
        """Redis answered."""
        if self.is_on:
            log.info("Redis is back")
        self.is_on = False


def _take_jobs(runtime: Runtime, worker: WorkerProcess, outage: Outage) -> None:
    """Take jobs until the worker stops, Redis goes away, or no job came for a while: RQ is told to stop by an
    exception from a signal handler, which Python drops if it arrives in a __del__."""
    if not runtime.settings.redis_url:
        worker.stopping.wait()
        return
    try:
        redis = Redis.from_url(runtime.settings.redis_url)
        redis.ping()
        outage.end()
        queue = Queue(QUEUE, connection=redis, serializer="json", job_class=RunJob)
        options: dict[str, Any] = {"serializer": "json", "maintenance_interval": 60}
        rq_worker = RqWorker([queue], connection=redis, **options)
        rq_worker.work(logging_level="WARNING", max_idle_time=IDLE_SECONDS)
    except (RedisError, OSError) as error:
        outage.begin(error)
        worker.stopping.wait(1.0)


if __name__ == "__main__":
    from jobs import worker

    worker.main()
