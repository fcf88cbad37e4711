"""Child processes die with their parent (Linux only; elsewhere these functions do nothing)."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


def _prctl() -> Callable[[int, int], int] | None:
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)
    return lambda option, value: int(libc.prctl(option, value, 0, 0, 0))


def die_with_parent(parent: int, number: int = signal.SIGKILL) -> Callable[[], None]:
    """A function to call in a fresh child of the process `parent`: from then on the kernel sends it this
    signal when its parent ends, even by kill -9.

    It outlives exec. The parent may have ended between the fork and the call; then the child ends at once.
    "Parent" means the thread that made the child: make children in a thread that lives as long as you do.
    """
    prctl = _prctl()  # loaded here, in the parent: between fork and exec as little as possible is done

    def tie() -> None:
        if prctl is not None:
            prctl(PR_SET_PDEATHSIG, number)
            if os.getppid() != parent:
                os._exit(1)

    return tie


def adopt_orphans() -> None:
    """From now on whatever descends from this process becomes its child when its own parent ends."""
    prctl = _prctl()
    if prctl is not None:
        prctl(PR_SET_CHILD_SUBREAPER, 1)


def children() -> set[int]:
    """The processes whose parent this one is, also those that have ended and were not waited for."""
    found: set[int] = set()
    for task in Path("/proc/self/task").glob("*/children"):
        with contextlib.suppress(FileNotFoundError):
            found |= {int(pid) for pid in task.read_text().split()}
    return found


def reap(pids: set[int]) -> None:
    """Waits for those of these children that have ended; does not wait for the others."""
    for pid in pids:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)


def kill_orphans() -> None:
    """Kill every child that is left, and the orphans that this process inherits from them."""
    while left := children():
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)
