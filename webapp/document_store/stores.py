"""The document store: bytes under their SHA-256, so that a document is kept once however often it is
mailed."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
from pathlib import Path
from typing import Protocol

from webapp.translation import _


class DocumentMissing(Exception):
    """The store does not have these bytes, or has others in their place."""


class DocumentStore(Protocol):
    """Where documents live: a folder, or a bucket (buckets.py). Several threads may call it at once. It
    raises OSError with the reason when the disk is full or the store away.

    `is_far`: each document takes long enough that other work should be done meanwhile."""

    is_far: bool

    def put(self, content: bytes) -> str:
        """Store the bytes (once) and return their SHA-256. They are safe when this returns."""

    def has(self, digest: str) -> bool:
        """Whether a document with this SHA-256 was stored."""

    def get(self, digest: str) -> bytes:
        """The bytes with this SHA-256, verified. Raises DocumentMissing if they are not there, or others
        are."""

    def read(self, digest: str) -> bytes:
        """The bytes that are kept under this SHA-256, for a caller that verifies them itself. Raises
        DocumentMissing if there are none."""

    def remove(self, digest: str) -> None:
        """Delete these bytes from the store; it is no error if they are not there."""


class DocumentFolder:
    """A folder of documents. A document is complete or absent: it is written aside, then put in place."""

    is_far = False

    def __init__(self, root: Path) -> None:
        self.root = root
        self._folder = str(root)

    def put(self, content: bytes) -> str:
        """Store the bytes, synced to disk when this returns."""
        digest = hashlib.sha256(content).hexdigest()
        path = self._path(digest)
        if not path.exists():
            if not path.parent.exists():
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                _sync(self.root)
            aside = path.with_name(f".{digest[:16]}-{secrets.token_hex(6)}")
            try:
                with open(aside, "xb", opener=_for_us_alone) as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                aside.replace(path)
                _sync(path.parent)
            finally:
                aside.unlink(missing_ok=True)
        return digest

    def has(self, digest: str) -> bool:
        """Whether a document with this SHA-256 was stored."""
        return self._path(digest).exists()

    def get(self, digest: str) -> bytes:
        """The bytes; bytes on the disk that differ count as missing, too."""
        return checked(self.read(digest), digest)

    def read(self, digest: str) -> bytes:
        """The bytes as they are on the disk."""
        try:  # once a message: a path as a text is made in a tenth of the time
            with open(f"{self._folder}/{place(digest)}", "rb", buffering=0) as file:
                return file.readall()
        except FileNotFoundError:
            raise DocumentMissing(_("the document store has no %(digest)s", digest=digest)) from None

    def remove(self, digest: str) -> None:
        """Delete these bytes from the store; it is no error if they are not there."""
        self._path(digest).unlink(missing_ok=True)

    def _path(self, digest: str) -> Path:
        return self.root / place(digest)


def place(digest: str) -> str:
    """Where in a store a document is: the same in every kind, so that one can be copied to another."""
    return f"{digest[:2]}/{digest}"


def checked(content: bytes, digest: str) -> bytes:
    """The content, if it has this SHA-256. Raises DocumentMissing if not."""
    if hashlib.sha256(content).hexdigest() != digest:
        raise DocumentMissing(_("the document %(digest)s was changed in the store", digest=digest))
    return content


def _for_us_alone(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _sync(folder: Path) -> None:
    """A new file in a folder survives a power cut only once the folder is synced, too. Some file systems,
    such as CIFS, cannot do that."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(opened)
