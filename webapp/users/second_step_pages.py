"""The second step of a login: a code of the app, a recovery code, or a passkey.

After the right password a signed cookie says for five minutes whose second step is awaited. It opens nothing,
and is void once the user's sessions were ended, as by another password."""

from __future__ import annotations

import hashlib
import hmac
import time
from typing import cast
from urllib.parse import quote

from flask import Blueprint, current_app, g, make_response, redirect, render_template, request
from flask import session as cookie
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from webapp import audit
from webapp.access import viewer_of
from webapp.errors import Refused
from webapp.factors import authenticator, held, recovery
from webapp.store.db import db
from webapp.store.users import User
from webapp.translation import N_, _
from webapp.users.account_pages import sentence
from webapp.users.entering_pages import HalfLogin, Refusal, enter, refuse_login, wanted_page
from webapp.users.login_throttle import LoginThrottle, attempts_left, too_many
from webapp.web import sessions
from webapp.web.devices import known_device
from webapp.web.view_flags import public

second_step = Blueprint("second_step", __name__)
PATH = "/login/code"
KEPT_SECONDS = 300
WAITING = "second_step"
TOO_LATE = N_("More than five minutes have passed since your password, or it was changed. Log in again.")


def begin(session: Session, user: User) -> HalfLogin | None:
    """Have the user, whose password was right, do the second step; needs a writing session. None for one
    without a second factor."""
    if not held.has_any(session, user.id):
        return None
    audit.note(session, user.email, "second factor asked", user.email, f"from {request.remote_addr or ''}")
    cookie[WAITING] = [user.id, _mark(user), int(time.time())]
    return HalfLogin(user.id, user.email)


def awaited(session: Session) -> User | None:
    """The user whose second step is awaited in this browser."""
    try:
        user_id, mark, since = cookie.get(WAITING, ())
    except ValueError:
        return None
    user = session.get(User, user_id) if 0 <= time.time() - since <= KEPT_SECONDS else None
    is_same = user is not None and user.disabled_at is None and hmac.compare_digest(_mark(user), mark)
    return user if is_same else None


def ask() -> ResponseReturnValue:
    """The page of the second step, after the password. It is shown at its own address, unless it holds a form
    that was sent when the login had ended."""
    if request.form.get("held"):
        return _page()
    wanted = wanted_page()
    return redirect(PATH if wanted == "/" else f"{PATH}?next={quote(wanted, safe='/')}", 303)


@second_step.get(PATH)
@public
def show() -> ResponseReturnValue:
    """The form; the login, if no second step is awaited."""
    return _page() if awaited(db.session) else redirect("/login", 303)


@second_step.post(PATH)
@public
def check() -> ResponseReturnValue:
    """Check the code; log in, or say why not."""
    user = awaited(db.session)
    if user is None:
        return refuse_login(Refusal("", _(TOO_LATE), 401))
    tried = try_code(HalfLogin(user.id, user.email), request.form.get("code", ""))
    if isinstance(tried, Refusal):
        return refuse(tried)
    return enter(tried)


def refuse(refusal: Refusal) -> ResponseReturnValue:
    """The page of the second step with the reason; the login, if it is awaited no more."""
    if awaited(db.session) is None:
        return refuse_login(refusal)
    return _page(refusal.problem, refusal.status)


def try_code(half: HalfLogin, typed: str) -> str | Refusal:
    """Begin the session of a user whose password was right, by this code; returns the email. Codes are tried
    as often as passwords, and no more often for one who gives the password again."""
    email, address, device = half.email, request.remote_addr or "", known_device(half.email)
    if not typed.strip():
        return Refusal(email, _("Enter a code from your app, or a recovery code."), 401)
    tries, counted = cast(LoginThrottle, current_app.extensions["code tries"]), f"code of {email}"
    if wait := tries.take(counted, address, device):
        with db.writing() as session:
            audit.note(session, email, "second factor refused", email, f"too many tries from {address}")
        return Refusal(email, too_many(wait), 429)
    with db.writing() as session:
        user = awaited(session)
        if user is None or user.id != half.user_id:
            return Refusal(email, _(TOO_LATE), 401)
        how, unreadable = _used(session, user, typed)
        if how:
            log_in(session, user, how)
        else:
            why = unreadable and "the secret of the app cannot be read, "
            audit.note(session, email, "second factor refused", email, f"{why}code, from {address}")
    if how:
        tries.succeeded(counted, address, device)
        return email
    left = attempts_left(tries.failed(counted, address, device))
    return Refusal(email, unreadable or _("This code does not fit. %(left)s", left=left), 401)


def log_in(session: Session, user: User, how: str) -> None:
    """Begin the session of this user, and note how: after the second step, or by a passkey alone."""
    audit.note(session, user.email, "login", user.email, f"from {request.remote_addr or ''}, {how}")
    seen_as = viewer_of(user)
    sessions.begin(session, user, seen_as)
    g.viewer = seen_as


def _used(session: Session, user: User, typed: str) -> tuple[str, str]:
    """By what this code lets in, empty if it does not; and why the app's codes cannot be checked."""
    if recovery.looks_like_one(typed):
        if not recovery.use(session, user.id, typed):
            return "", ""
        left = recovery.left(session, user.id)
        audit.note(session, user.email, "recovery code used", user.email, f"{left} left")
        return "with a recovery code", ""
    try:
        return "with a code of the app" if authenticator.check(session, user.id, typed) else "", ""
    except Refused as refusal:
        return "", sentence(str(refusal))


def _page(problem: str = "", status: int = 200) -> ResponseReturnValue:
    user = awaited(db.session)
    if user is None:
        return redirect("/login", 303)
    page = render_template(
        "users/second_step.html",
        has=held.of_user(db.session, user.id),
        next=wanted_page(),
        held=request.form.get("held", ""),
        problem=problem,
    )
    return make_response(page, status)


def _mark(user: User) -> str:
    """Changes with the user's sessions, and opens nothing."""
    return hashlib.sha256(f"second step {user.session_key}".encode()).hexdigest()
