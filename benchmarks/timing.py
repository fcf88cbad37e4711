"""What a process that sends measures of itself, and how it says so: one line of JSON."""

from __future__ import annotations

import json
import resource
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Timed:
    """How many messages took how many seconds, and how much CPU time, children's included."""

    messages: int
    seconds: float
    cpu: float

    @property
    def rate(self) -> float:
        return self.messages / self.seconds

    @property
    def cpu_per_1000(self) -> float:
        return 1000 * self.cpu / self.messages


@contextmanager
def told(messages: int) -> Iterator[None]:
    """Measures the block, and prints the line."""
    cpu, began = _cpu(), time.monotonic()
    yield
    seconds = time.monotonic() - began
    print(json.dumps({"messages": messages, "seconds": seconds, "cpu": _cpu() - cpu}))


def run(command: list[str], environ: dict[str, str] | None = None) -> Timed:
    """Runs a process that tells, and hears it. Raises CalledProcessError."""
    said = subprocess.run(command, env=environ, check=True, stdout=subprocess.PIPE, text=True).stdout
    return Timed(**json.loads(said.splitlines()[-1]))


def _cpu() -> float:
    both = (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    return sum(used.ru_utime + used.ru_stime for used in both)
