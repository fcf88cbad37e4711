"""What the kernel knows about processes, read from /proc: memory, children, sockets."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def peak_memory(pid: int) -> int:
    """The most memory that this process has had, in bytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise ProcessLookupError(pid)


def children_of(pid: int) -> set[int]:
    """The living processes whose parent is this one."""
    found: set[int] = set()
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            found |= {int(child) for child in task.read_text().split()}
    return found


def lives(pid: int) -> bool:
    """Whether there is such a process, and it has not ended."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def connected_to(port: int) -> set[int]:
    """The inodes of the sockets on this machine whose other end is this port."""
    found = set()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if int(fields[2].rpartition(":")[2], 16) == port:
            found.add(int(fields[9]))
    return found


def socket_with(port: int) -> int | None:
    """The inode of the socket that is bound to this port."""
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if int(fields[1].rpartition(":")[2], 16) == port:
            return int(fields[9])
    return None


def sockets_of(pid: int) -> set[int]:
    """The inodes of the sockets that this process has open."""
    found = set()
    try:
        for descriptor in os.scandir(f"/proc/{pid}/fd"):
            target = os.readlink(descriptor.path)
            if target.startswith("socket:["):
                found.add(int(target[8:-1]))
    except OSError:
        pass
    return found


def owner_of(port: int, among: set[int]) -> int | None:
    """Which of these processes has the socket with this port."""
    inode = socket_with(port)
    return next((pid for pid in among if inode in sockets_of(pid)), None)
