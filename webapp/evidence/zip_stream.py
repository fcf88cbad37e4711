"""A ZIP that is made as it is read: of any size (Zip64), while memory holds one file at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import IO
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

SUMS = "SHA256SUMS"
LINES_AT_ONCE = 1_000


class ZipStream:
    """Each method gives the bytes of the ZIP that it has made. A file's time is shown in UTC.

    At the end `SHA256SUMS` is added, which `sha256sum -c` understands; `sums` is where it grows until then.
    The list of contents that every ZIP
    ends with takes half a kilobyte of memory a file."""

    def __init__(self, sums: IO[bytes]) -> None:
        self._sink = _Sink()
        self._zip = ZipFile(self._sink, "w")
        self._sums = sums

    def add(self, name: str, content: bytes, at: datetime) -> Iterator[bytes]:
        """A file as it is. It is not compressed: mails are mostly documents that are compressed already, so
        it would cost a hundred times the time for a fifth of the size."""
        self._zip.writestr(_entry(name, at, ZIP_STORED), content)
        self._note(name, hashlib.sha256(content).hexdigest())
        yield self._sink.taken()

    def add_lines(self, name: str, lines: Iterable[str], at: datetime) -> Iterator[bytes]:
        """A text file, compressed, from lines that bear their own ends."""
        digest = hashlib.sha256()
        with self._zip.open(_entry(name, at, ZIP_DEFLATED), "w", force_zip64=True) as file:
            for number, line in enumerate(lines):
                written = line.encode()
                digest.update(written)
                file.write(written)
                if number % LINES_AT_ONCE == 0:
                    yield self._sink.taken()
        self._note(name, digest.hexdigest())
        yield self._sink.taken()

    def end(self, at: datetime) -> Iterator[bytes]:
        """The sums, and the list of contents."""
        self._sums.seek(0)
        with self._zip.open(_entry(SUMS, at, ZIP_DEFLATED), "w", force_zip64=True) as file:
            while lines := self._sums.read(1 << 16):
                file.write(lines)
                yield self._sink.taken()
        self._zip.close()
        yield self._sink.taken()

    def _note(self, name: str, digest: str) -> None:
        self._sums.write(f"{digest}  {name}\n".encode())


class _Sink:
    """What the ZIP is written to: it cannot seek, so nothing that was handed on is ever needed again."""

    def __init__(self) -> None:
        self._written = bytearray()

    def write(self, content: bytes) -> int:
        self._written += content
        return len(content)

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass

    def taken(self) -> bytes:
        """What was written since it was last asked."""
        taken = bytes(self._written)
        self._written.clear()
        return taken


def _entry(name: str, at: datetime, method: int) -> ZipInfo:
    entry = ZipInfo(name, (at.year, at.month, at.day, at.hour, at.minute, at.second))
    entry.compress_type = method
    entry.external_attr = 0o644 << 16
    return entry
