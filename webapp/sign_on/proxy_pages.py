"""A proxy of an intranet that has signed the person in, and names them in a header. The header is believed
only from the proxy itself: the address of the direct peer, which no one can write into a request.

The session that begins so is one like any other, and ends when the proxy names no one or another person."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

from flask import Flask, make_response, render_template, request
from flask import session as cookie
from sqlalchemy import select
from werkzeug.datastructures import EnvironHeaders
from werkzeug.wrappers import Response as AnyResponse

from webapp import audit
from webapp.access import viewer_of
from webapp.extensions import runtime_of
from webapp.store.db import db
from webapp.store.users import AuditEntry, User
from webapp.web import sessions
from webapp.web.access_control import SAFE_METHODS
from webapp.web.view_flags import is_marked

Address = IPv4Address | IPv6Address
BY_PROXY = "by_proxy"
"""Of the cookie: the session began by the header."""
TOLD_MAX = 1_000
"""Addresses that one process notes: no one may fill the audit trail."""


def init_app(app: Flask) -> None:
    """Look at the header before every page. Register it before the access control, which wants to know who it
    is."""
    settings = runtime_of(app).settings.logins
    if not settings.proxy_header:
        return
    told: set[str] = set()

    @app.before_request
    def note_proxy_user() -> AnyResponse | None:
        if not request.endpoint or request.endpoint == "static" or request.blueprint == "health":
            return None
        named = EnvironHeaders(request.environ).get(settings.proxy_header, "").strip().lower()
        peer = _peer()
        if peer is None or not any(peer in network for network in settings.proxy_networks):
            if named:
                _tell_once(told, _network(peer), settings.proxy_header, "no proxy of ours; ignored")
            return None
        if _follow(named) or is_marked("open_to_all"):
            return None
        _tell_once(told, named[:150], settings.proxy_header, f"the proxy {peer} names no user")
        page = render_template("sign_on/unknown.html", named=named, has_passwords=settings.has_passwords)
        return make_response(page, 403)


def _peer() -> Address | None:
    """The address that this process was connected from: ProxyFix puts the visitor's in its place, and keeps
    it here."""
    kept: dict[str, Any] = request.environ.get("werkzeug.proxy_fix.orig", {})
    try:
        peer = ip_address(str(kept.get("REMOTE_ADDR", request.environ.get("REMOTE_ADDR", ""))))
    except ValueError:
        return None
    return getattr(peer, "ipv4_mapped", None) or peer


def _follow(named: str) -> bool:
    """Have the session be that of the person whom the proxy names. Returns whether that is a user, or no
    one."""
    now = sessions.current()
    if now and now.viewer.name == named:
        return True
    if now and (named or cookie.get(BY_PROXY)):
        with db.writing() as session:
            audit.note(
                session, now.viewer.name, "logout", now.viewer.name, "the proxy does not name them any more"
            )
            sessions.end(session)
    if not named or request.method not in SAFE_METHODS:
        # The token of a form that was sent belongs to a session that is over: let the page ask again.
        return True
    user = db.session.scalar(select(User).where(User.email == named, User.disabled_at.is_(None)))
    if user is None:
        return False
    with db.writing() as session:
        audit.note(session, user.email, "login", user.email, f"named by the proxy {_peer()}")
        seen_as = viewer_of(session.get_one(User, user.id))
        sessions.begin(session, user, seen_as)
    cookie[BY_PROXY] = True
    return True


def _network(peer: Address | None) -> str:
    """The address that is noted: all of an IPv6 network are one, since a machine has as many as it likes."""
    return str(ip_network(f"{peer}/64", strict=False)) if isinstance(peer, IPv6Address) else str(peer)


def _tell_once(told: set[str], who: str, header: str, why: str) -> None:
    """Note in the audit trail that the header was refused: once for each who, over all processes."""
    if who in told or len(told) >= TOLD_MAX:
        return
    told.add(who)
    subject = f"{header}: {who}"
    with db.writing() as session:
        noted = select(AuditEntry.id).where(AuditEntry.subject == subject, AuditEntry.action == "refused")
        if session.scalar(noted.limit(1)) is None:
            audit.note(session, who, "refused", subject, why)
