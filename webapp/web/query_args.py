"""Query arguments: page edges, ids, addresses of pages."""

from __future__ import annotations

import re
from urllib.parse import urlencode

from flask import abort
from werkzeug.datastructures import MultiDict

from webapp.store.keyset import Edge


def address(path: str, **args: str) -> str:
    """The path with those of the arguments that are not empty."""
    given = urlencode({name: value for name, value in args.items() if value})
    return f"{path}?{given}" if given else path


def ids_in(texts: list[str]) -> list[int]:
    """Those of the texts that are ids, each once."""
    return list(dict.fromkeys(int(text) for text in texts if re.fullmatch(r"[0-9]{1,18}", text)))


def edge_in(args: MultiDict[str, str]) -> Edge | None:
    """The edge that the address names by `after` or `before`. Ends the request with 404 for a forged one."""
    for name in ("after", "before"):
        if text := args.get(name):
            id, _, value = text.partition("~")
            if not (id.isascii() and id.isdecimal()) or len(id) > 18:
                abort(404)
            return Edge(int(id), value, name == "before")
    return None
