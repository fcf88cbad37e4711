"""What an address or a form may contain at all, before any page looks at it."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Flask, abort, request
from werkzeug.routing import IntegerConverter

from webapp.translation import N_
from webapp.web import sessions
from webapp.web.view_flags import is_marked

DOCUMENT_BYTES_MAX = 51 * 1024 * 1024
"""Bytes: the largest document (imports/documents.py), and the form around it."""
HIGHEST_ID = 2**63 - 1
NUL = N_("What was sent contains a NUL character. Remove it and try again.")


class Id(IntegerConverter):
    """A whole number in an address. One beyond any database's range leads nowhere, like any unknown id."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **{"max": HIGHEST_ID, **kwargs})  # type: ignore[arg-type]


def init_app(app: Flask) -> None:
    """Set the limits for every page. Register it before any route."""
    app.url_map.converters["int"] = Id

    @app.before_request
    def make_room() -> None:
        """A person who is logged in may send a document where one is taken; no one else that many bytes."""
        if is_marked("takes_documents") and sessions.current() is not None:
            request.max_content_length = DOCUMENT_BYTES_MAX

    @app.before_request
    def refuse_nul() -> None:
        """No one types a NUL, and PostgreSQL stores none."""
        if any("\x00" in text for text in _texts()):
            abort(400, NUL)


def _texts() -> Iterator[str]:
    for given in (request.args, request.form):
        for values in given.listvalues():
            yield from values
