"""Where tests keep their files: in memory where there is enough of it. On a disk a commit or a deleted file
takes milliseconds, and the tests make hundreds of thousands of both. What they show about crashes is the
same: they kill processes, never the machine."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

FOLDER = Path("/dev/shm")
ROOM = 6 * 2**30
"""Bytes that must be free. A run of all tests takes less than half of it."""


def use_memory() -> None:
    """Let temporary files be made in memory, here and in all processes that are started from here. Changes
    nothing where TMPDIR is set, or where there is too little room or no program may run."""
    if "TMPDIR" not in os.environ and _has_room():
        os.environ["TMPDIR"] = tempfile.tempdir = str(FOLDER)


def _has_room() -> bool:
    try:
        folder = os.statvfs(FOLDER)
        memory = Path("/proc/meminfo").read_text()
    except OSError:
        return False
    found = re.search(r"^MemAvailable: +(\d+) kB", memory, re.MULTILINE)
    free = min(folder.f_bavail * folder.f_frsize, int(found[1]) * 1024 if found else 0)
    return free >= ROOM and not folder.f_flag & os.ST_NOEXEC and os.access(FOLDER, os.W_OK)
