"""Mailrun started for real, every process of it marked, so that a test can count what is left."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
STARTED = "Mailrun is running."


def until(condition: Callable[[], object], seconds: float, what: str) -> None:
    """Waits until the condition holds; fails the test when it has not in time."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.05)


@dataclass
class Launched:
    process: subprocess.Popen[bytes]
    mark: str
    home: Path
    log: Path

    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def wait_for(self, words: str, seconds: float = 60) -> None:
        """Waits until it has printed these words."""
        until(
            lambda: words in self.said() or self.process.poll() is not None,
            seconds,
            f"{words}: {self.said()}",
        )
        assert words in self.said(), self.said()

    @property
    def address(self) -> str:
        """Where the web part is, as it was printed."""
        found = re.search(r"http://\S+?:\d+", self.said())
        assert found, self.said()
        return found.group()

    def running(self, part: str = "") -> set[int]:
        """Its processes that are alive, those whose command line contains `part`; not the supervisor."""
        ours = marked(self.mark, self.home)
        return {pid for pid in ours if pid != self.process.pid and part in command_line(pid)}

    def press_ctrl_c(self) -> None:
        self.process.send_signal(signal.SIGINT)


@contextmanager
def launched(
    home: Path, command: list[str], environ: dict[str, str] | None = None, mark: str = ""
) -> Iterator[Launched]:
    """Runs the command in a session of its own; at the end kills whatever is left of it."""
    mark = mark or uuid.uuid4().hex
    home.mkdir(exist_ok=True, mode=0o700)
    log = home.parent / f"{mark}.log"
    with open(log, "wb") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=launch_environ(home) | {"MAILRUN_TEST_MARK": mark} | (environ or {}),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield Launched(process, mark, home, log)
    finally:
        process.kill()
        process.wait()
        for pid in marked(mark, home):
            os.kill(pid, signal.SIGKILL)


def up(*options: str) -> list[str]:
    """The command line of `mailrun up` with these options."""
    return [sys.executable, "-m", "webapp", "up", *options]


def launch_environ(home: Path) -> dict[str, str]:
    """The environment of a start with everything of its own: home, free ports, two workers."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MAILRUN_")}
    return kept | {
        "MAILRUN_HOME": str(home),
        "MAILRUN_PORT": "0",
        "MAILRUN_CATCHER_PORT": "0",
        "MAILRUN_WORKERS": "2",
        "PYTHONPATH": str(ROOT),
    }


def marked(mark: str, home: Path) -> set[int]:
    """The living processes with this mark in their environment, whatever became of their parents.

    Redis writes its title over its environment; it is known by the home in its title."""
    wanted = f"MAILRUN_TEST_MARK={mark}".encode()
    found = set()
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                has_mark = wanted in (folder / "environ").read_bytes().split(b"\0")
                if has_mark or f"unixsocket:{home}/" in command_line(int(folder.name)):
                    found.add(int(folder.name))
            except OSError:
                continue
    return found


def command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""
