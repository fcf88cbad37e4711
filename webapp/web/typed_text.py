"""What people type is in Unicode's composed form (NFC) from the door on, as everything imported is: ü is one
character, never u and dots, so that what looks the same is the same.

Passwords are taken as they are: their digests were made so."""

from __future__ import annotations

from typing import Any
from unicodedata import normalize

from flask import Flask, Request
from werkzeug.datastructures import ImmutableMultiDict, MultiDict


class ComposedFields(ImmutableMultiDict[str, Any]):
    """Fields of an address or a form, their texts composed."""

    def __init__(self, mapping: Any = None) -> None:
        pairs = mapping.items(multi=True) if isinstance(mapping, MultiDict) else mapping or ()
        super().__init__([(name, _composed(name, value)) for name, value in pairs])


class TypedRequest(Request):
    """A request with composed fields."""

    parameter_storage_class = ComposedFields


def init_app(app: Flask) -> None:
    """Read all requests so."""
    app.request_class = TypedRequest


def _composed(name: str, value: Any) -> Any:
    if not isinstance(value, str) or value.isascii() or name.startswith("password"):
        return value
    return normalize("NFC", value)
