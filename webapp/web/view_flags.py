"""What a view says about itself to the gate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from flask import current_app, request

View = TypeVar("View", bound=Callable[..., Any])


def public(view: View) -> View:
    """Marks a view that needs no login."""
    view.open_to_all = True  # type: ignore[attr-defined]
    return view


def allow_viewers(view: View) -> View:
    """Marks a view that changes something and yet is for viewers too: their own account."""
    view.open_to_every_role = True  # type: ignore[attr-defined]
    return view


def background_poll(view: View) -> View:
    """Marks a view that a page on screen asks by itself: that is no sign of a person."""
    view.polled = True  # type: ignore[attr-defined]
    return view


def while_typing(view: View) -> View:
    """Marks a view that a page asks by itself while somebody types: whoever is not logged in any more is told
    there, and is not led away from the text."""
    view.while_typing = True  # type: ignore[attr-defined]
    return view


def is_marked(mark: str) -> bool:
    """Whether the view of this request bears the mark."""
    view = current_app.view_functions.get(request.endpoint or "")
    return bool(getattr(view, mark, False))
