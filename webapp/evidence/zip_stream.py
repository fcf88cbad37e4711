"""A ZIP that is generated as it is read: of any size (Zip64), while memory holds one file at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import IO
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

SUMS = "SHA256SUMS"
LINES_AT_ONCE = 1_000


class ZipStream:
    """Each method yields the bytes of the ZIP that it has produced. A file's time is shown in UTC.

    At the end `SHA256SUMS` is added, which `sha256sum -c` reads; until then the sums are collected in `sums`.
    The central directory at the end of every ZIP takes half a kilobyte of memory per file."""

    def __init__(self, sums: IO[bytes]) -> None:
        self._sink = _Sink()
        self._zip = ZipFile(self._sink, "w")
        self._sums = sums

    def add(self, name: str, content: bytes, at: datetime) -> Iterator[bytes]:
        """Add a file as it is. It is not compressed: mails are mostly documents that are compressed already,
        so a fifth of the size would cost a hundred times the time."""
        self._zip.writestr(_entry(name, at, ZIP_STORED), content)
        self._note(name, hashlib.sha256(content).hexdigest())
        yield self._sink.taken()

    def add_lines(self, name: str, lines: Iterable[str], at: datetime) -> Iterator[bytes]:
        """Add a compressed text file from lines that have their own line ends."""
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
        """Add the sums and the central directory."""
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
    """What the ZIP is written to. It cannot seek, so nothing that was handed on is ever needed again."""

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
        """What was written since the last call."""
        taken = bytes(self._written)
        self._written.clear()
        return taken


def _entry(name: str, at: datetime, method: int) -> ZipInfo:
    entry = ZipInfo(name, (at.year, at.month, at.day, at.hour, at.minute, at.second))
    entry.compress_type = method
    entry.external_attr = 0o644 << 16
    return entry
