"""Requests that come from a piece of a page instead of a whole one."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Response, redirect, request
from werkzeug.wrappers import Response as AnyResponse


def is_htmx() -> bool:
    """Whether the answer is put into the page that is on screen."""
    return request.headers.get("HX-Request") == "true"


def lead_to(url: str) -> AnyResponse:
    """Leads the browser to a page after a press: by 303, or for htmx, which would follow that by itself, by
    its header."""
    if is_htmx():
        return Response(status=200, headers={"HX-Redirect": url})
    return redirect(url, 303)


def page_on_screen() -> str:
    """The path of the page that the person is looking at: for a piece of a page and for a press that is
    not the address asked for. Always on this host."""
    if is_htmx():
        seen = urlsplit(request.headers.get("HX-Current-URL", ""))
    elif request.method == "GET":
        return request.full_path.rstrip("?")
    else:
        seen = urlsplit(request.referrer or "")
    if seen.netloc != request.host:
        return "/"
    return seen.path + ("?" + seen.query if seen.query else "")


def stays_here(url: str) -> bool:
    """Whether this address, given by whoever made the link, is a path on this host and nothing else.

    Browsers read a backslash as a slash and drop tabs and line breaks, so neither may be in it."""
    parts = urlsplit(url)
    return (
        url.startswith("/")
        and not url.startswith("//")
        and "\\" not in url
        and all(letter > " " for letter in url)
        and not parts.scheme
        and not parts.netloc
    )
