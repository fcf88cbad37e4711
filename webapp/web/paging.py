"""Which page of a long list the address asks for."""

from __future__ import annotations

from flask import abort
from werkzeug.datastructures import MultiDict

from webapp.store.keyset import Edge


def edge_in(args: MultiDict[str, str]) -> Edge | None:
    """The edge that the address names by `after` or `before`. Ends the request with 404 for a forged one."""
    for name in ("after", "before"):
        if text := args.get(name):
            id, _, value = text.partition("~")
            if not (id.isascii() and id.isdecimal()) or len(id) > 18:
                abort(404)
            return Edge(int(id), value, name == "before")
    return None
