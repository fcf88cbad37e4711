"""What a person is told when something cannot be done: plain words, the way out, and an id to find it in the
log. Never a stack trace."""

from __future__ import annotations

import logging
import secrets

from flask import Flask, g, make_response, render_template, request
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DBAPIError, InterfaceError
from werkzeug.exceptions import (
    Forbidden,
    HTTPException,
    InternalServerError,
    ServiceUnavailable,
    TooManyRequests,
)
from werkzeug.wrappers import Response

from webapp import audit
from webapp.access import Viewer
from webapp.logs import ids
from webapp.store.database import is_passing
from webapp.store.db import db
from webapp.translation import N_, _, translated
from webapp.web import htmx, sessions

log = logging.getLogger("mailrun.web")


TITLES = {
    400: N_("This request cannot be understood"),
    403: N_("You may not do this"),
    404: N_("There is nothing here"),
    405: N_("This address does not accept that"),
    413: N_("This is too large"),
    429: N_("That was too often"),
    422: N_("Something in the form is not right"),
    500: N_("Something went wrong"),
    503: N_("Mailrun cannot answer now"),
}
WORDS = {
    400: N_("Go back, reload the page and try again."),
    403: N_("Your role does not allow it."),
    404: N_("It does not exist, or it belongs to customers that you cannot see."),
    405: N_("Go back and use the buttons of the page."),
    413: N_("Make it smaller and try again."),
    429: N_("Wait a minute, then try again."),
    422: N_("Go back and check what you filled in."),
    500: N_("It was written to the log with the id below. What was already saved is kept."),
    503: N_("The database does not answer. Nothing is lost. Runs continue once it is back; try again then."),
}
STALE = N_("You have logged in or out since this page was loaded. Go back, reload it and try again.")


def init_app(app: Flask) -> None:
    """Register the pages for errors."""
    app.register_error_handler(HTTPException, _told)
    app.register_error_handler(CSRFError, _stale)
    app.register_error_handler(DBAPIError, _of_the_database)
    app.register_error_handler(Exception, _unforeseen)


def _stale(error: CSRFError) -> Response:
    """The token is that of another login. A page that is open can ask which (static/js/expired-login.js)."""
    response = _page(400, STALE)
    response.headers["X-Mailrun-Login"] = "other"
    return response


def _told(error: HTTPException) -> Response | HTTPException:
    code = error.code or 500
    if code < 400:
        return error
    if code == Forbidden.code:
        _note_refusal()
    own = error.description if error.description != type(error).description else None
    return _page(code, own or WORDS.get(code))


def _note_refusal() -> None:
    """Have the audit trail know who asked for what they may not."""
    who: Viewer | None = g.get("viewer")
    if who is not None:
        db.end_reading()
        with db.writing() as session:
            audit.note(session, who.name, "refused", f"{request.method} {request.path}")


def _of_the_database(error: DBAPIError) -> Response:
    return _away(error) if is_passing(error) or isinstance(error, InterfaceError) else _unforeseen(error)


def _away(error: DBAPIError) -> Response:
    """The database is locked for long, or away. The page has no frame, because the frame would query the
    database too."""
    g.pop("viewer", None)
    db.end_reading()  # its connection may be lost
    id = _new_id()
    log.error("the database does not answer", extra=ids(id=id, **_asked(), error=error))
    return _page(ServiceUnavailable.code, WORDS[503], id)


def _unforeseen(error: Exception) -> Response:
    db.end_reading()  # whatever state it is in: the frame of the page reads, too
    id = _new_id()
    log.error("a request failed", extra=ids(id=id, **_asked()), exc_info=error)
    return _page(InternalServerError.code, WORDS[500], id)


def _asked() -> dict[str, object]:
    """Which page was asked for: its rule and the ids in it, not its address, which has what people typed."""
    given = {name: value for name, value in (request.view_args or {}).items() if isinstance(value, int)}
    return {"method": request.method, "rule": request.url_rule.rule if request.url_rule else "", "of": given}


def _page(code: int, words: str | None, id: str = "") -> Response:
    shown = {
        "code": code,
        "title": _(TITLES.get(code, N_("This cannot be done"))),
        "words": translated(words or WORDS[400]),
        "id": id or _new_id(),
    }
    if not htmx.is_htmx():
        return make_response(render_template("web/error.html", layout=_layout(code), **shown), code)
    response = htmx.tell(render_template("web/_error.html", **shown))
    response.status_code = code
    return response


def _layout(code: int) -> str:
    """The page's frame: with the navigation for those who are logged in, also where the address leads to no
    page and so no one has asked who they are. Without it where the database does not answer, and where there
    is too much to do: to refuse must cost less than to serve."""
    if code in (TooManyRequests.code, ServiceUnavailable.code):
        return "layouts/bare.html"
    if code >= InternalServerError.code:
        return "layouts/base.html" if "viewer" in g else "layouts/bare.html"
    if "viewer" not in g and (user := sessions.current()):
        g.viewer = user.viewer
    return "layouts/base.html" if "viewer" in g else "layouts/bare.html"


def _new_id() -> str:
    return secrets.token_hex(4)
