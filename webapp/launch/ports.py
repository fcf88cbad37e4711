"""The ports and the home of `mailrun up`: does another process use them already?"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from webapp.config import Settings
from webapp.translation import _

EVERYWHERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # an address to compare with; nothing is bound to it
"""Where this machine reaches what listens on all of its addresses."""


class Occupied(Exception):
    """A port or the home cannot be had; the message says which, and the way out."""


@contextmanager
def sole_user(home: Path) -> Iterator[None]:
    """Within the block no other `mailrun up` can use this home. The lock ends with the process, however it
    ends.

    Raises Occupied."""
    with open(home / "up.lock", "a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise Occupied(
                _(
                    "Mailrun is already running in %(home)s (process %(process)s). Stop it first, or "
                    "choose another folder with MAILRUN_HOME.",
                    home=home,
                    process=lock.read().strip() or "?",
                )
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


def reserve(settings: Settings, *, with_catcher: bool) -> Settings:
    """The settings with ports that are free: 0 becomes a free one. Raises Occupied for one that is taken."""
    settings = replace(settings, port=_had(settings.host, settings.port, "MAILRUN_PORT"))
    if with_catcher:
        port = _had("127.0.0.1", settings.catcher_port, "MAILRUN_CATCHER_PORT")
        settings = replace(settings, catcher_port=port)
    return settings


def address(settings: Settings) -> str:
    """Where this machine finds the pages."""
    host = EVERYWHERE.get(settings.host, settings.host)
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"


def _had(host: str, port: int, setting: str) -> int:
    """The port, tried out; 0 becomes a free one."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, kind, protocol, _name, address in found:
            with socket.socket(family, kind, protocol) as trial:
                trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                trial.bind(address)
                port = trial.getsockname()[1]
    except socket.gaierror:
        raise Occupied(
            _("MAILRUN_HOST is %(host)s, which is no address of this machine.", host=repr(host))
        ) from None
    except OSError as problem:
        raise Occupied(_in_words(problem, host, port, setting)) from None
    return port


def _in_words(problem: OSError, host: str, port: int, setting: str) -> str:
    way_out = _(
        "Choose another one: %(setting)s=%(port)s", setting=setting, port=port + 1 if port >= 1024 else 8000
    )
    if problem.errno == errno.EADDRINUSE:
        return _(
            "Port %(port)s on %(host)s is taken by another program. %(way_out)s",
            port=port,
            host=host,
            way_out=way_out,
        )
    if problem.errno == errno.EACCES:
        return _(
            "Port %(port)s on %(host)s may not be used by this user. %(way_out)s",
            port=port,
            host=host,
            way_out=way_out,
        )
    return _(
        "Port %(port)s on %(host)s cannot be used: %(strerror)s. %(way_out)s",
        port=port,
        host=host,
        strerror=problem.strerror,
        way_out=way_out,
    )
