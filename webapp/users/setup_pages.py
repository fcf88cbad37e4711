"""The page of the first start, where the first administrator is made."""

from __future__ import annotations

from typing import cast

from flask import Blueprint, current_app, flash, g, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from webapp import audit
from webapp.access import viewer_of
from webapp.errors import Refused
from webapp.store.db import db
from webapp.translation import _
from webapp.users import accounts, first_start
from webapp.users.account_pages import sentence
from webapp.users.login_throttle import LoginThrottle, too_many
from webapp.web import sessions
from webapp.web.devices import remember
from webapp.web.view_flags import public

setup = Blueprint("setup", __name__)
THROTTLED_AS = "first start"


@setup.get(sessions.FIRST_START)
@public
def ask() -> ResponseReturnValue:
    """The form, while there is no user."""
    return _page()


@setup.post(sessions.FIRST_START)
@public
def make() -> ResponseReturnValue:
    """Make the first administrator, and log in."""
    tries, address = cast(LoginThrottle, current_app.extensions["login tries"]), request.remote_addr or ""
    if wait := tries.take(THROTTLED_AS, address):
        return _page(too_many(wait), 429)
    form = request.form
    if form.get("password", "") != form.get("password_again", ""):
        return _page(_("The two passwords differ. Type the same one twice."), 422)
    try:
        with db.writing() as session:
            user = first_start.make_administrator(
                *(session, form.get("code", ""), form.get("email", "")),
                *(form.get("name", ""), form.get("password", "")),
            )
            seen_as = viewer_of(user)
            sessions.begin(session, user, seen_as)
    except first_start.Closed:
        return _page()
    except Refused as refusal:
        tries.failed(THROTTLED_AS, address)
        if isinstance(refusal, first_start.WrongCode):
            with db.writing() as session:
                audit.note(session, THROTTLED_AS, "refused", "users", f"wrong code, from {address}")
        return _page(sentence(str(refusal)), 422)
    tries.succeeded(THROTTLED_AS, address)
    g.viewer = seen_as
    flash(_("You are the first administrator. What is needed before the first run stands below."))
    return remember(make_response(redirect("/", 303)), user.email)


def _page(wrong: str = "", status: int = 200) -> ResponseReturnValue:
    if sessions.any_user():
        return redirect("/login", 303)
    shown = {"typed": request.form, "wrong": wrong, "shortest": accounts.SHORTEST_PASSWORD}
    return make_response(render_template("users/setup.html", **shown), status)
