"""`export_folder`: writes the files that an import reads (imports/folder.py), of one moment.

Importing the folder changes nothing. Rows are in the order of their ids, in which an import stores them, so a
second export is the same byte for byte, also one from another database into which the first was imported."""

from __future__ import annotations

import csv
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from sqlalchemy import RowMapping
from sqlalchemy.orm import Session

from webapp import audit
from webapp.document_store.stores import DocumentMissing, DocumentStore
from webapp.errors import Refused
from webapp.exports import changed_here, documents, messaging, tables
from webapp.store.database import Database
from webapp.translation import _

PRIVATE_FOLDER, PRIVATE_FILE = 0o700, 0o600
"""Addresses are in it, and perhaps passwords of documents."""


def export_folder(
    database: Database,
    store: DocumentStore,
    folder: Path,
    *,
    with_documents: bool,
    with_passwords: bool = False,
    actor: str,
) -> dict[str, int]:
    """Write everything into the folder, which must be empty or not yet there; the passwords of documents only
    if they are asked for, in plain text. Returns the number of rows of each file.

    Memory is bounded by a batch of rows, and one document. Raises Refused if the folder has anything in it,
    or a document or password cannot be read; then nothing of the export is left."""
    with _filled(folder), database.snapshot() as session:
        written = {"messaging.toml": _write_messaging(session, folder)}
        for name, (header, rows) in tables.of_everything(session, with_passwords=with_passwords).items():
            written[name] = _write_rows(folder / name, header, rows)
        people = changed_here.rows(session, with_documents=with_documents, with_passwords=with_passwords)
        written[changed_here.FILE] = _write_rows(folder / changed_here.FILE, changed_here.HEADER, people)
        if with_documents:
            written[documents.FILE] = _write_documents(session, store, folder)
    with database.writing() as session:
        told = ", ".join(f"{name}: {count}" for name, count in written.items())
        told += ", with passwords" if with_passwords else ""
        audit.note(session, actor, "export", repr(folder.name), told)
    return written


@contextmanager
def _filled(folder: Path) -> Iterator[None]:
    """The folder, made if it is not there. If the block raises, it is left as it was."""
    is_new = not folder.exists()
    if not is_new and (not folder.is_dir() or any(folder.iterdir())):
        raise Refused(
            _("%(folder)s is not an empty folder. Name one that is empty, or not yet there.", folder=folder)
        )
    try:
        folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        yield
    except BaseException as error:
        for each in folder.iterdir() if folder.is_dir() else ():
            shutil.rmtree(each) if each.is_dir() else each.unlink()
        if is_new and folder.is_dir():
            folder.rmdir()
        if isinstance(error, OSError):
            reason = error.strerror or error
            raise Refused(
                _(
                    "%(folder)s cannot be written: %(reason)s. Nothing was exported.",
                    folder=folder,
                    reason=reason,
                )
            ) from error
        raise


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, PRIVATE_FILE)


def _new(path: Path, mode: str) -> IO[Any]:
    text = {} if "b" in mode else {"newline": "", "encoding": "utf-8"}
    return open(path, mode, opener=_private, **text)  # type: ignore[call-overload, no-any-return]


def _write_messaging(session: Session, folder: Path) -> int:
    count = 0
    with _new(folder / messaging.FILE, "x") as file:
        for text in messaging.entries(session):
            file.write(text)
            count += 1
    return count


def _write_rows(path: Path, header: Iterable[str], rows: Iterable[Iterable[str]]) -> int:
    """Write a CSV file as it is read: unlike CSV for spreadsheets, exactly what is stored."""
    count = 0
    with _new(path, "x") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        for row in rows:
            writer.writerow(row)
            count += 1
    return count


def _write_documents(session: Session, store: DocumentStore, folder: Path) -> int:
    def written() -> Iterator[Iterable[str]]:
        for row in documents.rows(session):
            path = documents.place(row)
            _write_document(store, row, folder / path)
            yield row["number"], row["transformation"], path, row["media_type"]

    return _write_rows(folder / documents.FILE, documents.HEADER, written())


def _write_document(store: DocumentStore, row: RowMapping, path: Path) -> None:
    if path.exists():
        return  # another invoice's, with the same name and bytes
    try:
        content = store.get(row["sha256"])
    except DocumentMissing:
        raise Refused(
            _(
                "The document %(name)s of invoice %(number)s is not in the document store as it was "
                "imported. Import it again, or export without --documents.",
                name=row["file_name"],
                number=row["number"],
            )
        ) from None
    for parent in (path.parents[2], path.parents[1], path.parents[0]):  # a mode is for the last one only
        parent.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
    with _new(path, "xb") as file:
        file.write(content)
