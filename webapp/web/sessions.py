"""Who is logged in. The cookie carries the user's id and session key and a key of this one session, of which
the database has the hash (UserSession), so that sessions can be listed and ended.

A session ends at logout, when a person ends it (then a kept copy of the cookie is worthless), when the user's
session key changes or the user is disabled (all sessions end), after 12 idle hours, and after 7 days in any
case."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

from flask import Flask, Response, current_app, g, request, session
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user
from sqlalchemy import bindparam, delete, or_, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from webapp import audit, notation
from webapp.access import Viewer, looked_up
from webapp.extensions import runtime_of
from webapp.notation import DateStyle, Notation, NumberStyle
from webapp.store.database import Database
from webapp.store.db import db
from webapp.store.logins import has_factor
from webapp.store.statuses import Role
from webapp.store.types import now
from webapp.store.users import SESSION_IDLE_MAX, SESSION_MAX, User, UserCluster, UserSession
from webapp.translation import best_of
from webapp.web.devices import device_words
from webapp.web.view_flags import is_marked

NOTICE_SECONDS = 60
"""Seconds: how often the time of the last request is written into the cookie, and into the database."""


@dataclass(frozen=True)
class SessionUser(UserMixin):
    """The user of this request, detached from the database. `session_id`: of the row of this session."""

    id: int
    key: str
    name: str
    viewer: Viewer
    session_id: int = 0
    notation: Notation = notation.DEFAULT
    has_shortcuts: bool = True

    def get_id(self) -> str:
        return f"{self.id}.{self.key}"


def init_app(app: Flask) -> None:
    """Have every request know its user, and write as this user reads."""
    app.config["PERMANENT_SESSION_LIFETIME"] = SESSION_MAX
    # No template asks who is logged in by its way: the page that says that the database is away must not.
    LoginManager(app, add_context_processor=False).user_loader(_load)

    @app.before_request
    def write_as_usual() -> None:
        # Until the user is known: the thread served another one before.
        notation.use(Notation(language=best_of([*request.accept_languages.values()])))

    @app.before_request
    def note_origin() -> None:
        """Entries of the audit trail tell where their person acts from."""
        audit.origin.set(f"{request.remote_addr}, {device_words(request.user_agent.string)}")

    @app.after_request
    def note_seen(response: Response) -> Response:
        if id := g.pop("seen_session", None):
            response.call_on_close(partial(_note_seen, runtime_of(app).database, id))
        return response

    @app.teardown_request
    def write_for_no_one(error: BaseException | None) -> None:
        notation.use(notation.DEFAULT)


def begin(writing: Session, user: User, viewer: Viewer) -> None:
    """Log this user in, in a session that shares nothing with the one before; needs a writing session. The
    one before ends, and those of this user that are too old are forgotten."""
    key = secrets.token_urlsafe(32)
    too_old = or_(
        UserSession.created_at < now() - SESSION_MAX, UserSession.seen_at < now() - SESSION_IDLE_MAX
    )
    writing.execute(
        delete(UserSession).where(
            or_(UserSession.key_hash == _hash(own_key()), (UserSession.user_id == user.id) & too_old)
        )
    )
    row = UserSession(
        user_id=user.id,
        key_hash=_hash(key),
        device=device_words(request.headers.get("User-Agent", "")),
        address=(request.remote_addr or "")[:64],
    )
    writing.add(row)
    writing.execute(update(User).where(User.id == user.id).values(seen_at=now()))
    writing.flush()
    session.clear()
    session.update(since=time.time(), seen=time.time(), own_key=key)
    login_user(SessionUser(user.id, user.session_key, user.name, viewer, row.id))


def current() -> SessionUser | None:
    """The logged-in user, if any."""
    user = cast(Any, current_user)
    return cast(SessionUser, user) if user.is_authenticated else None


FIRST_START = "/setup"
"""Where every page leads while there is no user (users/setup_pages.py)."""


def any_user() -> bool:
    """Whether anyone can log in at all. Once there is a user, there always is one: then it is not asked
    again."""
    known = current_app.extensions.setdefault("any user", [])
    if not known and db.session.scalar(select(User.id).limit(1)) is not None:
        known.append(True)
    return bool(known)


def own_key() -> str:
    """The key of this one session; empty without one."""
    return str(session.get("own_key", ""))


def end(writing: Session) -> None:
    """End this session, here and in the database; needs a writing session."""
    writing.execute(delete(UserSession).where(UserSession.key_hash == _hash(own_key())))
    logout_user()
    session.clear()


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def _load(cookie: str) -> SessionUser | None:
    id, _, key = cookie.partition(".")
    if not id.isdecimal() or not own_key() or not _is_young():
        return None
    found = db.session.execute(_BY_ID, {"id": int(id), "key_hash": _hash(own_key())}).all()
    if not found or not hmac.compare_digest(found[0].session_key.encode(), key.encode()):
        return None
    row = found[0]
    bound = frozenset(each.cluster_id for each in found if each.cluster_id is not None)
    rights = (row.may_send, row.may_approve, row.lacks_factor)
    viewer = looked_up(db.session, Viewer(row.email, Role(row.role), bound, *rights))
    language = row.language or notation.current().language
    style = Notation(row.time_zone, DateStyle(row.date_style), NumberStyle(row.number_style), language)
    notation.use(style)
    if session["seen"] == g.get("seen_now"):
        g.seen_session = row.id
    return SessionUser(int(id), key, row.name, viewer, row.id, style, row.shortcuts)


_BY_ID = (
    select(
        *(User.session_key, User.email, User.name, User.role, UserCluster.cluster_id, UserSession.id),
        *(User.may_send, User.may_approve, User.shortcuts),
        *(User.language, User.time_zone, User.date_style, User.number_style),
        ((User.password_hash != "") & ~has_factor()).label("lacks_factor"),
    )
    .join(UserSession, UserSession.user_id == User.id)
    .outerjoin(UserCluster, UserCluster.user_id == User.id)
    .where(
        User.id == bindparam("id"),
        User.disabled_at.is_(None),
        UserSession.key_hash == bindparam("key_hash"),
    )
)
"""The user, once for each cluster that it is bound to, while its session is open. Every request asks."""


def _is_young() -> bool:
    """Whether the session is within both limits. A page that polls does not keep it awake."""
    at = time.time()
    if at - session.get("since", 0) > SESSION_MAX.total_seconds():
        return False
    if at - session.get("seen", 0) > SESSION_IDLE_MAX.total_seconds():
        return False
    if at - session["seen"] > NOTICE_SECONDS and not is_marked("polled"):
        session["seen"] = g.seen_now = at
    return True


def _note_seen(database: Database, id: int) -> None:
    """Note that this session was used, once a minute, when the answer has gone out: a database that takes no
    writes now is no reason to withhold a page."""
    with suppress(DBAPIError), database.writing() as writing:
        at = now()
        seen = (
            update(UserSession).where(UserSession.id == id).values(seen_at=at).returning(UserSession.user_id)
        )
        if (user_id := writing.scalar(seen)) is not None:
            writing.execute(update(User).where(User.id == user_id).values(seen_at=at))
