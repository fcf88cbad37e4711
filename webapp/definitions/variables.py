"""The variables that templates may use, listed beside the form of a definition or template."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from webapp.messages import samples
from webapp.store.definitions import Content
from webapp.translation import _

FIELDS_LISTED_MAX = 80


def listed(names: Mapping[str, Any], before: str = "") -> list[tuple[str, str]]:
    """(how a template reaches it, its value) of everything that a template sees."""
    found: list[tuple[str, str]] = []
    for name, value in names.items():
        if isinstance(value, Mapping):
            found += listed(value, f"{before}{name}.")
        elif isinstance(value, list | tuple):
            found.append((f"{before}{name}", _("a list of %(count)s", count=len(value))))
        elif name != "id":
            found.append((f"{before}{name}", "" if value is None else str(value)))
    return found[:FIELDS_LISTED_MAX]


def nothing_yet(given: Mapping[str, str]) -> Content:
    """Stands in for a definition whose form has errors: what decides what its templates may see."""
    chosen = {"collate": "collate" in given, "password_key": given.get("password_key", "").strip()}
    return cast(Content, {**samples.NEUTRAL, **chosen})
