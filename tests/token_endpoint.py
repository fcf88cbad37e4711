"""A provider of tokens on loopback: a real HTTP server that can be slow, away, revoke, rotate and expire."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT_ID, CLIENT_SECRET = "mailrun-client", "very secret client secret, never shown"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


@dataclass
class TokenEndpoint:
    """`life`: seconds of a token. `slow`: seconds before an answer. `away`: 503 to all; `html`: no JSON.
    `revoked`: invalid_grant to every refresh. `rotates`: a refresh token counts once. `echoes`: errors repeat
    what was sent. `confirmed`: the device code was entered. `key`: the service account's.
    `username`: whose the tokens are, as RFC 7662 tells it at /introspect.
    `good`: the access tokens that count, with the end of each. `requests`: what was asked, form by form."""

    life: float = 3600.0
    slow: float = 0.0
    away: bool = False
    html: bool = False
    revoked: bool = False
    rotates: bool = False
    echoes: bool = False
    confirmed: bool = False
    leads_to: str = ""
    client_secret: str = CLIENT_SECRET
    username: str = "reader"
    key: RSAKey | None = None
    good: dict[str, float] = field(default_factory=dict)
    given: list[str] = field(default_factory=list)
    refresh: set[str] = field(default_factory=set)
    used_twice: list[str] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    requests: list[dict[str, str]] = field(default_factory=list)
    claims: list[dict[str, Any]] = field(default_factory=list)
    port: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def token_url(self) -> str:
        return f"{self.url}/token"

    def accepts(self, token: str) -> bool:
        """Whether a mail server takes this token now."""
        return self.good.get(token, 0.0) > time.time()

    def expire_all(self) -> None:
        """No access token that was given counts any more."""
        self.good.clear()

    def revoke(self) -> None:
        """The person, or an administrator, has taken it back: nothing counts any more."""
        self.revoked = True
        self.good.clear()

    def secrets_given(self) -> list[str]:
        """Everything that must be nowhere."""
        return [self.client_secret, *self.given]

    def start(self, port: int = 0) -> None:
        """Listens on loopback, on this port or a free one."""
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *args: object) -> None:
                pass

            def do_POST(self) -> None:
                size = int(self.headers.get("Content-Length") or 0)
                form = {k: v[0] for k, v in parse_qs(self.rfile.read(size).decode()).items()}
                self.answer(*endpoint.answer(urlsplit(self.path).path, form))

            def do_GET(self) -> None:
                asked = {k: v[0] for k, v in parse_qs(urlsplit(self.path).query).items()}
                code = endpoint.allow(asked)
                back = f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"
                self.send_response(302)
                self.send_header("Location", back)
                self.end_headers()

            def answer(self, status: int, said: dict[str, Any] | str) -> None:
                data = (said if isinstance(said, str) else json.dumps(said)).encode()
                with suppress(OSError):
                    self.send_response(status)
                    if endpoint.leads_to:
                        self.send_header("Location", endpoint.leads_to)
                    self.send_header("Content-Length", str(len(data)))
                    self.end_headers()
                    self.wfile.write(data)

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Listens no more: connections are refused."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def allow(self, asked: dict[str, str]) -> str:
        """What a person's yes gives: a code."""
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        self.given.append(code)
        return code

    def answer(self, path: str, form: dict[str, str]) -> tuple[int, dict[str, Any] | str]:
        with self._lock:
            self.requests.append({"path": path, **form})
        time.sleep(self.slow)
        if self.leads_to:
            return 307, ""
        if self.away:
            return 503, {"error": "temporarily_unavailable"}
        if self.html:
            return 200, "<html>a gateway</html>"
        with self._lock:
            if path == "/introspect":
                return 200, {"active": self.accepts(form.get("token", "")), "username": self.username}
            return self._device() if path == "/device" else self._token(form)

    def _device(self) -> tuple[int, dict[str, Any]]:
        self.given.append("device-code-secret")
        return 200, {
            "device_code": "device-code-secret",
            "user_code": "ABCD-EFGH",
            "verification_uri": f"{self.url}/enter",
            "expires_in": 600,
        }

    def _token(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        grant = form.get("grant_type", "")
        if grant == JWT_BEARER:
            assert self.key is not None
            claims = jwt.decode(form["assertion"], self.key, algorithms=["RS256"]).claims
            self.given.append(form["assertion"])
            self.claims.append(claims)
            return (200, self._give(refresh=False)) if not self.revoked else self._no("invalid_grant", form)
        if form.get("client_id") != CLIENT_ID or form.get("client_secret", "") != self.client_secret:
            return self._no("invalid_client", form)
        if grant == "client_credentials":
            return (
                (200, self._give(refresh=False))
                if not self.revoked
                else self._no("unauthorized_client", form)
            )
        if grant == DEVICE:
            return (200, self._give()) if self.confirmed else self._no("authorization_pending", form)
        if grant == "authorization_code":
            return (200, self._give()) if self._proves(form) else self._no("invalid_grant", form)
        held = form.get("refresh_token", "")
        if self.revoked or held not in self.refresh:
            if held in self.given and not self.revoked:
                self.used_twice.append(held)
            return self._no("invalid_grant", form)
        if self.rotates:
            self.refresh.discard(held)
        return 200, self._give(refresh=self.rotates)

    def _proves(self, form: dict[str, str]) -> bool:
        asked = self.codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        return (
            asked is not None
            and asked.get("code_challenge_method") == "S256"
            and asked.get("code_challenge") == challenge
            and asked.get("redirect_uri") == form.get("redirect_uri")
        )

    def _give(self, *, refresh: bool = True) -> dict[str, Any]:
        access = f"access-{secrets.token_urlsafe(24)}"
        self.good[access] = time.time() + self.life
        self.given.append(access)
        said: dict[str, Any] = {"access_token": access, "token_type": "Bearer", "expires_in": self.life}
        if refresh:
            said["refresh_token"] = f"refresh-{secrets.token_urlsafe(24)}"
            self.refresh.add(said["refresh_token"])
            self.given.append(said["refresh_token"])
        return said

    def _no(self, error: str, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        told = f"no: {json.dumps(form)}" if self.echoes else "no, since it is a test"
        return 400, {"error": error, "error_description": told}


@contextmanager
def token_endpoint(**options: Any) -> Iterator[TokenEndpoint]:
    """A provider that listens while the block lasts."""
    endpoint = TokenEndpoint(**options)
    endpoint.start()
    try:
        yield endpoint
    finally:
        endpoint.stop()
