"""The documents that transformation_results.csv names: where they may be, what they must be, and how they get
into the store."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Callable, Container, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO
from unicodedata import normalize

from webapp import notation
from webapp.document_store.stores import DocumentStore
from webapp.documents import media_types
from webapp.imports.kinds import Wrong, longest
from webapp.imports.problems import ImportRefused
from webapp.store.invoices import TransformationResult
from webapp.translation import _

LARGEST = 50 * 1024 * 1024
"""Bytes of one document."""

SMALL = 2 * 1024 * 1024
"""Documents up to this size are stored several at a time."""

AT_A_TIME = 8
READ_CHUNK_BYTES = 1024 * 1024


@dataclass(frozen=True)
class ImportedFile:
    """A document in the folder. `head` is its first bytes."""

    path: Path
    size: int
    sha256: str
    head: bytes


class Inspector:
    """Inspects the documents of one folder. `output_types` maps transformations to what they produce; `found`
    is told of each document, of some more than once."""

    def __init__(
        self, root: Path, output_types: dict[str, str], found: Callable[[ImportedFile], None]
    ) -> None:
        self.root = root.resolve()
        self.output_types = output_types
        self.found = found
        self.look = lru_cache(maxsize=4096)(self._look)
        self.resolved = lru_cache(maxsize=4096)(Path.resolve)
        self.spellings = lru_cache(maxsize=256)(self._spellings)

    def judge(self, row: dict[str, Any]) -> Iterable[Wrong]:
        """Add `file_name`, `size`, `sha256` and the media type to the row, or report what is wrong."""
        given = row.pop("file")
        given = given and given.replace("\\", "/")  # as Windows writes paths
        row.update(file_name=None, size=None, sha256=None)
        if given is None:
            return
        try:
            document = self.look(given)
        except ValueError as wrong:
            yield "file", str(wrong)
            return
        output_type = self.output_types.get(row["transformation"] or "")
        told = row["media_type"]
        media_type = told or media_types.guessed(given, output_type)
        name = PurePosixPath(given).name
        row.update(file_name=name, size=document.size, sha256=document.sha256, media_type=media_type)
        if wrong_type := media_types.contradiction(media_type, output_type, document.head):
            yield "media_type" if told else "file", f"{given!r} {wrong_type}"

    def _look(self, given: str) -> ImportedFile:
        path = self.place(given)
        with opened(path, given) as file:
            head = file.read(media_types.HEAD)
            digest, size = hashlib.sha256(head), len(head)
            while chunk := file.read(READ_CHUNK_BYTES):
                digest.update(chunk)
                size += len(chunk)
        if not size:
            raise ValueError(_("%(given)s is empty", given=repr(given)))
        document = ImportedFile(path, size, digest.hexdigest(), head)
        self.found(document)
        return document

    def place(self, given: str) -> Path:
        """Where the file is. Raises ValueError if that is not within the folder, links followed."""
        if os.path.isabs(given) or DRIVE.match(given):
            raise ValueError(_("%(given)s is not a path within the folder", given=repr(given)))
        name = PurePosixPath(given).name
        if len(name) > longest(TransformationResult.file_name):
            raise ValueError(_("has a file name of more than 255 characters"))
        try:
            there = self.as_on_disk(given)
            path: Path = self.resolved(there.parent) / (name if given.isascii() else there.name)
            if name in ("", "..") or path.is_symlink():
                path = path.resolve()
        except (OSError, RuntimeError):
            raise ValueError(_("%(given)s cannot be followed to a file", given=repr(given))) from None
        if not path.is_relative_to(self.root):
            raise ValueError(_("%(given)s leads out of the folder", given=repr(given)))
        return path

    def as_on_disk(self, given: str) -> Path:
        """The path with each name as the folder has it: some systems write é as e and an accent, and the CSV
        file has the composed form (NFC). Raises ValueError for two files of what is one name."""
        if given.isascii():
            return self.root / given
        path = self.root
        for name in PurePosixPath(given).parts:
            known = () if name.isascii() else self.spellings(path).get(name, ())
            if len(known) > 1:
                raise ValueError(
                    _(
                        "%(given)s is the name of %(known)s files, in different spellings",
                        given=repr(given),
                        known=len(known),
                    )
                )
            path = path / (known[0] if known else name)
        return path

    def _spellings(self, folder: Path) -> dict[str, tuple[str, ...]]:
        """The composed form of each name in this folder that is not plain ASCII → the names there."""
        found: dict[str, tuple[str, ...]] = {}
        with suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                if not entry.name.isascii():
                    composed = normalize("NFC", entry.name)
                    found[composed] = (*found.get(composed, ()), entry.name)
        return found


DRIVE = re.compile(r"[A-Za-z]:")


def opened(path: Path, given: str) -> BinaryIO:
    """The file, open. Raises ValueError for anything but a regular file of an acceptable size."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise ValueError(_("there is no file %(given)s in the folder", given=repr(given))) from None
    except OSError as error:
        raise ValueError(
            _("%(given)s cannot be read: %(strerror)s", given=repr(given), strerror=error.strerror)
        ) from None
    status = os.fstat(descriptor)
    wrong = ""
    if not stat.S_ISREG(status.st_mode):
        wrong = _("%(given)s is not a file", given=repr(given))
    elif status.st_size > LARGEST:
        wrong = _(
            "%(given)s has %(size)s bytes; at most %(largest)s can be mailed",
            given=repr(given),
            size=notation.number(status.st_size),
            largest=notation.number(LARGEST),
        )
    if wrong:
        os.close(descriptor)
        raise ValueError(wrong)
    return os.fdopen(descriptor, "rb")


def keep(
    store: DocumentStore,
    wanted: Iterable[tuple[str, int, str]],
    done: Callable[[int], None],
    altered: Container[str] = (),
) -> None:
    """Put documents (SHA-256, size, path) into the store: those that it does not have, and those that are
    known to be `altered` in it. `done` is told the number looked at. Raises ImportRefused when the disk is
    full, or a file is not what it was when it was checked."""
    count = 0
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        for batch in _batches(wanted):
            large = [each for each in batch if each[1] > SMALL]
            small = (each for each in batch if each[1] <= SMALL)
            list(pool.map(lambda each: _keep(store, *each, replace=each[0] in altered), small))
            for each in large:
                _keep(store, *each, replace=each[0] in altered)
            count += len(batch)
            done(count)


def _batches(wanted: Iterable[tuple[str, int, str]]) -> Iterator[list[tuple[str, int, str]]]:
    rest = iter(wanted)
    while batch := list(islice(rest, 256)):
        yield batch


def _keep(store: DocumentStore, digest: str, size: int, path: str, *, replace: bool) -> None:
    try:
        if store.has(digest) and not replace:
            return
        with opened(Path(path), path) as file:
            content = file.read(LARGEST)
        if replace and hashlib.sha256(content).hexdigest() == digest:
            store.remove(digest)  # what is there is something else
        kept = store.put(content)
    except ValueError as error:
        raise ImportRefused([_("a document could not be read again: %(error)s", error=error)]) from None
    except OSError as error:
        raise ImportRefused(
            [
                _(
                    "the document store cannot take %(path)s (%(size)s bytes): %(why)s; nothing was "
                    "imported. Make room, then import again",
                    path=repr(path),
                    size=notation.number(size),
                    why=error.strerror,
                )
            ]
        ) from error
    if kept != digest:
        raise ImportRefused([f"{path!r} was changed while it was imported; nothing was imported"])
