"""Requests that come from a part of a page instead of a whole one."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, Response, make_response, redirect, request
from werkzeug.wrappers import Response as AnyResponse


def init_app(app: Flask) -> None:
    """Keep the addresses of form posts out of the browser's history: a form sent by htmx would go into it."""

    @app.after_request
    def stay(response: Response) -> Response:
        if is_htmx() and request.method == "POST":
            response.headers.setdefault("HX-Push-Url", "false")
        return response


def is_htmx() -> bool:
    """Whether the answer is put into the page that is on screen."""
    return request.headers.get("HX-Request") == "true"


def wants_piece() -> bool:
    """Whether a fragment is asked for: not when htmx reloads the page itself, or restores it from the
    history."""
    return is_htmx() and request.headers.get("HX-Request-Type") != "full"


def in_dialog() -> bool:
    """Whether the answer is shown in a dialog over the page that is on screen (templates/base.html)."""
    return is_htmx() and request.headers.get("HX-Target", "").endswith("#dialog")


def ask(dialog: str) -> AnyResponse:
    """Show this dialog: the question over what is on screen."""
    return _put(dialog, "#ask", "innerHTML")


def tell(strip: str) -> AnyResponse:
    """Show this on top of the page that is on screen: why nothing was done."""
    return _put(strip, "#strip", "innerHTML")


def changed(toast: str) -> AnyResponse:
    """Say in a toast what was done, and have everything on screen that may have changed refresh."""
    response = said(toast)
    response.headers["HX-Trigger"] = "changed"
    return response


def said(toast: str) -> AnyResponse:
    """Say in a toast what was done; the page stays as it is."""
    return _put(toast, "#toasts", "beforeend")


def _put(html: str, target: str, swap: str) -> AnyResponse:
    response = make_response(html)
    # Without "show:none" the page would be scrolled to where the answer to a form is put.
    response.headers.update({"HX-Retarget": target, "HX-Reswap": f"{swap} show:none"})
    return response


def lead_to(url: str) -> AnyResponse:
    """Lead the browser to a page after a form post: by 303, or for htmx, which would follow that itself, by
    its header."""
    if is_htmx():
        return Response(status=200, headers={"HX-Redirect": url})
    return redirect(url, 303)


def page_on_screen() -> str:
    """The path of the page that the person is looking at: for a fragment and for a form post that is not the
    requested address. Always on this host."""
    if is_htmx():
        seen = urlsplit(request.headers.get("HX-Current-URL", ""))
    elif request.method == "GET":
        return request.full_path.rstrip("?")
    else:
        seen = urlsplit(request.referrer or "")
    if seen.netloc != request.host:
        return "/"
    page = seen.path + ("?" + seen.query if seen.query else "")
    return page if stays_here(page) else "/"


def stays_here(url: str) -> bool:
    """Whether this address, given by the author of the link, is a path on this host and nothing else.

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


def piece_of_list(html: str, address: str) -> Response:
    """The part of a list that changes, as the answer to htmx: the browser's address becomes the list's own,
    without arguments that say nothing."""
    return Response(html, headers={"HX-Push-Url": address})
