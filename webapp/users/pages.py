"""Log in and log out; the other pages of this room join in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from flask import (
    Blueprint,
    Flask,
    current_app,
    flash,
    g,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
)
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import generate_csrf

from webapp import audit
from webapp.access import viewer_of
from webapp.extensions import runtime, runtime_of
from webapp.store.db import db
from webapp.store.logins import SignedOnSession
from webapp.translation import N_, _
from webapp.users import accounts
from webapp.users.account_pages import account
from webapp.users.link_pages import password_links
from webapp.users.login_throttle import LoginThrottle, attempts_left, too_many
from webapp.users.setup_pages import setup
from webapp.users.try_counts import CountsInDatabase
from webapp.users.user_pages import user_pages
from webapp.web import held_forms, htmx, sessions
from webapp.web.access_control import viewer
from webapp.web.devices import known_device, remember
from webapp.web.view_flags import allow_viewers, background_poll, public

users = Blueprint("users", __name__)


def init_app(app: Flask) -> None:
    """Registers the pages and the count of tries."""
    app.extensions["login tries"] = LoginThrottle(CountsInDatabase(runtime_of(app).database))
    for blueprint in (users, account, password_links, user_pages, setup):
        app.register_blueprint(blueprint)


@users.get("/login")
@public
def login() -> ResponseReturnValue:
    """The form; for a person who is logged in already, the page behind it."""
    if sessions.current():
        return redirect(_next())
    if not sessions.any_user():
        return redirect(sessions.FIRST_START, 303)
    return held_forms.login_page(_next())


@users.post("/login")
@public
def log_in() -> ResponseReturnValue:
    """Checks email and password. Leads on; or hands back the form that was sent when the login had ended."""
    tried = _try()
    if isinstance(tried, Refusal):
        held = request.form.get("held", "")
        return held_forms.login_page(
            _next(), email=tried.email, problem=tried.problem, held=held
        ), tried.status
    form = held_forms.held(request.form.get("held", ""))
    if form is None:
        return remember(make_response(htmx.lead_to(_next())), tried)
    if form.by != tried:
        flash(_(ANOTHERS), "refused")
        return remember(make_response(htmx.lead_to("/")), tried)
    return remember(make_response(render_template("users/held.html", held=form)), tried)


ANOTHERS = N_("What was typed before belongs to another login. It was not sent.")


@users.get("/login/state")
@public
@background_poll
def login_state() -> ResponseReturnValue:
    """Who is logged in with this browser, and the token that its forms need: for a page that is open."""
    user = sessions.current()
    return jsonify(user=user.viewer.name if user else "", csrf_token=generate_csrf())


@users.post("/login/again")
@public
def log_in_again() -> ResponseReturnValue:
    """Checks email and password over a page that is open, which goes on with the token of the new login."""
    tried = _try()
    if isinstance(tried, Refusal):
        return jsonify(problem=tried.problem), tried.status
    return remember(jsonify(csrf_token=generate_csrf()), tried)


@dataclass(frozen=True)
class Refusal:
    """A login that was refused: whose, why in words, and the status of the answer."""

    email: str
    problem: str
    status: int


NO_PASSWORDS = N_("Passwords are not used here. Log in the way this page offers.")


def _try() -> str | Refusal:
    """Begin a session with the email and password of this request; returns the email. The same words, and as
    long a time, for an unknown one."""
    if not runtime().settings.logins.has_passwords:
        return Refusal("", _(NO_PASSWORDS), 403)
    email = request.form.get("email", "").strip().lower()[:254]
    password = request.form.get("password", "")
    tries = cast(LoginThrottle, current_app.extensions["login tries"])
    address, device = request.remote_addr or "", known_device(email)
    if wait := tries.take(email, address, device):
        with db.writing() as session:
            audit.note(session, email, "login refused", email, f"too many tries from {address}")
        return Refusal(email, too_many(wait), 429)
    user = accounts.authenticate(db.session, email, password)
    seen_as = viewer_of(user) if user else None
    with db.writing() as session:
        if user and accounts.has_old_hash(user):
            accounts.rehash(session, user, password)
        audit.note(session, email, "login" if user else "login failed", email, f"from {address}")
        if user and seen_as:
            sessions.begin(session, user, seen_as)
    if user is None or seen_as is None:
        left = attempts_left(tries.failed(email, address, device))
        return Refusal(email, _("This email and password do not match. %(left)s", left=left), 401)
    tries.succeeded(email, address, device)
    g.viewer = seen_as
    return email


@users.post("/logout")
@allow_viewers
def log_out() -> ResponseReturnValue:
    """End this session; others of the same user go on. One that came by sign-on is ended there, too."""
    user = sessions.current()
    came = db.session.get(SignedOnSession, user.session_id) if user else None
    elsewhere = current_app.extensions.get(LOGOUT_ELSEWHERE)
    with db.writing() as session:
        audit.note(session, viewer().name, "logout", viewer().name)
        sessions.end(session)
    if came and elsewhere:
        return cast(ResponseReturnValue, elsewhere(came.id_token))
    return htmx.lead_to("/login")


LOGOUT_ELSEWHERE = "log out elsewhere"
"""Where the extension is that leads to the logout of the provider (sign_on/pages.py), which is above this
room."""


def _next() -> str:
    """Where to go after the login: a page of this host, else the start."""
    wanted = request.values.get("next", "")
    return wanted if htmx.stays_here(wanted) else "/"
