"""From what a person sends to files in the folder of an upload: a ZIP is unpacked, and nothing of it may lie
outside of the folder, fill the disk, or be two files of one name."""

from __future__ import annotations

import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO

from webapp import notation
from webapp.errors import Refused
from webapp.imports.folder import FILES
from webapp.imports.kinds import CHANGED_HERE
from webapp.intake.set_folders import SetFolder
from webapp.printable import has_controls
from webapp.translation import _

CHUNK_BYTES = 1_000_000
TABLE_SUFFIXES = (".csv", ".tsv", ".txt")
WORKBOOKS = (".xlsx", ".xls", ".xlsm", ".ods", ".numbers")
LEFT_OUT = ("__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini")
"""What systems put beside files."""
ENTRY_BYTES_MAX = 600
"""Of the list at the end of a ZIP: for a file with a long name."""
ENCRYPTED = 1
"""The bit of a ZIP's entry."""


@dataclass(frozen=True)
class UploadLimits:
    """The most that one upload may have, sent and unpacked."""

    bytes_max: int
    files_max: int


@dataclass
class Received:
    """What has been written into the folder. `tables`: the paths of files that may be CSV data;
    `documents`: how many files lie beside them."""

    into: SetFolder
    limits: UploadLimits
    size: int = 0
    files: int = 0
    names: list[str] = field(default_factory=list)
    tables: list[PurePosixPath] = field(default_factory=list)
    documents: int = 0


def receive(into: SetFolder, sent: Iterable[tuple[str, IO[bytes]]], limits: UploadLimits) -> Received:
    """Write what was sent, names and streams, into the folder. Raises Refused."""
    received = Received(into, limits)
    try:
        for name, stream in sent:
            received.names.append(PurePosixPath(name.replace("\\", "/")).name)
            if name.lower().endswith(".zip"):
                _unpack(received, name, stream)
            else:
                _keep(received, name, stream)
    except OSError as error:
        raise Refused(
            _(
                "The upload could not be stored: %(why)s. Ask an administrator to look at the folder of "
                "imports.",
                why=error.strerror or str(error),
            )
        ) from error
    if not received.files:
        raise Refused(_("No file was chosen. Choose a ZIP or CSV files, and press again."))
    return received


def _unpack(received: Received, name: str, stream: IO[bytes]) -> None:
    try:
        _refuse_long_list(received, name, stream)
        with zipfile.ZipFile(stream) as archive:
            entries = [each for each in archive.infolist() if not each.is_dir() and not _is_left_out(each)]
            top = _common_top(entries)
            for entry in entries:
                if entry.flag_bits & ENCRYPTED:
                    raise Refused(
                        _(
                            "“%(file)s” in the ZIP has a password. Make the ZIP without one.",
                            file=entry.filename,
                        )
                    )
                with archive.open(entry) as content:
                    _keep(received, entry.filename.removeprefix(top), content)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError):
        raise Refused(
            _(
                "“%(name)s” is no ZIP that can be opened. Make it again, or send the files themselves.",
                name=name,
            )
        ) from None


def _refuse_long_list(received: Received, name: str, stream: IO[bytes]) -> None:
    """Look at how long the list of files is before Python reads all of it."""
    end = zipfile._EndRecData(stream)  # type: ignore[attr-defined]
    if end is None:
        raise zipfile.BadZipFile
    if end[zipfile._ECD_SIZE] > received.limits.files_max * ENTRY_BYTES_MAX:  # type: ignore[attr-defined]
        raise _too_many(received.limits)


def _is_left_out(entry: zipfile.ZipInfo) -> bool:
    return any(part in LEFT_OUT for part in PurePosixPath(entry.filename).parts)


def _common_top(entries: list[zipfile.ZipInfo]) -> str:
    """The folder that everything in the ZIP is in, if data files lie right below it: with its slash."""
    tops = {entry.filename.partition("/")[0] for entry in entries}
    if len(tops) != 1:
        return ""
    top = f"{tops.pop()}/"
    below = (entry.filename.removeprefix(top) for entry in entries if entry.filename.startswith(top))
    has_data = any("/" not in each and (each in FILES or _is_table(PurePosixPath(each))) for each in below)
    return top if has_data else ""


def _keep(received: Received, name: str, stream: IO[bytes]) -> None:
    """Write one file. What is certainly a document lies where the ZIP has it."""
    path = _safe(name)
    received.files += 1
    if received.files > received.limits.files_max:
        raise _too_many(received.limits)
    if path.suffix.lower() in WORKBOOKS:
        raise Refused(
            _(
                "“%(name)s” is a workbook. Save each of its sheets as CSV (in Excel: Save As, CSV UTF-8), "
                "and send these.",
                name=path.name,
            )
        )
    if _is_table(path):
        target = received.into.csv / str(len(received.tables))
        received.tables.append(path)
    else:
        target = received.into.folder / path
        received.documents += path.name not in FILES
        target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with target.open("xb") as file:
            for chunk in _limited(received, stream):
                file.write(chunk)
    except FileExistsError:
        raise Refused(
            _("There are two files “%(name)s”. Give one of them another name.", name=str(path))
        ) from None


def _limited(received: Received, stream: IO[bytes]) -> Iterator[bytes]:
    while chunk := stream.read(CHUNK_BYTES):
        received.size += len(chunk)
        if received.size > received.limits.bytes_max:
            raise Refused(
                _(
                    "These files have more than %(most)s MB, unpacked. Import them in parts, or ask an "
                    "administrator to raise MAILRUN_IMPORT_MEGABYTES.",
                    most=notation.number(received.limits.bytes_max // 1_000_000),
                )
            )
        yield chunk


def _safe(name: str) -> PurePosixPath:
    """The path within the folder, in the composed form. Raises Refused for one that leads out of it."""
    path = PurePosixPath(unicodedata.normalize("NFC", name.replace("\\", "/")))
    parts = [part for part in path.parts if part != "."]
    if not parts or path.is_absolute() or ".." in parts or ":" in parts[0] or has_controls(name):
        raise Refused(
            _("“%(name)s” is no name of a file that can be imported. Give it another one.", name=name[:80])
        )
    return PurePosixPath(*parts)


def _is_table(path: PurePosixPath) -> bool:
    """Whether this may be CSV data; in a folder only by a name of the import format: others are documents,
    such as lists of calls."""
    if path.suffix.lower() not in TABLE_SUFFIXES or path.name == CHANGED_HERE:
        return False
    return len(path.parts) == 1 or path.name in FILES


def _too_many(limits: UploadLimits) -> Refused:
    return Refused(
        _(
            "There are more than %(most)s files. Import them in parts, or ask an administrator to raise "
            "MAILRUN_IMPORT_FILES.",
            most=notation.number(limits.files_max),
        )
    )


def as_document(into: SetFolder, number: int, path: PurePosixPath) -> None:
    """Move a table that is no data to the documents."""
    target = into.folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        Path(into.csv / str(number)).rename(target)
