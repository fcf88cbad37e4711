"""Real worker processes and a real Redis, in the way that `mailrun up` starts them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import redis
from sqlalchemy import update

from tests.faults.spawn import Nursery
from tests.mailserver import MailServer, mail_server
from tests.runtimes import open_runtime
from tests.world import World, make_world
from webapp import config
from webapp.mailing.renderer import Renderer
from webapp.store.workers import Worker

ROOT = Path(__file__).parent.parent.parent


@dataclass
class Site:
    """An installation with processes. `world` looks at its database from the test's own process."""

    world: World
    environ: dict[str, str]
    redis_socket: Path
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    redis: subprocess.Popen[bytes] | None = None
    nursery: Nursery | None = None

    def start_worker(self, **environ: str) -> subprocess.Popen[bytes]:
        """A worker with the site's settings, and these: forked if there is a nursery, which saves the second
        in which a new process imports what it needs."""
        environ = {**self.environ, **environ}
        if self.nursery is not None:
            process = self.nursery.worker(environ)
        else:
            command = [sys.executable, "-m", "jobs.worker"]
            process = subprocess.Popen(command, env={**os.environ, **environ}, cwd=ROOT)
        self.workers.append(process)
        return process

    def freeze(self, worker: subprocess.Popen[bytes]) -> None:
        """Freezes it outside a transaction: a process that is stopped while it holds SQLite keeps every
        writer out for as long (F13 is about that)."""
        with self.world.runtime.database.writing() as session:
            session.execute(update(Worker).values(started_at=Worker.started_at))
            worker.send_signal(signal.SIGSTOP)
            self.until(lambda: is_frozen(worker.pid))  # its last thread could take the lock that we hold

    def start_redis(self) -> None:
        """Starts it empty: nothing is kept from before."""
        self.redis_socket.unlink(missing_ok=True)
        self.redis = redis_server(self.redis_socket)

    def kill_redis(self) -> None:
        assert self.redis is not None
        self.redis.kill()
        self.redis.wait()

    def until(self, condition: Callable[[], bool], seconds: float = 60.0) -> None:
        """Waits for this to come true; fails the test if it does not. Looks less often as time goes by: what
        it looks at takes processor time from what it waits for."""
        begun = time.monotonic()
        while not condition():
            waited = time.monotonic() - begun
            assert waited < seconds, "it did not come true in time"
            time.sleep(min(max(0.02, waited / 20), 0.1))

    def until_finished(self, run_id: int, seconds: float = 90.0) -> None:
        self.until(lambda: self.world.status(run_id) == "finished", seconds)

    def end(self) -> None:
        for process in self.workers:
            process.terminate()
        for process in self.workers:
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        if self.redis is not None:
            self.kill_redis()


def is_frozen(pid: int) -> bool:
    """Whether every thread of it has stopped: a signal stops one after the other."""
    threads = Path(f"/proc/{pid}/task").glob("*/stat")
    return all(thread.read_text().rpartition(")")[2].split()[0] == "T" for thread in threads)


def redis_server(socket: Path) -> subprocess.Popen[bytes]:
    """A Redis that keeps nothing, and answers: its socket is there before it listens."""
    process = subprocess.Popen(
        [redis_binary(), "--port", "0", "--unixsocket", str(socket),
         "--save", "", "--appendonly", "no", "--dir", str(socket.parent)],
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    deadline = time.monotonic() + 30
    while not _answers(socket):
        assert time.monotonic() < deadline, "Redis does not answer"
        time.sleep(0.01)
    return process


def _answers(socket: Path) -> bool:
    with redis.Redis(unix_socket_path=str(socket)) as client:
        try:
            return client.ping() is True
        except redis.ConnectionError:
            return False


def redis_binary() -> str:
    """The server on the PATH, or the one that came with the installation."""
    found = shutil.which("redis-server") or shutil.which(
        "redis-server", path=str(Path(sys.executable).parent)
    )
    assert found, "no redis-server: install one"
    return found


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as running:
        yield running


@pytest.fixture
def site(
    environ: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
    server: MailServer,
    renderer: Renderer,
    nursery: Nursery,
) -> Iterator[Site]:
    socket = tmp_path_factory.mktemp("r") / "redis.sock"
    environ = {**environ, "MAILRUN_REDIS_URL": f"unix://{socket}", "MAILRUN_TIME_SCALE": "20"}
    runtime = replace(open_runtime(config.load(environ)), renderer=renderer)
    made = Site(make_world(runtime, server), environ, socket, nursery=nursery)
    try:
        yield made
    finally:
        made.end()
        runtime.database.dispose()
