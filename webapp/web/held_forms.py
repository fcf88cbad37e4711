"""Forms that were sent after the login had ended, by a page without scripts: what was typed is handed back
with the login page, signed, and sent again only if the same person logs in and presses for it.

Each form names the person whose page it is on, signed (`typed_by`). So no one can have another person's
browser hold a form of their making; and what one person typed is never shown to the next."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask, current_app, g, render_template, request, session
from itsdangerous import BadSignature, URLSafeSerializer, URLSafeTimedSerializer

from webapp.extensions import runtime
from webapp.login_settings import LoginSettings
from webapp.translation import N_, _
from webapp.web.htmx import page_on_screen

KEPT_SECONDS = 86_400
NOT_KEPT = ("csrf_token", "typed_by")
"""Of the login that ended."""
LOGOUT = "/logout"
SECRET = "password"  # noqa: S105  # a word, not a password
"""Fields whose names begin so are not handed back: they are typed again."""


@dataclass(frozen=True)
class HeldForm:
    """A form as it was typed: who typed it, where it goes to, the page that it was on, and its fields."""

    by: str
    to: str
    page: str
    fields: list[tuple[str, str]]
    leaves_out: bool


def init_app(app: Flask) -> None:
    """Have templates sign their forms, and know the ways to log in."""
    app.add_template_global(typed_by)
    app.add_template_global(login_ways)


def login_ways() -> LoginSettings:
    """How people get in here."""
    return runtime().settings.logins


def typed_by() -> str:
    """The person of this page, signed: once for all of its forms."""
    if "typed_by" not in g:
        g.typed_by = str(URLSafeSerializer(_key(), salt="typed by").dumps(g.viewer.name))
    return str(g.typed_by)


def hold() -> str:
    """The form of this request, signed, to be handed back; empty for one that cannot be: no page of ours
    showed it, or it has files."""
    try:
        by = URLSafeSerializer(_key(), salt="typed by").loads(request.form.get("typed_by", ""))
    except BadSignature:
        return ""
    if request.files or request.path == LOGOUT:
        return ""
    typed = [(name, value) for name, value in request.form.items(multi=True) if name not in NOT_KEPT]
    kept = [(name, value) for name, value in typed if not name.startswith(SECRET)]
    return str(
        _held().dumps([by, request.full_path.rstrip("?"), page_on_screen(), kept, len(kept) < len(typed)])
    )


def held(token: str) -> HeldForm | None:
    """What was held; None for nothing, or for what was held for too long."""
    try:
        by, to, page, fields, leaves_out = _held().loads(token, max_age=KEPT_SECONDS)
    except BadSignature:
        return None
    return HeldForm(by, to, page, [(name, value) for name, value in fields], leaves_out)


def login_page(next: str, *, email: str = "", problem: str = "", held: str = "") -> str:
    """The page to log in at, which says why one is asked again."""
    had_login = "_user_id" in session
    ended = f"{_(ENDED)} {_(KEPT)}" if held else _(ENDED) if had_login else ""
    shown = {"email": email, "problem": problem, "next": next, "held": held, "ended": ended}
    return render_template("users/login.html", **shown)


ENDED = N_("Your login has ended: after 12 hours without use, or because you logged out elsewhere.")
KEPT = N_("What you typed is kept: log in, and send it again with one press.")


def _held() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(_key(), salt="held form")


def _key() -> str:
    return str(current_app.secret_key or "")
