"""A measured installation: a copy of the imported work, a Redis and real worker processes, as `mailrun up`
starts them."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from sqlalchemy import select, update

from benchmarks import meters, workload
from benchmarks.base import Base, environ
from tests.runtimes import open_runtime
from webapp import config
from webapp.access import OPERATOR
from webapp.extensions import Runtime
from webapp.launch import embedded_redis, processes
from webapp.lifecycle import runs
from webapp.new_run import creation, generation
from webapp.selection.invoices import Selection
from webapp.store.customers import Cluster
from webapp.store.definitions import MessageDefinition
from webapp.store.mailservers import MailServer
from webapp.store.runs import Run
from webapp.workers import count_alive

ROOT = Path(__file__).parent.parent
MONTH = (date(2026, 10, 1), date(2026, 10, 31))
"""The period of the work's invoices."""
PATIENCE = 900.0
"""Seconds after which a run that does not finish is given up."""


@dataclass
class Site:
    """`runtime` looks at the installation from this process. `profile_to`: where workers leave their
    profiles. `postmaster`: the process of the database's server, 0 if it cannot be seen."""

    runtime: Runtime
    environ: dict[str, str]
    profile_to: Path | None = None
    postmaster: int = 0
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def pids(self) -> list[int]:
        return [worker.pid for worker in self.workers]

    def cpu(self) -> float:
        """CPU seconds of this process and of the database's server."""
        return time.process_time() + (meters.cpu([self.postmaster]).total if self.postmaster else 0.0)

    def start_workers(self, count: int) -> None:
        """Starts this number of workers, and waits until they are at work."""
        command = [sys.executable, "-m", "jobs.worker"]
        if self.profile_to:
            command = [sys.executable, "-m", "benchmarks.profiled_worker", str(self.profile_to)]
        quiet = {**os.environ, **self.environ}
        for _ in range(count):
            process = subprocess.Popen(command, env=quiet, cwd=ROOT, stderr=subprocess.DEVNULL)
            self.workers.append(process)
        self.until(self._all_are_at_work)

    def _all_are_at_work(self) -> bool:
        with self.runtime.database.reading() as session:
            return count_alive(session) >= len(self.workers)

    def stop_workers(self) -> None:
        for worker in self.workers:
            worker.terminate()
        for worker in self.workers:
            worker.wait(60)
        self.workers.clear()

    def choice(self, cluster: str, first: date = MONTH[0], last: date = MONTH[1]) -> Selection:
        """Everything in and below this cluster, in this period."""
        with self.runtime.database.reading() as session:
            return Selection(
                definition_id=session.scalars(select(MessageDefinition.id)).one(),
                cluster_id=session.scalars(select(Cluster.id).where(Cluster.tag_name == cluster)).one(),
                include_children=True,
                period_from=first,
                period_to=last,
            )

    def make_run(self, choice: Selection) -> int:
        """A run, whole and not started; its id."""
        queue, bcc = self.runtime.queue, [workload.BCC]
        with self.runtime.database.writing() as session:
            run = creation.create(session, queue, creation.RunRequest(choice, bcc=bcc), OPERATOR)
        generation.generate(self.runtime, run.id)
        return run.id

    def start(self, run_id: int) -> None:
        with self.runtime.database.writing() as session:
            runs.start(session, self.runtime.queue, run_id, OPERATOR)

    def finish(self, run_id: int, meanwhile: Callable[[], object] = lambda: None) -> float:
        """Waits for the run's end, calling `meanwhile` now and then; seconds from its Start, as the database
        has them."""
        self.until(lambda: self._is_finished(run_id) or bool(meanwhile()))
        with self.runtime.database.reading() as session:
            run = session.get_one(Run, run_id)
            assert run.finished_at is not None
            assert run.started_at is not None
            return (run.finished_at - run.started_at).total_seconds()

    def _is_finished(self, run_id: int) -> bool:
        with self.runtime.database.reading() as session:
            run = session.get_one(Run, run_id)
        if run.problem:
            raise RuntimeError(f"the measured run does not run: {run.problem}")
        return run.status == "finished"

    def until(self, condition: Callable[[], bool]) -> None:
        """Waits for this to come true. Raises RuntimeError if it does not, or if a worker ends."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > deadline or any(worker.poll() is not None for worker in self.workers):
                raise RuntimeError("the measured installation does not get on")
            time.sleep(0.05)

    def stop(self, run_id: int) -> None:
        with self.runtime.database.writing() as session:
            runs.stop(session, run_id, OPERATOR)

    def send_to(self, port: int, connections: int) -> None:
        """Has the mail server be at this port of this machine, with this number of connections."""
        with self.runtime.database.writing() as session:
            session.execute(update(MailServer).values(port=port, max_connections=connections))


@contextmanager
def site(base: Base, port: int, connections: int, profile_to: Path | None = None) -> Iterator[Site]:
    """A fresh copy of the work, without workers yet, that sends to this port over this number of
    connections."""
    with base.fresh() as url, opened(url, base.documents, profile_to) as made:
        made.send_to(port, connections)
        yield made


@contextmanager
def opened(url: str, documents: Path, profile_to: Path | None = None, postmaster: int = 0) -> Iterator[Site]:
    """An installation on this database, with a home and a Redis of its own, without workers yet."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mailrun-bench-")))
        settings = environ(home, url, documents, stack.enter_context(_redis(home)))
        runtime = open_runtime(config.load(settings))
        stack.callback(runtime.close)
        made = Site(runtime, settings, profile_to, postmaster)
        stack.callback(made.stop_workers)
        yield made


@contextmanager
def _redis(home: Path) -> Iterator[str]:
    """The address of a Redis of its own, started as `mailrun up` does; "none" if there is none to start."""
    binary = embedded_redis.find_server()
    if binary is None:
        yield "none"
        return
    socket = config.embedded_redis_socket(home)
    embedded_redis.prepare_folder(socket)
    process = subprocess.Popen(processes.redis(binary, socket).command)
    try:
        while not embedded_redis.answers(embedded_redis.url(home)):
            time.sleep(0.02)
        yield embedded_redis.url(home)
    finally:
        process.terminate()
        process.wait()
