"""What every answer carries against misuse in a browser: headers, and the token in every changing request."""

from __future__ import annotations

from flask import Flask, Response, request
from flask.sessions import SecureCookieSessionInterface
from flask_wtf.csrf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from webapp.extensions import runtime_of

REQUEST_BYTES_MAX = 4_000_000
"""Bytes: twice the largest picture of a template. Nothing else that is sent to a page comes near it."""
POLICY = "default-src 'self'; frame-ancestors 'none'; form-action 'self'; base-uri 'none'; object-src 'none'"


class Cookies(SecureCookieSessionInterface):
    """The login cookie is Secure whenever the request came by https."""

    def get_cookie_secure(self, app: Flask) -> bool:
        return request.is_secure


def init_app(app: Flask) -> None:
    """Set the headers on every answer, the cookie's flags, and the check of the token."""
    app.session_interface = Cookies()
    app.config.update(
        SESSION_COOKIE_NAME="mailrun",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_REFRESH_EACH_REQUEST=False,
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session, not shorter
        MAX_CONTENT_LENGTH=REQUEST_BYTES_MAX,
    )
    app.url_map.merge_slashes = False  # else //x is led to x at whatever host the request names
    app.config["TRUSTED_HOSTS"] = list(runtime_of(app).settings.hosts) or None
    CSRFProtect(app)
    if proxies := runtime_of(app).settings.proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies)  # type: ignore[method-assign]

    @app.after_request
    def guard(response: Response) -> Response:
        headers = response.headers
        headers.setdefault("Content-Security-Policy", POLICY)
        headers.setdefault("X-Content-Type-Options", "nosniff")
        headers.setdefault("Referrer-Policy", "same-origin")
        if request.endpoint != "static":
            headers.setdefault("Cache-Control", "no-store")
            headers.add("Vary", "HX-Request")
        return response
