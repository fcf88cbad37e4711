"""Query arguments and form fields: ids, page edges, addresses of pages."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlencode

from flask import abort
from werkzeug.datastructures import MultiDict

from webapp.keyset import Edge

ID = re.compile(r"[0-9]{1,18}")
"""Every number of at most 18 digits fits into 64 bits."""


def address(path: str, **args: str) -> str:
    """The path with those arguments that are not empty."""
    given = urlencode({name: value for name, value in args.items() if value})
    return f"{path}?{given}" if given else path


def id_in(text: str, *, below: int | None = None) -> int | None:
    """The id, or other whole number, that the text consists of; None for any other text, and for a number
    that is not `below` this one."""
    if not ID.fullmatch(text):
        return None
    number = int(text)
    return number if below is None or number < below else None


def ids_in(texts: Iterable[str]) -> list[int]:
    """Those of the texts that are ids, each once."""
    ids = (id_in(text) for text in texts)
    return list(dict.fromkeys(id for id in ids if id is not None))


def edge_in(args: MultiDict[str, str]) -> Edge | None:
    """The edge that the address names in `after` or `before`. Ends the request with 404 for a forged one."""
    for name in ("after", "before"):
        if text := args.get(name):
            id_text, _, value = text.partition("~")
            id = id_in(id_text)
            return abort(404) if id is None else Edge(id, value, name == "before")
    return None
