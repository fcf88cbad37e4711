"""A process that is kept running, and when it is to be restarted."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time

from webapp.launch.processes import Part

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 5.0
STEADY = 10.0
"""Seconds after which a process counts as having run well: its next pause is the first again."""


class SupervisedProcess:
    def __init__(self, part: Part, *, once: bool = False) -> None:
        self.part = part
        self.once = once
        self.process: subprocess.Popen[bytes] | None = None
        self.status = 0
        self.due: float | None = None
        self._begun = 0.0
        self._pause = FIRST_PAUSE

    def begun(self) -> None:
        """Record that the process has just been started."""
        self._begun = time.monotonic()
        self.due = None

    def ended(self) -> bool:
        """Whether the process has ended since the last call."""
        if self.process is None or self.process.poll() is None:
            return False
        self.status = self.process.returncode
        self.process = None
        return True

    def plan_restart(self) -> str:
        """Decide when to start again, after a pause that grows as long as the process ends soon; say so in
        words."""
        if time.monotonic() - self._begun > STEADY:
            self._pause = FIRST_PAUSE
        pause, self._pause = self._pause, min(LONGEST_PAUSE, self._pause * 2)
        self.due = time.monotonic() + pause
        return f"{self.part.name} ended ({_in_words(self.status)}); it starts again in {pause:g} s"

    def is_due(self) -> bool:
        return self.due is not None and time.monotonic() >= self.due

    def tell(self, number: int) -> None:
        """Send the signal to the process itself; it takes care of its own children."""
        if self.process is not None:
            self.process.send_signal(number)

    def kill(self) -> None:
        """Kills the process and its process group."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)


def _in_words(status: int) -> str:
    if status >= 0:
        return f"exit status {status}"
    return f"killed by {signal.Signals(-status).name}"
