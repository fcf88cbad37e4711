"""Packs a mail's documents: as they are, in one archive, or with a password. Bytes in, bytes out.

A password protects with AES-256: PDFs by PDF 2.0's own encryption (ISO 32000-2, 7.6; pdf_locking.py),
everything else in an archive by WinZip's AE-2, which 7-Zip, WinZip and macOS' Archive Utility open (Windows
Explorer opens no archive that is encrypted with AES)."""

from __future__ import annotations

import hashlib
import re
import unicodedata
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from io import BytesIO
from posixpath import splitext

from webapp.mailing.compose import Document, Uncomposable
from webapp.mailing.pdf_locking import LOCKER, begins_like_pdf, saslprep, why_not
from webapp.store.statuses import LockProblem
from webapp.translation import _

PDF = "application/pdf"
ZIP = "application/zip"
LONGEST_NAME = 150
"""Characters of a file name, with its extension."""
LONGEST_PASSWORD = 127
"""Bytes of a password that PDF 2.0 uses."""


@dataclass(frozen=True)
class Packing:
    """How a mail's documents are attached. `archive` is the name of the archive without its extension; an
    empty `password` protects nothing."""

    zip: bool = False
    password: str = field(default="", repr=False)
    archive: str = "documents"

    @property
    def changes_bytes(self) -> bool:
        """Whether the attachments have other bytes than the documents, and different ones each time."""
        return self.zip or bool(self.password)


def pack(documents: Sequence[Document], how: Packing) -> list[Document]:
    """The files to attach, each with a unique name.

    1. With zip, all documents go into one archive; with a password it is encrypted.
    2. With a password alone, each PDF is encrypted, and each other document goes into an encrypted archive of
    its own.
    3. With neither, each is attached as it is.

    Raises Uncomposable for a PDF that cannot be opened, because it cannot be protected and must not go out
    unprotected; and for an unusable password."""
    documents = told_apart(documents)
    if not documents:
        return []
    if how.zip:
        return [_archive(documents, how.archive, how.password)]
    if not how.password:
        return documents
    return told_apart([_protected(document, how.password) for document in documents])


def told_apart(documents: Iterable[Document]) -> list[Document]:
    """The same documents under unique names that every file system accepts: a name in an archive could lead
    out of the folder that it is unpacked into. Of two equal names (ignoring case) the second gets a
    number."""
    taken: set[str] = set()
    named = []
    for document in documents:
        suffix = splitext(document.file_name)[1]
        name, number = safe_file_name(document.file_name, suffix) or f"document{suffix}", 1
        stem = name.removesuffix(suffix)
        while name.lower() in taken:
            number += 1
            name = f"{stem} ({number}){suffix}"
        taken.add(name.lower())
        named.append(document if name == document.file_name else replace(document, file_name=name))
    return named


def safe_file_name(wanted: str, extension: str) -> str:
    """The name with this extension, as every file system accepts it; empty if nothing of it is left."""
    stem = wanted.strip()
    if extension and stem.lower().endswith(extension.lower()):
        stem = stem[: -len(extension)]
    stem = UNSAFE.sub("_", stem).strip(" .")
    if stem.split(".")[0].upper() in DEVICES:
        stem = f"_{stem}"
    return stem[: LONGEST_NAME - len(extension)].rstrip(" .") + extension if stem else ""


UNSAFE = re.compile(r'[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069<>:"/\\|?*]')
"""Characters that a file system, a header or a reader could stumble over: direction marks hide the true end
of a name."""
DEVICES = {"CON", "PRN", "AUX", "NUL", *(f"{port}{n}" for port in ("COM", "LPT") for n in range(1, 10))}
"""Names that Windows reserves, whatever the extension."""


def _check(password: str) -> None:
    if len(password.encode()) > LONGEST_PASSWORD:
        raise Uncomposable(
            _("the password has more than %(max)s bytes, which not every reader takes", max=LONGEST_PASSWORD)
        )
    if not password.isprintable():
        raise Uncomposable(_("the password has a character that cannot be typed"))


def _protected(document: Document, password: str) -> Document:
    if document.media_type == PDF or begins_like_pdf(document.content):
        return _with_bytes(document, _encrypted_pdf(document, saslprep(password)))
    return _archive([document], document.file_name, password)


def _encrypted_pdf(document: Document, password: str) -> bytes:
    """One that the document check found to have a problem is not even opened again."""
    _check(password)
    try:
        if document.lock_problem:
            raise Uncomposable(why_not(LockProblem(document.lock_problem)))
        return LOCKER.lock(document.content, password)
    except Uncomposable as why:
        raise Uncomposable(f"{document.file_name!r} {why}") from None


def _archive(documents: Sequence[Document], name: str, password: str) -> Document:
    packed = BytesIO()
    if password:
        password = unicodedata.normalize("NFC", password)
        _check(password)
        import pyzipper  # 3 MB that are needed only for encryption

        with pyzipper.AESZipFile(packed, "w", zipfile.ZIP_DEFLATED, encryption=pyzipper.WZ_AES) as archive:
            archive.setpassword(password.encode())
            for document in documents:
                archive.writestr(document.file_name, document.content)
    else:
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for document in documents:
                archive.writestr(document.file_name, document.content)
    named = replace(documents[0], file_name=safe_file_name(name, ".zip") or "documents.zip", media_type=ZIP)
    return _with_bytes(named, packed.getvalue())


def _with_bytes(document: Document, content: bytes) -> Document:
    return replace(document, content=content, sha256=hashlib.sha256(content).hexdigest())
