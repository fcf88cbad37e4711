"""One's own account: how one reads, the password, and the browsers in which one is logged in."""

from __future__ import annotations

from typing import cast

from flask import Blueprint, abort, current_app, make_response, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp import audit, notation
from webapp.access import viewer_of
from webapp.errors import Refused
from webapp.extensions import runtime
from webapp.factors import held
from webapp.store.db import db
from webapp.store.logins import UserIdentity
from webapp.store.types import now
from webapp.store.users import User
from webapp.translation import _
from webapp.users import accounts, open_sessions, preferences
from webapp.users.login_throttle import LoginThrottle, attempts_left, too_many
from webapp.web import form_posts, sessions
from webapp.web.access_control import viewer
from webapp.web.form_posts import NOTHING_TYPED, Flash, RefusedForm
from webapp.web.sessions import SessionUser
from webapp.web.view_flags import allow_viewers

account = Blueprint("account", __name__)


@account.get("/account")
def show() -> ResponseReturnValue:
    """Who one is, and what one can set."""
    return _page(NOTHING_TYPED)


@account.post("/account")
@allow_viewers
def save() -> ResponseReturnValue:
    """Store how one reads."""

    def effect(session: Session) -> tuple[str, Flash]:
        changed = preferences.change(session, accounts.find(session, viewer().name), request.form)
        return "/account", _("Saved.") if changed else _("Nothing has changed.")

    return form_posts.apply_once(effect, back="/account", on_refusal=lambda why: _refused("you", why))


@account.post("/account/password")
@allow_viewers
def change_password() -> ResponseReturnValue:
    """Set another password, for the person who knows the present one. All other sessions end; this one goes
    on as a new one. Tries are limited as logins are."""
    if not runtime().settings.logins.has_passwords:
        abort(403, _("Passwords are not used here."))
    if refused := password_refused("password not changed"):
        return _refused("password", *refused)
    email = viewer().name
    if (chosen := request.form.get("password", "")) != request.form.get("password_again", ""):
        return _refused("password", _("The two new passwords differ. Type the same one twice."))

    def effect(session: Session) -> tuple[str, Flash]:
        user = accounts.find(session, email)
        accounts.set_password(session, user, chosen)
        audit.note(session, email, "password changed", email)
        sessions.begin(session, user, viewer_of(user))
        return "/account", _("Your password is changed. Your other sessions have ended.")

    return form_posts.apply_once(effect, back="/account", on_refusal=lambda why: _refused("password", why))


def password_refused(noted: str) -> tuple[str, int] | None:
    """Why a change that needs the present password is refused, and the status of the answer; None if the
    password is right. Tries are limited as logins are, and a wrong one is noted as this action."""
    tries = cast(LoginThrottle, current_app.extensions["login tries"])
    email, address = viewer().name, request.remote_addr or ""
    if wait := tries.take(email, address):
        return too_many(wait), 429
    if accounts.authenticate(db.session, email, request.form.get("password_now", "")) is None:
        with db.writing() as session:
            audit.note(session, email, noted, email, "the present password was wrong")
        left = attempts_left(tries.failed(email, address))
        return _("This is not your present password. %(left)s", left=left), 422
    tries.succeeded(email, address)
    return None


@account.post("/account/sessions/<int:session_id>/end")
@allow_viewers
def end_session(session_id: int) -> ResponseReturnValue:
    """End one of one's sessions."""

    def effect(session: Session) -> tuple[str, Flash]:
        user = accounts.find(session, viewer().name)
        return "/account", open_sessions.end(session, user.email, user, session_id)

    return form_posts.apply_once(effect, back="/account")


@account.post("/account/sessions/end")
@allow_viewers
def end_others() -> ResponseReturnValue:
    """End all of one's sessions but this one."""

    def effect(session: Session) -> tuple[str, Flash]:
        user = accounts.find(session, viewer().name)
        return "/account", open_sessions.end_others(session, user, _own().session_id)

    return form_posts.apply_once(effect, back="/account")


def _refused(form: str, why: str, status: int = 422) -> ResponseReturnValue:
    return _page(RefusedForm(form, sentence(why), request.form), status)


def _page(typed: RefusedForm, status: int = 200) -> ResponseReturnValue:
    user = _me(db.session)
    page = render_template(
        "users/account.html",
        user=user,
        tags=accounts.bound_tags(db.session, user),
        typed=typed,
        stored=preferences.values_of(user),
        choices=preferences,
        zones=notation.zones(),
        server_zone=notation.server_zone(),
        now=now(),
        sessions=open_sessions.of_user(db.session, user.id),
        own_id=_own().session_id,
        shortest=accounts.SHORTEST_PASSWORD,
        signs_in_with=_provider_of(user),
        has=held.of_user(db.session, user.id),
    )
    return make_response(page, status)


def _provider_of(user: User) -> str:
    """What the provider is called that this user signs in with; empty without one."""
    issuer = db.session.scalar(select(UserIdentity.issuer).where(UserIdentity.user_id == user.id).limit(1))
    sign_on = runtime().settings.logins.sign_on
    return sign_on.name if sign_on and sign_on.issuer == issuer else issuer or ""


def _me(session: Session) -> User:
    try:
        return accounts.find(session, viewer().name)
    except Refused:
        abort(404)


def _own() -> SessionUser:
    user = sessions.current()
    if user is None:
        abort(401)
    return user


def sentence(words: str) -> str:
    """A refusal as a sentence of a page."""
    return words[:1].upper() + words[1:] + ("" if words.endswith((".", "?")) else ".")
