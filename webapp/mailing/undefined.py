"""Names that a template uses and that do not exist: an error, in words that help."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from difflib import get_close_matches
from typing import Any

from jinja2 import StrictUndefined
from jinja2.utils import missing

from webapp.translation import N_

_seen: ContextVar[Mapping[str, Any] | None] = ContextVar("seen", default=None)


@contextmanager
def seeing(names: Mapping[str, Any]) -> Iterator[None]:
    """Within the block, these are the names that a template sees."""
    token = _seen.set(names)
    try:
        yield
    finally:
        _seen.reset(token)


class Undefined(StrictUndefined):
    """Any use of it raises UndefinedError: “there is no invoice.due_dat. Did you mean invoice.due_date?”"""

    @property
    def _undefined_message(self) -> str:
        names = _seen.get() or {}
        wrong, of = str(self._undefined_name), self._undefined_obj
        if self._undefined_hint:
            return self._undefined_hint
        if of is missing:
            return _told("", wrong, names)
        path = _path_of(of, names)
        if path is None or not isinstance(of, Mapping):
            return N_("there is no “%(name)s” in %(path)s") % {
                "name": wrong,
                "path": path or f"a {type(of).__name__}",
            }
        return _told(f"{path}.", wrong, of)


def _told(before: str, wrong: str, there: Mapping[str, Any]) -> str:
    close = get_close_matches(wrong, [name for name in there if isinstance(name, str)], 1)
    if close:
        told = {"name": f"{before}{wrong}", "close": f"{before}{close[0]}"}
        return N_("there is no %(name)s. Did you mean %(close)s?") % told
    return N_("there is no %(name)s") % {"name": f"{before}{wrong}"}


def _path_of(wanted: Any, names: Mapping[str, Any]) -> str | None:
    """How a template reaches this value: `invoice`, `customer.metadata`."""
    for name, value in names.items():
        if value is wanted:
            return name
        if isinstance(value, Mapping) and (inner := _path_of(wanted, value)):
            return f"{name}.{inner}"
    return None
