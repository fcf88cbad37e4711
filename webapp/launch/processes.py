"""The processes that `mailrun up` runs."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

from webapp.config import Settings

WORKER_GRACE = 35.0
"""Seconds: a worker may take up to 30 to finish the message that it is at."""


@dataclass(frozen=True)
class Part:
    """One process to keep running. `grace`: seconds from SIGTERM to SIGKILL.

    Parts are ended in order of `wave`: what the others still need while they end goes last.
    """

    name: str
    command: list[str]
    environ: dict[str, str] = field(default_factory=dict)
    grace: float = 6.0
    wave: int = 0


def mailrun(*arguments: str) -> list[str]:
    """The command line of `mailrun …`, run by this very interpreter."""
    return [sys.executable, "-m", "webapp", *arguments]


def child_environ(settings: Settings) -> dict[str, str]:
    """What every process is told beyond the environment of `mailrun up`: where things are, chosen once."""
    return {
        "MAILRUN_HOME": str(settings.home),
        "MAILRUN_PORT": str(settings.port),
        "MAILRUN_CATCHER_PORT": str(settings.catcher_port),
        "PYTHONUNBUFFERED": "1",
        "PYTHONPATH": os.pathsep.join([_source(), *filter(None, [os.environ.get("PYTHONPATH")])]),
    }


def web(environ: dict[str, str]) -> Part:
    return Part("web", mailrun("web"), environ)


def catcher(environ: dict[str, str]) -> Part:
    return Part("catcher", mailrun("catcher"), environ, wave=1)


def returned_mails(environ: dict[str, str]) -> Part:
    """Takes mails that come back, at ports of Mailrun's own."""
    return Part("bounces", mailrun("bounces", "listen"), environ)


def workers(environ: dict[str, str], count: int) -> list[Part]:
    command = [sys.executable, "-m", "jobs.worker"]
    names = ["worker"] if count == 1 else [f"worker {number}" for number in range(1, count + 1)]
    return [Part(name, command, environ, grace=WORKER_GRACE) for name in names]


def redis(binary: str, socket: Path) -> Part:
    """An embedded Redis on a socket that only this user can reach. It stores nothing: the work to do is in
    the database."""
    command = [binary, "--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "700"]
    command += ["--dir", str(socket.parent), "--logfile", str(socket.with_name("redis.log"))]
    command += [
        "--save",
        "",
        "--appendonly",
        "no",
        "--maxmemory-policy",
        "noeviction",
        "--loglevel",
        "warning",
    ]
    return Part("redis", command, wave=1)


def _source() -> str:
    """The folder that this package was loaded from, so that the parts run the same code."""
    return str(Path(__file__).parent.parent.parent)
