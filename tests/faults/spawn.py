"""Worker processes at once: a process that has imported everything forks one whenever it is asked.

A new interpreter needs a second of processor time to import what a worker needs, and the fault table starts
hundreds of workers. So one process imports it once (`python -m tests.faults.spawn`) and forks a child per
worker, which runs what `python -m jobs.worker` runs. With MAILRUN_FAULTS_EXEC=1 (`make test-faults` sets it)
a fresh `python -m jobs.worker` is started for each instead.
"""

from __future__ import annotations

import faulthandler
import gc
import json
import os
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from sqlalchemy.orm import configure_mappers

from tests.faults.processes import children_of
from tests.launch.launched import ROOT


@dataclass
class Child:
    """A forked worker: what the tests need of a Popen. Its parent is the nursery, which tells how it ended
    (as `subprocess` does: -9 is killed by signal 9)."""

    pid: int
    ended: threading.Event = field(default_factory=threading.Event)
    code: int = 0

    def send_signal(self, number: int) -> None:
        if not self.ended.is_set():
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def wait(self, timeout: float | None = None) -> int:
        if not self.ended.wait(timeout):
            raise subprocess.TimeoutExpired("worker", timeout or 0)
        return self.code

    def poll(self) -> int | None:
        return self.code if self.ended.is_set() else None


class Nursery:
    """Starts workers. What they say goes to `log`, if there is one. `close` ends it, and kills whatever it
    has started and is left."""

    def __init__(self, log: Path | None = None) -> None:
        self.children: dict[int, Child] = {}
        self._born: dict[int, Child] = {}
        self._turn = threading.Lock()
        self._news = threading.Condition()
        self._number = 0
        self._log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND) if log else None
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.spawn"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            cwd=ROOT,
            env={name: value for name, value in os.environ.items() if not name.startswith("MAILRUN_")},
        )
        threading.Thread(target=self._listen, daemon=True).start()

    def worker(self, environ: Mapping[str, str]) -> subprocess.Popen[bytes]:
        """A worker process with these settings."""
        if os.environ.get("MAILRUN_FAULTS_EXEC"):
            return subprocess.Popen(
                [sys.executable, *_module(environ)], env={**os.environ, **environ}, cwd=ROOT
            )
        with self._turn:
            self._number += 1
            assert self.process.stdin is not None
            order = {"number": self._number, "environ": dict(environ)}
            self.process.stdin.write(json.dumps(order).encode() + b"\n")
            self.process.stdin.flush()
            with self._news:
                self._news.wait_for(lambda: self._number in self._born, 60)
            return cast("subprocess.Popen[bytes]", self._born.pop(self._number))

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            told = json.loads(line)
            with self._news:
                if "number" in told:
                    child = self.children.setdefault(told["pid"], Child(told["pid"]))
                    self._born[told["number"]] = child
                else:
                    child = self.children.setdefault(told["pid"], Child(told["pid"]))
                    child.code = told["code"]
                    child.ended.set()
                    del self.children[told["pid"]]
                self._news.notify_all()

    def close(self) -> None:
        for child in list(self.children.values()):
            with suppress(ProcessLookupError):
                child.kill()
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(20)
        if self._log is not None:
            os.close(self._log)


def _module(environ: Mapping[str, str]) -> list[str]:
    shifted = "MAILRUN_FAULTS_CLOCK" in environ
    return ["-c", "from tests.faults import spawn; spawn.work()"] if shifted else ["-m", "jobs.worker"]


def serve() -> None:
    """Forks a worker for every line on standard input, and tells on standard output how each ended."""
    from jobs import runs, worker  # noqa: F401  # imported before the fork, once for all

    configure_mappers()
    gc.collect()
    gc.freeze()  # a worker's own collection need not read, and so copy, what all have in common
    signal.signal(signal.SIGCHLD, lambda *_: _bury())
    buffered = b""
    while more := os.read(0, 1 << 16):
        buffered += more
        *lines, buffered = buffered.split(b"\n")
        for line in lines:
            _fork(json.loads(line))
    for pid in children_of(os.getpid()):
        os.kill(pid, signal.SIGKILL)


def _bury() -> None:
    with suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            pid, status = ended
            _tell({"pid": pid, "code": os.waitstatus_to_exitcode(status)})


def _tell(news: Mapping[str, int]) -> None:
    os.write(1, json.dumps(news).encode() + b"\n")


def _fork(order: Mapping[str, Any]) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})  # birth is told before death
    pid = os.fork()
    if pid:
        _tell({"number": order["number"], "pid": pid})
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
        return
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    os.dup2(2, 1)
    os.environ.update(order["environ"])
    code = 1
    try:
        work()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def work() -> None:
    """A worker in this process, with a wall clock of its own if it was given one."""
    from jobs import worker

    faulthandler.register(signal.SIGUSR1)  # tells on standard error what each thread is at
    if shift := os.environ.get("MAILRUN_FAULTS_CLOCK"):
        from tests.faults import clocks

        clocks.shift_by_file(shift)
    worker.main()


if __name__ == "__main__":
    serve()
