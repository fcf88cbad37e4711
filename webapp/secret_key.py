"""The installation's secret key: given by a setting, or made at the first start and kept in the home."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from webapp.errors import SettingError
from webapp.translation import _

SECRET_KEY_MIN = 32
"""Characters."""


def given_key(environ: Mapping[str, str]) -> str:
    """The key that the environment names, or nothing. Sessions and forms are signed with it, so it must be
    too long to guess (RFC 2104, section 3)."""
    key = environ.get("MAILRUN_SECRET_KEY", "")
    if key and len(key) < SECRET_KEY_MIN:
        raise SettingError(
            _(
                "MAILRUN_SECRET_KEY has %(num)s characters; it must have at least %(least)s, such as the "
                "output of: openssl rand -base64 48",
                num=len(key),
                least=SECRET_KEY_MIN,
            )
        )
    return key


def former_keys(environ: Mapping[str, str], path: Path) -> tuple[str, ...]:
    """The secret keys that this installation had before, the newest first: those that the environment names,
    with blanks or commas between them, and those in this file. They only open what was encrypted with
    them."""
    given = environ.get("MAILRUN_SECRET_KEY_OLD", "")
    kept = path.read_text() if path.exists() else ""
    return tuple(dict.fromkeys(f"{given} {kept}".replace(",", " ").split()))


def own_key(path: Path) -> str:
    """This installation's own key, made at first use and readable by its owner alone. It is written aside, so
    that it is complete or absent. Raises SettingError for an empty one: it has been lost."""
    if not path.exists():
        aside = path.with_name(f".{path.name}-{secrets.token_hex(6)}")
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_urlsafe(48) + "\n")
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(aside, path)
            except FileExistsError:
                pass  # another process was first: its key counts
            except OSError:  # a file system without links
                aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)
    key = path.read_text().strip()
    if not key:
        raise SettingError(
            _(
                "%(path)s is empty. Put this installation's key back into it; if it is lost for good, delete "
                "the file: a new key is made, and the database is then to be taken over (mailrun takeover)",
                path=path,
            )
        )
    return key
