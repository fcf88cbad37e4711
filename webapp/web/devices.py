"""Which browser a person has logged in with before: a signed cookie that names the account, and opens
nothing."""

from __future__ import annotations

import secrets
from datetime import timedelta

from flask import Response, current_app, request
from itsdangerous import BadSignature, URLSafeTimedSerializer

COOKIE = "mailrun_device"
KEPT = timedelta(days=180)


def known_device(email: str) -> str:
    """The id of this browser, if this account has logged in with it; else empty."""
    try:
        owner, device = _serializer().loads(
            request.cookies.get(COOKIE, ""), max_age=int(KEPT.total_seconds())
        )
    except (BadSignature, ValueError, TypeError):
        return ""
    return str(device) if owner == email else ""


def remember(response: Response, email: str) -> Response:
    """The answer, which has the browser know that this account has logged in with it."""
    value = _serializer().dumps([email, known_device(email) or secrets.token_urlsafe(12)])
    response.set_cookie(
        COOKIE,
        str(value),
        max_age=KEPT,
        secure=request.is_secure,
        httponly=True,
        samesite="Lax",
        path="/login",
    )
    return response


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.secret_key or "", salt="device")
