"""Sign on at the OpenID provider, come back from it, and log out there.

The way there is a link, and the way to its logout a page: the policy of our pages has forms lead nowhere but
here, and Chromium holds that against a redirect after a form, too."""

from __future__ import annotations

import secrets
from typing import Any, cast

from flask import Blueprint, Flask, abort, current_app, g, make_response, redirect, render_template, request
from flask import session as cookie
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response as AnyResponse

from webapp import audit
from webapp.access import viewer_of
from webapp.extensions import runtime, runtime_of
from webapp.login_settings import SignOnSettings
from webapp.sign_on import arrivals
from webapp.sign_on.arrivals import Denied
from webapp.sign_on.provider import BROKEN, NAME, Person, Provider, SignOnFailed, finish, refusal_of
from webapp.sign_on.role_map import RoleMap, parse
from webapp.store.db import db
from webapp.store.logins import SignedOnSession
from webapp.users.login_throttle import LoginThrottle, too_many
from webapp.users.pages import LOGOUT_ELSEWHERE
from webapp.web import htmx, sessions
from webapp.web.devices import remember
from webapp.web.view_flags import public

sign_on = Blueprint("sign_on", __name__)
START, BACK = "/login/sign-on", "/login/sign-on/back"
BEGUN_MAX = 3
"""Sign-ins that one browser has begun and not finished: each takes 300 bytes of the cookie, which may have
4,000."""
ID_TOKEN_MAX = 6_000
"""Characters: a longer one does not fit into the address of the provider's logout."""
STATE = f"_state_{NAME}_"
KNOWN, ROLES = "sign-on metadata", "sign-on roles"


def init_app(app: Flask) -> None:
    """Register the pages. Raises SettingError for a table of roles that cannot be read."""
    chosen = runtime_of(app).settings.logins.sign_on
    app.extensions[ROLES] = parse(chosen.roles) if chosen else ()
    app.extensions[KNOWN] = {}
    app.extensions[LOGOUT_ELSEWHERE] = leave
    app.register_blueprint(sign_on)


@sign_on.get(START)
@public
def start() -> ResponseReturnValue:
    """Lead to the provider. After a refusal it asks who it is again: else it would name the same person."""
    settings = _settings()
    if wait := _tries().wait_of(_address()):
        return _failed(too_many(wait), 429)
    db.end_reading()  # the provider may take its time
    client = Provider(settings, current_app.extensions[KNOWN])
    try:
        asked = {"prompt": "login"} if request.args.get("again") else {}
        begun = client.create_authorization_url(_back(), **asked)
    except BROKEN as error:
        return _refuse(refusal_of(settings, error))
    current_app.extensions[KNOWN] = dict(client.server_metadata)
    _forget_older()
    kept = {name: begun[name] for name in ("state", "nonce", "code_verifier")}
    client.save_authorize_data(**kept, redirect_uri=_back(), next=_next(request.args.get("next", "")))
    return redirect(begun["url"], 303)


@sign_on.get(BACK)
@public
def back() -> ResponseReturnValue:
    """The person comes back from the provider: check what it says, and begin the session."""
    settings = _settings()
    if wait := _tries().wait_of(_address()):
        return _failed(too_many(wait), 429)
    begun = cookie.get(STATE + request.args.get("state", ""), {}).get("data") or {}
    db.end_reading()
    client = Provider(settings, current_app.extensions[KNOWN])
    try:
        person = finish(client, request.args.get("iss"))
    except BROKEN as error:
        cookie.pop(STATE + request.args.get("state", ""), None)
        return _refuse(refusal_of(settings, error))
    current_app.extensions[KNOWN] = dict(client.server_metadata)
    return _let_in(settings, person, _next(begun.get("next", "")))


def _let_in(settings: SignOnSettings, person: Person, next: str) -> ResponseReturnValue:
    roles = cast(RoleMap, current_app.extensions[ROLES])
    with db.writing() as session:
        found = arrivals.arrive(session, person, settings, roles)
        if isinstance(found, Denied):
            audit.note(session, settings.name, "login refused", person.subject, found.told)
        else:
            seen_as = viewer_of(found)
            audit.note(session, found.email, "login", found.email, f"by {settings.name}, from {_address()}")
            sessions.begin(session, found, seen_as)
            now = cast(sessions.SessionUser, sessions.current())
            kept = person.id_token if len(person.id_token) <= ID_TOKEN_MAX else ""
            session.add(SignedOnSession(session_id=now.session_id, id_token=kept))
    if isinstance(found, Denied):
        _tries().failed_from(_address())
        return _failed(found.words, 403)
    g.viewer = seen_as
    return remember(make_response(redirect(next, 303)), found.email)


def leave(id_token: str) -> ResponseReturnValue:
    """After the logout here: lead to the one of the provider, by a page; to the login if it has none or does
    not answer."""
    settings = runtime().settings.logins.sign_on
    if settings is None:
        return htmx.lead_to("/login")
    db.end_reading()
    client = Provider(settings, current_app.extensions[KNOWN])
    try:
        if not client.load_server_metadata().get("end_session_endpoint"):
            return htmx.lead_to("/login")
        leads = client.create_logout_url(
            post_logout_redirect_uri=f"{_root()}/login",
            id_token_hint=id_token or None,
            client_id=settings.client_id,
            state=secrets.token_urlsafe(12),
        )["url"]
    except BROKEN as error:
        return _page("sign_on/left.html", settings, leads="", problem=str(refusal_of(settings, error)))
    if htmx.is_htmx():
        return htmx.lead_to(leads)
    page = _page("sign_on/left.html", settings, leads=leads, problem="")
    page.headers["Refresh"] = f"0; url={leads}"
    return page


def _refuse(failed: SignOnFailed) -> ResponseReturnValue:
    """Tell why the sign-in failed, note it, and forget what the provider said of itself: its keys may have
    changed."""
    current_app.extensions[KNOWN] = {}
    _tries().failed_from(_address())
    settings = _settings()
    with db.writing() as session:
        told = f"{failed.told}; from {_address()}"
        audit.note(session, settings.name, "login refused", settings.issuer, told)
    return _failed(str(failed), 403)


def _failed(words: str, status: int) -> ResponseReturnValue:
    return _page("sign_on/failed.html", _settings(), status, problem=words)


def _page(name: str, settings: SignOnSettings, status: int = 200, **shown: Any) -> AnyResponse:
    logins = runtime().settings.logins
    page = render_template(name, provider=settings.name, has_passwords=logins.has_passwords, **shown)
    return make_response(page, status)


def _forget_older() -> None:
    """Forget sign-ins that were begun in this browser and never finished, but for the last ones: the cookie
    has no room for many."""
    begun = sorted(
        (key for key in cookie if key.startswith(STATE)), key=lambda key: cookie[key].get("exp", 0)
    )
    for key in begun[: max(0, len(begun) - BEGUN_MAX + 1)]:
        cookie.pop(key)


def _settings() -> SignOnSettings:
    """The provider. Without one there is no such page."""
    return runtime().settings.logins.sign_on or abort(404)


def _tries() -> LoginThrottle:
    return cast(LoginThrottle, current_app.extensions["login tries"])


def _address() -> str:
    return request.remote_addr or ""


def _root() -> str:
    return request.url_root.rstrip("/")


def _back() -> str:
    return _root() + BACK


def _next(wanted: str) -> str:
    return wanted if htmx.stays_here(wanted) else "/"
