"""Log in and log out; the other pages of this room join in."""

from __future__ import annotations

from typing import cast

from flask import Blueprint, Flask, current_app, g, jsonify, redirect, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import generate_csrf

from webapp import audit
from webapp.access import viewer_of
from webapp.extensions import runtime, runtime_of
from webapp.store.db import db
from webapp.store.logins import SignedOnSession
from webapp.translation import N_, _
from webapp.users import accounts, entering_pages, factor_pages, passkey_pages, second_step_pages
from webapp.users.account_pages import account
from webapp.users.entering_pages import HalfLogin, Refusal
from webapp.users.link_pages import password_links
from webapp.users.login_throttle import CODES_PER_ACCOUNT, LoginThrottle, attempts_left, too_many
from webapp.users.setup_pages import setup
from webapp.users.try_counts import CountsInDatabase
from webapp.users.user_pages import user_pages
from webapp.web import held_forms, htmx, sessions
from webapp.web.access_control import viewer
from webapp.web.devices import known_device, remember
from webapp.web.view_flags import allow_viewers, background_poll, public, while_setting_up

users = Blueprint("users", __name__)


def init_app(app: Flask) -> None:
    """Registers the pages and the count of tries."""
    tries = CountsInDatabase(runtime_of(app).database)
    app.extensions["login tries"] = LoginThrottle(tries)
    app.extensions["code tries"] = LoginThrottle(tries, CODES_PER_ACCOUNT)
    steps = (second_step_pages.second_step, passkey_pages.passkey_login, factor_pages.factors)
    for blueprint in (users, account, password_links, user_pages, setup, *steps):
        app.register_blueprint(blueprint)


@users.get("/login")
@public
def login() -> ResponseReturnValue:
    """The form; for a person who is logged in already, the page behind it."""
    if sessions.current():
        return redirect(entering_pages.wanted_page())
    if not sessions.any_user():
        return redirect(sessions.FIRST_START, 303)
    return held_forms.login_page(entering_pages.wanted_page())


@users.post("/login")
@public
def log_in() -> ResponseReturnValue:
    """Checks email and password. Leads on; or hands back the form that was sent when the login had ended."""
    tried = _try()
    if isinstance(tried, Refusal):
        held = request.form.get("held", "")
        return held_forms.login_page(
            entering_pages.wanted_page(), email=tried.email, problem=tried.problem, held=held
        ), tried.status
    if isinstance(tried, HalfLogin):
        return second_step_pages.ask()
    return entering_pages.enter(tried)


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
    if isinstance(tried, HalfLogin):
        tried = second_step_pages.try_code(tried, request.form.get("code", ""))
        if isinstance(tried, Refusal):
            return jsonify(problem=tried.problem, needs_code=True), tried.status
    if isinstance(tried, Refusal):
        return jsonify(problem=tried.problem), tried.status
    return remember(jsonify(csrf_token=generate_csrf()), tried)


NO_PASSWORDS = N_("Passwords are not used here. Log in the way this page offers.")


def _try() -> str | HalfLogin | Refusal:
    """Begin a session with the email and password of this request; returns the email. For a person with a
    second factor nothing begins but that step. The same words, and as long a time, for an unknown one."""
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
        half = second_step_pages.begin(session, user) if user else None
        if half is None:
            audit.note(session, email, "login" if user else "login failed", email, f"from {address}")
        if user and seen_as and half is None:
            sessions.begin(session, user, seen_as)
    if user is None or seen_as is None:
        left = attempts_left(tries.failed(email, address, device))
        return Refusal(email, _("This email and password do not match. %(left)s", left=left), 401)
    tries.succeeded(email, address, device)
    if half is not None:
        return half
    g.viewer = seen_as
    return email


@users.post("/logout")
@allow_viewers
@while_setting_up
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
