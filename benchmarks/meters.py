"""CPU time and memory of processes and of their children, from /proc."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Used:
    """CPU seconds: of the processes themselves, and of their children, living and ended."""

    own: float
    children: float

    @property
    def total(self) -> float:
        return self.own + self.children

    def __sub__(self, earlier: Used) -> Used:
        return Used(self.own - earlier.own, self.children - earlier.children)


def cpu(pids: list[int]) -> Used:
    """What these processes have used since they began."""
    own = children = 0.0
    for pid in pids:
        mine, ended = _times(pid)
        own += mine
        children += ended + sum(sum(_times(child)) for child in descendants(pid))
    return Used(own, children)


def megabytes(pids: list[int]) -> float:
    """Resident memory of these processes themselves, of the largest one."""
    return max((_resident(pid) for pid in pids), default=0.0)


def descendants(pid: int) -> list[int]:
    """The children of a process, their children, and so on."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = [int(word) for word in task.read_text().split()]
        except FileNotFoundError:
            continue
        for child in children:
            found += [child, *descendants(child)]
    return found


def _times(pid: int) -> tuple[float, float]:
    """(own, ended children's) CPU seconds; a process that has ended meanwhile counts with its parent."""
    try:
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0, 0.0
    user, system, ended_user, ended_system = (int(word) / TICK for word in words[11:15])
    return user + system, ended_user + ended_system


def peak_megabytes(pid: int) -> float:
    """The most memory that this process has had resident so far."""
    return _resident(pid, "VmHWM:")


def _resident(pid: int, what: str = "VmRSS:") -> float:
    """Megabytes; none for a process that has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except FileNotFoundError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(what)), 0.0)
