"""Who is logged in. The cookie carries the user's id and session key and a key of this one session.

A session ends at logout (its own key is then used up, so that a kept copy of the cookie is worthless), when
the user's session key changes or the user is disabled (all sessions end), after 12 idle hours, and after 7
days in any case."""

from __future__ import annotations

import hmac
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

from flask import Flask, session
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user
from sqlalchemy import bindparam, not_, select

from webapp.access import Viewer
from webapp.store.db import db
from webapp.store.statuses import Role
from webapp.store.users import User, UserCluster
from webapp.web import form_keys
from webapp.web.view_flags import is_marked

IDLE = timedelta(hours=12).total_seconds()
ABSOLUTE = timedelta(days=7)
NOTICE_SECONDS = 60
"""Seconds: how often the time of the last request is written into the cookie."""


@dataclass(frozen=True)
class SessionUser(UserMixin):
    """The user of this request, detached from the database."""

    id: int
    key: str
    name: str
    viewer: Viewer

    def get_id(self) -> str:
        return f"{self.id}.{self.key}"


def init_app(app: Flask) -> None:
    """Have every request know its user."""
    app.config["PERMANENT_SESSION_LIFETIME"] = ABSOLUTE
    # No template asks who is logged in by its way: the page that says that the database is away must not.
    LoginManager(app, add_context_processor=False).user_loader(_load)


def begin(user: User, viewer: Viewer) -> None:
    """Log this user in, in a session that shares nothing with the one before."""
    session.clear()
    session.update(since=time.time(), seen=time.time(), own_key=form_keys.new())
    login_user(SessionUser(user.id, user.session_key, user.name, viewer))


def current() -> SessionUser | None:
    """The logged-in user, if any."""
    user = cast(Any, current_user)
    return cast(SessionUser, user) if user.is_authenticated else None


def own_key() -> str:
    """The key of this one session, to be used up at logout."""
    return str(session.get("own_key", ""))


def end() -> None:
    """Forget this session in the browser."""
    logout_user()
    session.clear()


def _load(cookie: str) -> SessionUser | None:
    id, _, key = cookie.partition(".")
    if not id.isdecimal() or not _is_young():
        return None
    found = db.session.execute(_BY_ID, {"id": int(id), "own_key": own_key()}).all()
    if not found or not hmac.compare_digest(found[0][0].encode(), key.encode()):
        return None
    _, email, name, role, _ = found[0]
    bound = frozenset(cluster_id for *_, cluster_id in found if cluster_id is not None)
    return SessionUser(int(id), key, name, Viewer(email, Role(role), bound))


_BY_ID = (
    select(User.session_key, User.email, User.name, User.role, UserCluster.cluster_id)
    .outerjoin(UserCluster, UserCluster.user_id == User.id)
    .where(
        User.id == bindparam("id"),
        User.disabled_at.is_(None),
        not_(form_keys.is_used(bindparam("own_key"))),
    )
)
"""The user, once for each cluster that it is bound to, while its session is open. Every request asks."""


def _is_young() -> bool:
    """Whether the session is within both limits. A page that polls does not keep it awake."""
    at = time.time()
    if at - session.get("since", 0) > ABSOLUTE.total_seconds() or at - session.get("seen", 0) > IDLE:
        return False
    if at - session["seen"] > NOTICE_SECONDS and not is_marked("polled"):
        session["seen"] = at
    return True
