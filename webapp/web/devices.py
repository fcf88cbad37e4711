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


BROWSERS = {
    "Edg": "Edge",
    "OPR": "Opera",
    "SamsungBrowser": "Samsung Internet",
    "Firefox": "Firefox",
    "FxiOS": "Firefox",
    "Chrome": "Chrome",
    "Chromium": "Chrome",
    "CriOS": "Chrome",
    "Safari": "Safari",
}
SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "CrOS": "ChromeOS",
    "Windows": "Windows",
    "Mac OS X": "a Mac",
    "Linux": "Linux",
}
"""Each browser also names those that it wants to be taken for: the first that is found counts."""


def device_words(agent: str) -> str:
    """The browser that sends this User-Agent, in plain words: Firefox on Windows. Only words of our own."""
    browser = next((name for token, name in BROWSERS.items() if f"{token}/" in agent), "Another browser")
    system = next((name for token, name in SYSTEMS.items() if token in agent), "")
    return f"{browser} on {system}" if system else browser
