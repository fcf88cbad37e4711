"""One's own second factor: authenticator app, passkeys and recovery codes.

Every change asks for the password, and ends one's other sessions. New recovery codes are shown in the answer
that made them, and never again."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, abort, flash, jsonify, make_response, render_template, request
from flask.typing import ResponseReturnValue
from markupsafe import Markup
from sqlalchemy.orm import Session

from webapp import audit
from webapp.access import viewer_of
from webapp.errors import Refused
from webapp.extensions import runtime
from webapp.factors import authenticator, held, passkeys, recovery
from webapp.store.db import db
from webapp.store.users import User
from webapp.translation import N_, _
from webapp.users import accounts
from webapp.users.account_pages import password_refused, sentence
from webapp.users.passkey_pages import relying_party, remember_challenge, take_challenge
from webapp.web import form_keys, form_posts, htmx, sessions
from webapp.web.access_control import FACTORS, viewer
from webapp.web.view_flags import allow_viewers, while_setting_up

factors = Blueprint("factors", __name__)
FactorChange = Callable[[Session, User], tuple[str, list[str]]]
"""Changes something; returns what to say, and recovery codes to show."""
ADD = "add"
NEEDED = N_("you need a second factor here: set up another one first, then remove this one")
NOT_THERE = N_("there is nothing to remove any more")


class WrongFirstCode(Refused):
    """The first code of an app does not fit."""


@factors.get(FACTORS)
@while_setting_up
def show() -> ResponseReturnValue:
    """What one has, and what one can set up."""
    return _page()


@factors.post(f"{FACTORS}/app")
@allow_viewers
@while_setting_up
def begin_app() -> ResponseReturnValue:
    """Make a secret, and show it."""

    def effect(session: Session) -> tuple[str, form_posts.Flash]:
        authenticator.begin(session, accounts.find(session, viewer().name))
        return f"{FACTORS}#app", ""

    return form_posts.apply_once(effect, on_refusal=lambda why: _page("app", why, 422))


@factors.post(f"{FACTORS}/app/confirm")
@allow_viewers
@while_setting_up
def confirm_app() -> ResponseReturnValue:
    """Have the app count, once a first code of it and the password are right."""

    def change(session: Session, user: User) -> tuple[str, list[str]]:
        if not authenticator.confirm(session, user, request.form.get("code", "")):
            raise WrongFirstCode(
                _("this is not the code that the app shows now: check the time of your phone")
            )
        audit.note(session, user.email, "second factor set up", user.email, "authenticator app")
        return _("Your authenticator app is set up."), _first_codes(session, user)

    return _change("app", change)


@factors.post(f"{FACTORS}/app/remove")
@allow_viewers
def remove_app() -> ResponseReturnValue:
    """Have the app count no more."""

    def change(session: Session, user: User) -> tuple[str, list[str]]:
        _refuse_last(session, user)
        if not authenticator.remove(session, user.id):
            raise Refused(_(NOT_THERE))
        held.void_idle_codes(session, user.id)
        audit.note(session, user.email, "second factor removed", user.email, "authenticator app")
        return _("Your authenticator app is removed."), []

    return _change("app", change)


@factors.post(f"{FACTORS}/codes")
@allow_viewers
def make_codes() -> ResponseReturnValue:
    """Make new recovery codes, and show them."""

    def change(session: Session, user: User) -> tuple[str, list[str]]:
        if not held.has_any(session, user.id):
            raise Refused(_("recovery codes stand in for a second factor: set one up first"))
        return "", _new_codes(session, user)

    return _change("codes", change)


@factors.post(f"{FACTORS}/passkeys/options")
@allow_viewers
@while_setting_up
def passkey_options() -> ResponseReturnValue:
    """What the browser needs to make a passkey, as JSON, for a person who gives the password."""
    if refused := password_refused("second factor not changed"):
        return jsonify(problem=sentence(refused[0])), refused[1]
    user = accounts.find(db.session, viewer().name)
    try:
        challenge = remember_challenge(f"{ADD} {user.id}")
        said = passkeys.options_to_add(db.session, user, relying_party(), challenge)
    except Refused as refusal:
        return jsonify(problem=sentence(str(refusal))), 422
    return Response(said, mimetype="application/json")


@factors.post(f"{FACTORS}/passkeys")
@allow_viewers
@while_setting_up
def add_passkey() -> ResponseReturnValue:
    """Store the passkey that the browser has made. The password was given for its challenge."""

    def change(session: Session, user: User) -> tuple[str, list[str]]:
        taken = take_challenge(session, f"{ADD} {user.id}")
        if taken is None:
            raise Refused(_("more than five minutes have passed: add the passkey again"))
        answer, name = request.form.get("credential", ""), request.form.get("name", "")
        named = passkeys.add(session, user, relying_party(), taken[0], answer, name)
        audit.note(session, user.email, "passkey added", user.email, named)
        return _("The passkey “%(name)s” is added.", name=named), _first_codes(session, user)

    return _change("passkeys", change, asks_password=False)


@factors.post(f"{FACTORS}/passkeys/remove")
@allow_viewers
def remove_passkey() -> ResponseReturnValue:
    """Have a passkey open nothing any more."""

    def change(session: Session, user: User) -> tuple[str, list[str]]:
        _refuse_last(session, user)
        name = passkeys.remove(session, user.id, request.form.get("passkey", 0, type=int))
        if name is None:
            raise Refused(_(NOT_THERE))
        held.void_idle_codes(session, user.id)
        audit.note(session, user.email, "passkey removed", user.email, name)
        return _("The passkey “%(name)s” is removed.", name=name), []

    return _change("passkeys", change)


def _change(form: str, change: FactorChange, *, asks_password: bool = True) -> ResponseReturnValue:
    """Make this change, once, for a person who gives the password; all their other sessions end. Show new
    recovery codes in the answer itself: no cookie, address or log has them."""
    key = request.form.get("form_key", "")
    if not form_keys.WELL_FORMED.fullmatch(key):
        abort(400)
    if asks_password and (refused := password_refused("second factor not changed")):
        return _page(form, *refused)
    try:
        with db.writing() as session:
            if not form_keys.use(session, form_keys.of_user(key, viewer().name), FACTORS):
                return form_posts.notify(form_posts.ALREADY_APPLIED, FACTORS)
            user = accounts.find(session, viewer().name)
            said, codes = change(session, user)
            accounts.end_all_sessions(session, user)
            sessions.begin(session, user, viewer_of(user))
    except Refused as refusal:
        if isinstance(refusal, WrongFirstCode):
            with db.writing() as session:
                audit.note(session, viewer().name, "second factor refused", viewer().name, "first code")
        return _page(form, str(refusal), 422)
    if codes:
        return render_template("users/recovery_codes.html", said=said, codes=codes, **_frame(False))
    flash(said)
    return htmx.lead_to(FACTORS)


def _first_codes(session: Session, user: User) -> list[str]:
    """New recovery codes for a user who has none."""
    return [] if recovery.left(session, user.id) else _new_codes(session, user)


def _new_codes(session: Session, user: User) -> list[str]:
    codes = recovery.make(session, user.id)
    audit.note(session, user.email, "recovery codes made", user.email, f"{len(codes)}; those before are void")
    return codes


def _refuse_last(session: Session, user: User) -> None:
    """Under the lock of the user, so that two at once cannot remove two."""
    session.get(User, user.id, with_for_update=True)
    if (
        viewer().must_have_factor(runtime().settings.logins.second_factor)
        and held.of_user(session, user.id).is_last
    ):
        raise Refused(_(NEEDED))


def _page(form: str = "", wrong: str = "", status: int = 200) -> ResponseReturnValue:
    policy = runtime().settings.logins.second_factor
    user = accounts.find(db.session, viewer().name)
    secret = authenticator.pending_secret(db.session, user)
    uri = authenticator.address(secret, user.email) if secret else ""
    page = render_template(
        "users/factors.html",
        user=user,
        has=held.of_user(db.session, user.id),
        must=viewer().must_set_up_factor(policy),
        secret=" ".join(secret[start : start + 4] for start in range(0, len(secret), 4)),
        picture=Markup(authenticator.picture(uri)) if uri else "",  # noqa: S704  # drawn by segno from our own address
        uri=uri,
        form=form,
        wrong=sentence(wrong) if wrong else "",
        host=relying_party(),
        **_frame(viewer().must_set_up_factor(policy)),
    )
    return make_response(page, status)


def _frame(must: bool) -> dict[str, object]:
    """Without the top bar for a person who may do nothing else yet."""
    return {"viewer": None} if must else {}
