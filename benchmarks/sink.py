"""A mail server that takes everything and keeps nothing: postfix's `smtp-sink`; where there is none, one of
our own, with which other numbers come out."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

UNPRIVILEGED_UID = 65534
"""Every Linux system has it, for what must not run as root."""
PLACES = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/lib/postfix/sbin"
HOW = (
    "smtp-sink is not here (Debian: apt install postfix): a sink of our own takes its place, B-plain included"
)


@dataclass(frozen=True)
class Sink:
    port: int
    pid: int
    is_postfix: bool


@contextmanager
def sink(port: int = 0, latency_ms: float = 0.0) -> Iterator[Sink]:
    """Runs while the block lasts. With a latency it is our own: every reply comes so much later, those to
    commands that came together come together."""
    port = port or _free_port()
    binary = None if latency_ms else shutil.which("smtp-sink", path=PLACES)
    if binary:
        user = ["-u", pwd.getpwuid(UNPRIVILEGED_UID).pw_name] if os.geteuid() == 0 else []
        command = [binary, *user, f"127.0.0.1:{port}", "256"]
    else:
        command = [sys.executable, "-m", "benchmarks.own_sink", str(port), str(latency_ms)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        _wait_for(port, process)
        yield Sink(port, process.pid, bool(binary))
    finally:
        process.terminate()
        process.wait()


def source() -> str | None:
    """Postfix's `smtp-source`, the fastest there is to send with; None if it is not installed."""
    return shutil.which("smtp-source", path=PLACES)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if process.poll() is not None:
                break
            time.sleep(0.05)
    raise RuntimeError("the mail sink does not answer")
