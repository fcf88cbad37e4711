"""What an address or a form may contain at all, before any page looks at it."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

from flask import Flask, abort, request
from werkzeug.routing import IntegerConverter

from webapp.extensions import runtime_of
from webapp.translation import N_
from webapp.web import sessions
from webapp.web.view_flags import is_marked

DOCUMENT_BYTES_MAX = 51 * 1024 * 1024
"""Bytes: the largest document (imports/documents.py), and the form around it."""
FORM_BYTES_MAX, FORM_FIELDS_MAX = 10_000_000, 100
"""Of the form around the files of an import."""
HIGHEST_ID = 2**63 - 1
NUL = N_("What was sent contains a NUL character. Remove it and try again.")


class Id(IntegerConverter):
    """A whole number in an address. One beyond any database's range leads nowhere, like any unknown id."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **{"max": HIGHEST_ID, **kwargs})  # type: ignore[arg-type]


class UploadedPart(io.RawIOBase):
    """One file of a request with many: all their bytes are in one temporary file, whatever their number and
    size. Werkzeug keeps each of up to 500 kB in memory: a thousand PDFs would be half a gigabyte.

    It is written once, then read: the parts come one after the other."""

    def __init__(self, shared: Any) -> None:
        self._shared = shared
        self._start = os.lseek(shared.fileno(), 0, os.SEEK_END)
        self._size = self._at = 0

    def write(self, content: Any) -> int:
        written = os.pwrite(self._shared.fileno(), content, self._start + self._size)
        self._size += written
        self._at = self._size
        return written

    def readinto(self, target: Any) -> int:
        wanted = min(len(target), self._size - self._at)
        content = os.pread(self._shared.fileno(), max(0, wanted), self._start + self._at)
        target[: len(content)] = content
        self._at += len(content)
        return len(content)

    def seek(self, offset: int, origin: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[origin]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True


def stream_factory() -> Callable[..., UploadedPart]:
    """Makes the streams of one request (werkzeug.wrappers.Request._get_file_stream)."""
    shared = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115

    def part(*_: object, **__: object) -> UploadedPart:
        return UploadedPart(shared)

    return part


def init_app(app: Flask) -> None:
    """Set the limits for every page. Register it before any route."""
    app.url_map.converters["int"] = Id

    @app.before_request
    def make_room() -> None:
        """A person who is logged in may send a document, or an import, where one is taken; no one else that
        many bytes."""
        user = sessions.current() if is_marked("takes_documents") or is_marked("takes_uploads") else None
        if user is None:
            return
        request.max_content_length = DOCUMENT_BYTES_MAX
        if is_marked("takes_uploads") and user.viewer.may_import:
            settings = runtime_of(app).settings
            request.max_content_length = settings.import_bytes_max + FORM_BYTES_MAX
            request.max_form_parts = settings.import_files_max + FORM_FIELDS_MAX
            request._get_file_stream = stream_factory()  # type: ignore[method-assign, assignment]

    @app.before_request
    def refuse_nul() -> None:
        """No one types a NUL, and PostgreSQL stores none."""
        if any("\x00" in text for text in _texts()):
            abort(400, NUL)


def _texts() -> Iterator[str]:
    for given in (request.args, request.form):
        for values in given.listvalues():
            yield from values
