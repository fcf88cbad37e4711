"""Who may pass. A page is closed unless it says otherwise: reading needs a login, changing needs a role that
may change what the page is about."""

from __future__ import annotations

from typing import cast
from urllib.parse import quote

from flask import Flask, Response, abort, g, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from webapp import access, audit
from webapp.access import Viewer
from webapp.extensions import runtime
from webapp.store.db import db
from webapp.store.runs import Run
from webapp.web import held_forms, sessions
from webapp.web.htmx import is_htmx, lead_to, page_on_screen
from webapp.web.view_flags import is_marked

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
FACTORS = "/account/factors"
"""Where a person sets up a second factor (users/factor_pages.py)."""


def viewer() -> Viewer:
    """The person of this request. Only for views behind the access control, where there always is one."""
    return cast(Viewer, g.viewer)


def sees_whole(run: Run) -> bool:
    """Whether the person of this request sees all of this run, and not only their customers' results."""
    return bool(access.whole_runs(db.session, viewer(), [run.id]))


def to_change(run: Run | None) -> Run:
    """The run that a form is about to change. Ends the request with 404 if there is none that this person may
    see, with 403 if they only see it."""
    if run is None:
        abort(404)
    if not sees_whole(run):
        abort(403, access.only_looked_at(run))
    return run


def init_app(app: Flask) -> None:
    """Put the access control before every view. Register it before the check of the token."""

    @app.before_request
    def gate() -> AnyResponse | None:
        if not request.endpoint or request.endpoint == "static" or is_marked("open_to_all"):
            return None
        user = sessions.current()
        if user is None:
            return _to_login()
        g.viewer = user.viewer
        policy = runtime().settings.logins.second_factor
        if user.viewer.must_set_up_factor(policy) and not is_marked("open_before_factor"):
            return _to_factors()
        refuse_unless(request.method in SAFE_METHODS or _may_post(user.viewer))
        return None


def _may_post(who: Viewer) -> bool:
    """Whether the role of this person allows what the form of this request changes. The room that changes it
    asks again, and more."""
    if is_marked("open_to_every_role"):
        return True
    return who.may_edit if is_marked("open_to_editors") else who.may_change


def refuse_unless(allowed: bool) -> None:
    """End the request with 403, and words about the role of its person, unless that role allows it."""
    if not allowed:
        abort(403, access.cannot_change(viewer()))


def _to_factors() -> AnyResponse:
    """Lead to where a second factor is set up; what was sent meanwhile is refused."""
    if request.method not in SAFE_METHODS:
        with db.writing() as session:
            audit.note(session, viewer().name, "refused", request.path, "no second factor is set up yet")
    return lead_to(FACTORS)


def _to_login() -> AnyResponse:
    if not is_htmx() and not sessions.any_user():
        return redirect(sessions.FIRST_START, 303)
    page = page_on_screen()
    login = "/login" if page == "/" else f"/login?next={quote(page, safe='/')}"
    if is_htmx() and is_marked("while_typing"):
        return make_response(render_template("web/_logged_out.html", login=login), 401)
    if is_htmx():  # static/js/expired-login.js asks for the password over the page
        return Response(status=401, headers={"HX-Reswap": "none", "X-Mailrun-Login": "ended"})
    if request.method == "POST" and (held := held_forms.hold()):
        return make_response(held_forms.login_page(page, held=held), 401)
    return redirect(login, 303)
