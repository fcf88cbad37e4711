"""The page behind a one-time link (links.py), where a person chooses a password, or only logs in.

The token is in the query of the address, which the log of errors leaves out, and is used only when the form
is sent: what looks at links in mails uses up none."""

from __future__ import annotations

from typing import cast

from flask import Blueprint, current_app, g, make_response, render_template, request
from flask.typing import ResponseReturnValue

from webapp.access import viewer_of
from webapp.errors import NotFound, Refused
from webapp.extensions import runtime
from webapp.store.db import db
from webapp.translation import N_, _
from webapp.users import accounts, links, second_step_pages
from webapp.users.account_pages import sentence
from webapp.users.login_throttle import LoginThrottle, too_many
from webapp.web import htmx, sessions
from webapp.web.devices import remember
from webapp.web.view_flags import public

password_links = Blueprint("password_links", __name__)
THROTTLED_AS = "password link"
"""What tries are counted for: no one knows whose link it is meant to be."""


@password_links.get(links.PATH)
@public
def ask() -> ResponseReturnValue:
    """The form, while the link opens anything."""
    return _page(request.args.get("token", ""))


@password_links.post(links.PATH)
@public
def choose() -> ResponseReturnValue:
    """Store the password that was chosen, if the link is for one, and log in; a second factor is asked for
    as ever."""
    token, password = request.form.get("token", ""), request.form.get("password", "")
    tries, address = cast(LoginThrottle, current_app.extensions["login tries"]), request.remote_addr or ""
    if wait := tries.take(THROTTLED_AS, address):
        return _page(token, too_many(wait), 429)
    logs_in = links.user_of(db.session, token, logs_in=True) is not None
    if not logs_in and not runtime().settings.logins.has_passwords:
        return _page("")
    if not logs_in and password != request.form.get("password_again", ""):
        return _page(token, _("The two passwords differ. Type the same one twice."), 422)
    try:
        with db.writing() as session:
            user = links.use_to_log_in(session, token) if logs_in else links.use(session, token, password)
            seen_as = viewer_of(user)
            half = second_step_pages.begin(session, user)
            if half is None:
                sessions.begin(session, user, seen_as)
    except NotFound:
        tries.failed(THROTTLED_AS, address)
        return _page("")
    except Refused as refusal:
        return _page(token, sentence(str(refusal)), 422)
    tries.succeeded(THROTTLED_AS, address)
    if half is not None:
        return second_step_pages.ask()
    g.viewer = seen_as
    return remember(make_response(htmx.lead_to("/")), user.email)


NO_PASSWORDS = N_(
    "Passwords are not used here, so this link opens nothing. Log in the way the login page offers."
)


def _page(token: str, wrong: str = "", status: int = 200) -> ResponseReturnValue:
    has_passwords = runtime().settings.logins.has_passwords
    to_log_in = links.user_of(db.session, token, logs_in=True) if token else None
    user = to_log_in or (links.user_of(db.session, token) if token and has_passwords else None)
    page = render_template(
        "users/link.html",
        user=user,
        logs_in=to_log_in is not None,
        token=token,
        wrong=wrong if user or status == 429 else _(links.VOID if has_passwords else NO_PASSWORDS),
        shortest=accounts.SHORTEST_PASSWORD,
    )
    return make_response(page, status if user or status == 429 else 404)
