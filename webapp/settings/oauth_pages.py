"""OAuth 2 on the page of a mail server: its account, and the ways to connect it.

What the provider is asked is asked before the transaction that stores the answer: it may take ten seconds."""

from __future__ import annotations

import time
from collections.abc import Callable

from flask import Blueprint, abort, redirect, request
from flask import session as cookie
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from webapp import audit
from webapp.errors import NotAllowed, NotFound, Refused
from webapp.extensions import runtime
from webapp.oauth import connecting, exchange, tokens
from webapp.oauth.clients import GrantedToken, OAuthClient
from webapp.oauth.no_token import NoToken
from webapp.settings import oauth_accounts, server_pages
from webapp.settings.kinds import SERVERS
from webapp.settings.oauth_card import BACK, account_of
from webapp.settings.oauth_forms import OAuthForm, provider_words
from webapp.settings.setting_pages import page, stored
from webapp.store.db import db
from webapp.store.mailservers import MailServer, OAuthAccount
from webapp.store.statuses import OAuthProvider
from webapp.stored_texts import retold
from webapp.translation import _
from webapp.web import form_posts, user_limits
from webapp.web.access_control import viewer

BEGUN = "oauth"
BEGUN_SECONDS = 1800
CODE_MAX = 4_000


def add_pages(blueprint: Blueprint) -> None:
    """Register them."""
    for rule, method, view in (
        ("/servers/<int:id>/oauth", "POST", save_account),
        ("/servers/<int:id>/oauth/use", "POST", use_account),
        ("/servers/<int:id>/oauth/leave", "POST", leave_account),
        ("/servers/<int:id>/oauth/renew", "POST", renew_token),
        ("/servers/<int:id>/oauth/device", "POST", begin_device),
        ("/servers/<int:id>/oauth/device/check", "POST", check_device),
        ("/servers/<int:id>/oauth/connect", "GET", connect),
        (BACK, "GET", back),
    ):
        blueprint.add_url_rule(rule, view.__name__, view, methods=[method])


def save_account(id: int) -> ResponseReturnValue:
    """Store the account that was filled in."""
    server = stored(SERVERS, id)
    account = account_of(db.session, server)
    provider = account.provider if account else request.form.get("provider", "")
    if provider not in set(OAuthProvider):
        abort(400)
    form = OAuthForm(OAuthProvider(provider), request.form)
    if not form.holds():
        return _page(server, form, status=422)
    values, secret = form.values(), form.secret.data or ""
    return form_posts.apply_once(
        lambda session: (_url(id), oauth_accounts.save(session, viewer(), id, values, secret)),
        on_refusal=lambda reason: _page(stored(SERVERS, id), form, wrong=reason, status=422),
    )


def use_account(id: int) -> ResponseReturnValue:
    """Use the account of another server."""
    stored(SERVERS, id)
    chosen = request.form.get("account", "")
    if not chosen.isdecimal() or len(chosen) > 9:
        abort(400)
    return _applied(id, lambda session: oauth_accounts.use(session, viewer(), id, int(chosen)))


def leave_account(id: int) -> ResponseReturnValue:
    """Log in by OAuth 2 no more."""
    stored(SERVERS, id)
    return _applied(id, lambda session: oauth_accounts.leave(session, viewer(), id))


def renew_token(id: int) -> ResponseReturnValue:
    """Get a token now: for an application or a service account, that is what connecting it means."""
    account = _to_connect(id)
    return _granted(id, account, lambda client: exchange.renewed(client))


def begin_device(id: int) -> ResponseReturnValue:
    """Ask for a device code, and show what to enter where."""
    account = _to_connect(id)
    if not account.device_url:
        return form_posts.refuse(_("This provider has no device flow. Connect in this browser."), _url(id))
    try:
        begun = connecting.begin_device(_client(account), account.device_url)
    except NoToken as why:
        return form_posts.refuse(f"{retold(str(why))}.", _url(id))

    def keep(session: Session) -> str:
        oauth_accounts.wait_for_device(session, viewer(), account.id, begun)
        return _("Enter the code at the provider, then come back here.")

    return _applied(id, keep)


def check_device(id: int) -> ResponseReturnValue:
    """Ask whether the device code was confirmed."""
    account = _to_connect(id)
    begun = connecting.waited_for(db.session, account)
    if begun is None:
        return form_posts.refuse(_("The code has ended. Ask for another one."), _url(id))
    try:
        granted = exchange.by_device(_client(account), begun.device_code)
    except NoToken as why:
        words = f"{retold(str(why))}."
        if why.error in connecting.WAITING:
            about = {"code": begun.user_code, "address": begun.address}
            words = _("It is not confirmed yet. Enter %(code)s at %(address)s first.", **about)
        return form_posts.refuse(words, _url(id))
    return _connected(id, account, granted)


def connect(id: int) -> ResponseReturnValue:
    """Lead to the provider, where a person allows it; by a link, since our forms lead nowhere else
    (sign_on/pages.py)."""
    account = _to_connect(id)
    try:
        begun = connecting.begin_code(account, server_pages.redirect_uri())
    except Refused as reason:
        return form_posts.refuse(str(reason), _url(id))
    cookie[BEGUN] = {
        "state": begun.state,
        "verifier": begun.verifier,
        "server": id,
        "account": account.id,
        "version": account.version,
        "by": viewer().name,
        "at": int(time.time()),
    }
    return redirect(begun.url, 303)


def back() -> ResponseReturnValue:
    """The person comes back from the provider: exchange the code for tokens."""
    begun = cookie.pop(BEGUN, None)
    is_ours = (
        isinstance(begun, dict)
        and begun["state"] == request.args.get("state", "")
        and begun["by"] == viewer().name
        and time.time() - begun["at"] < BEGUN_SECONDS
    )
    if not is_ours or begun is None:
        _note_refusal("a return from a provider that was not begun here")
        words = _("This connection was not begun in this browser, or is too old. Begin it again.")
        return form_posts.refuse(words, "/servers")
    id = int(begun["server"])
    account = _to_connect(id)
    code = request.args.get("code", "")
    if not code or len(code) > CODE_MAX or account.id != begun["account"]:
        _note_refusal("the provider gave no code")
        return form_posts.refuse(_("The provider did not allow it. Begin again."), _url(id))
    try:
        granted = exchange.by_code(_client(account), code, begun["verifier"], server_pages.redirect_uri())
    except NoToken as why:
        return form_posts.refuse(f"{retold(str(why))}.", _url(id))
    try:
        with db.writing() as session:
            words = oauth_accounts.connected(session, viewer(), account.id, begun["version"], granted)
    except NotFound:
        abort(404)
    except Refused as reason:
        return form_posts.refuse(str(reason), _url(id))
    return form_posts.notify(words, _url(id))


def _to_connect(id: int) -> OAuthAccount:
    """The account of this server, for a person who may connect it."""
    try:
        oauth_accounts.refuse_others(viewer())
    except NotAllowed as refusal:
        _note_refusal(refusal.detail)
        abort(403, str(refusal))
    account = account_of(db.session, stored(SERVERS, id))
    if account is None:
        abort(404)
    user_limits.count(user_limits.TEST_MAILS, "connection checks")
    return account


def _note_refusal(detail: str) -> None:
    with db.writing() as session:
        audit.note(session, viewer().name, "refused", "oauth account", detail)


def _granted(
    id: int, account: OAuthAccount, ask: Callable[[OAuthClient], GrantedToken]
) -> ResponseReturnValue:
    try:
        granted = ask(_client(account))
    except NoToken as why:
        return form_posts.refuse(f"{retold(str(why))}.", _url(id))
    return _connected(id, account, granted)


def _connected(id: int, account: OAuthAccount, granted: GrantedToken) -> ResponseReturnValue:
    who, version = viewer(), account.version
    return _applied(id, lambda session: oauth_accounts.connected(session, who, account.id, version, granted))


def _client(account: OAuthAccount) -> OAuthClient:
    """The client of this account; ends the reading, since the provider may take its time."""
    client = tokens.client_of(db.session, account, runtime().settings.own_services)
    db.end_reading()
    return client


def _applied(id: int, effect: Callable[[Session], str]) -> ResponseReturnValue:
    return form_posts.apply_once(lambda session: (_url(id), effect(session)), back=_url(id))


def _page(server: MailServer, form: OAuthForm, *, wrong: str = "", status: int) -> ResponseReturnValue:
    """The page of the server with the form as it was filled in, but for the secret."""
    form.secret.data = ""
    filled = {"account_form": form, "account_wrong": wrong, "oauth_name": provider_words(form.provider)}
    return page(SERVERS, server, {**server_pages.beside(db.session, server), **filled}, status=status)


def _url(id: int) -> str:
    return f"/servers/{id}"
