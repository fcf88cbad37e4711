"""What a view tells the access control about itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from flask import current_app, request

View = TypeVar("View", bound=Callable[..., Any])


def public(view: View) -> View:
    """Mark a view that needs no login."""
    view.open_to_all = True  # type: ignore[attr-defined]
    return view


def allow_viewers(view: View) -> View:
    """Mark a view that changes something and is for viewers too: their own account."""
    view.open_to_every_role = True  # type: ignore[attr-defined]
    return view


def allow_editors(view: View) -> View:
    """Mark a view that changes what mails say, and is for editors too."""
    view.open_to_editors = True  # type: ignore[attr-defined]
    return view


def while_setting_up(view: View) -> View:
    """Mark a view that is open to a person who must set up a second factor first."""
    view.open_before_factor = True  # type: ignore[attr-defined]
    return view


def background_poll(view: View) -> View:
    """Mark a view that a page requests by itself: that is no sign of a person."""
    view.polled = True  # type: ignore[attr-defined]
    return view


def while_typing(view: View) -> View:
    """Mark a view that a page requests while a person types: if they are no longer logged in, they are told
    on the page, and not led away from their text."""
    view.while_typing = True  # type: ignore[attr-defined]
    return view


def takes_documents(view: View) -> View:
    """Mark a view that a person sends a document to: more bytes than any other form has (web/limits.py)."""
    view.takes_documents = True  # type: ignore[attr-defined]
    return view


def takes_uploads(view: View) -> View:
    """Mark a view that a person sends many files to, for an import (web/limits.py)."""
    view.takes_uploads = True  # type: ignore[attr-defined]
    return view


def is_marked(mark: str) -> bool:
    """Whether the view of this request has the mark."""
    view = current_app.view_functions.get(request.endpoint or "")
    return bool(getattr(view, mark, False))
