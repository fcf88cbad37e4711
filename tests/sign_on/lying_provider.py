"""An OpenID provider that lies when it is told to: a real HTTP server, whose tokens are really signed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jws, jwt
from joserfc.jwk import OctKey, RSAKey

CLIENT_ID, CLIENT_SECRET = "mailrun", "a secret of forty characters, or more of them"
SLOW_SECONDS = 4.0


def new_key(kid: str | None) -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": kid} if kid else None)


KEY, STRANGERS_KEY = new_key("one"), new_key("one")


@dataclass
class LyingProvider:
    """`lie`: what it lies about now. `claims`: what it says of the person. `asked`: the paths that it was
    asked for, and `left` the arguments of logouts."""

    lie: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    more: dict[str, Any] | None = None
    key: RSAKey = field(default_factory=lambda: KEY)
    metadata: dict[str, Any] = field(default_factory=dict)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    left: list[dict[str, str]] = field(default_factory=list)
    port: int = 0

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def describe(self) -> dict[str, Any]:
        """Its metadata."""
        told = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "end_session_endpoint": f"{self.issuer}/logout",
            "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
            "authorization_response_iss_parameter_supported": True,
        }
        if self.more is not None:
            told["userinfo_endpoint"] = f"{self.issuer}/userinfo"
        if self.lie == "metadata of another issuer":
            told["issuer"] = "https://elsewhere.example"
        if self.lie == "token endpoint without TLS":
            told["token_endpoint"] = "http://elsewhere.example/token"
        return {**told, **self.metadata}

    def authorize(self, asked: dict[str, str]) -> str:
        """Where the browser is led back to."""
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        answer = {"code": code, "state": asked["state"], "iss": self.issuer}
        if self.lie == "callback of another issuer":
            answer["iss"] = "https://elsewhere.example"
        if self.lie == "callback without issuer":
            del answer["iss"]
        if self.lie == "wrong state":
            answer["state"] = "another"
        if self.lie == "made-up code":
            answer["code"] = "made-up"
        if self.lie == "error":
            answer = {"error": "access_denied", "state": asked["state"], "iss": self.issuer}
        return f"{asked['redirect_uri']}?{urlencode(answer)}"

    def exchange(self, asked: dict[str, str], login: str) -> tuple[int, dict[str, Any]]:
        """The token for a code: once, for the client with its secret, for the verifier of the challenge."""
        begun = self.codes.pop(asked.get("code", ""), None)
        right = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        digest = hashlib.sha256(asked.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if begun is None or login != f"Basic {right}" or begun.get("code_challenge") != challenge:
            return 400, {"error": "invalid_grant"}
        assert (begun["code_challenge_method"], begun["response_type"]) == ("S256", "code")
        token = {"access_token": "access", "token_type": "Bearer", "expires_in": 300}
        if self.lie != "no ID token":
            token["id_token"] = self.id_token(begun)
        return 200, token

    def id_token(self, begun: dict[str, str]) -> str:
        """What it says of who has signed in."""
        at = int(time.time())
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "sub": "0001",
            "nonce": begun["nonce"],
        }
        claims |= {"iat": at, "exp": at + 300, **self.claims}
        claims |= self.lied_claims(at)
        for name in [name for name, value in claims.items() if value is None]:
            del claims[name]
        header = {"alg": "RS256", **({"kid": self.key.kid} if self.key.kid else {})}
        if self.lie == "alg none":
            registry = jws.JWSRegistry(algorithms=["none"])
            return jwt.encode(
                {"alg": "none"}, claims, OctKey.import_key("unused unused unused"), registry=registry
            )
        if self.lie == "HS256 with the public key":
            return _by_hand(header, claims, self.key.as_pem(private=False))
        if self.lie == "HS256 with the client secret":
            return _by_hand(header, claims, CLIENT_SECRET.encode())
        signing = STRANGERS_KEY if self.lie == "unknown key" else self.key
        if self.lie == "unknown kid":
            header["kid"] = "never seen"
        signed = jwt.encode(header, claims, signing)
        return signed[:-6] + "AAAAAA" if self.lie == "broken signature" else signed

    def lied_claims(self, at: int) -> dict[str, Any]:
        """The claims that this lie is about; None: left out."""
        lies: dict[str, dict[str, Any]] = {
            "wrong iss": {"iss": "https://elsewhere.example"},
            "no iss": {"iss": None},
            "aud of another": {"aud": "another"},
            "aud of another, azp us": {"aud": "another", "azp": CLIENT_ID},
            "auds of others, azp us": {"aud": ["another", "third"], "azp": CLIENT_ID},
            "aud us, azp another": {"aud": [CLIENT_ID, "another"], "azp": "another"},
            "no aud": {"aud": None},
            "wrong nonce": {"nonce": "another"},
            "no nonce": {"nonce": None},
            "expired": {"iat": at - 900, "exp": at - 600},
            "never expires": {"exp": None},
            "from the future": {"iat": at + 900, "exp": at + 1200},
            "no sub": {"sub": None},
            "empty sub": {"sub": ""},
            "sub is a list": {"sub": ["0001"]},
            "sub with NUL": {"sub": "0001\x00"},
        }
        return lies.get(self.lie, {})

    def answer(self, path: str, asked: dict[str, str], login: str) -> tuple[int, object]:
        """(status, JSON or text) for a request to the server itself."""
        self.asked.append(path)
        if self.lie == f"500 at {path}":
            return 500, "broken"
        if self.lie == f"not JSON at {path}":
            return 200, "<html>Hello</html>"
        if self.lie == f"a list at {path}":
            return 200, ["a", "list"]
        if path == "/.well-known/openid-configuration":
            return 200, self.describe()
        if path == "/jwks":
            return 200, {"keys": [self.key.as_dict(private=False)]}
        if path == "/userinfo":
            return 200, self.more
        return self.exchange(asked, login)


def _by_hand(header: dict[str, Any], claims: dict[str, Any], secret: bytes) -> str:
    """A token signed by HS256 with these bytes: joserfc itself takes no public key for a secret."""
    signed = ".".join(_part(json.dumps(each).encode()) for each in ({**header, "alg": "HS256"}, claims))
    return f"{signed}.{_part(hmac.digest(secret, signed.encode(), 'sha256'))}"


def _part(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


class _Handler(BaseHTTPRequestHandler):
    provider: LyingProvider

    def do_GET(self) -> None:
        path, asked = urlsplit(self.path).path, _flat(urlsplit(self.path).query)
        if path == "/authorize":
            self._lead(self.provider.authorize(asked))
        elif path == "/logout":
            self.provider.left.append(asked)
            self._lead(f"{asked['post_logout_redirect_uri']}?state={asked['state']}")
        else:
            self._send(*self.provider.answer(path, asked, ""), path)

    def do_POST(self) -> None:
        asked = _flat(self.rfile.read(int(self.headers["Content-Length"])).decode())
        login = self.headers.get("Authorization", "")
        self._send(*self.provider.answer(self.path, asked, login), self.path)

    def _lead(self, to: str) -> None:
        self.send_response(302)
        self.send_header("Location", to)
        self.end_headers()

    def _send(self, status: int, content: object, path: str) -> None:
        body = content.encode() if isinstance(content, str) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.provider.lie == f"slow at {path}":  # a byte now and then: no single read takes long
            for at in range(len(body)):
                time.sleep(SLOW_SECONDS / 20)
                self.wfile.write(body[at : at + 1])
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


def _flat(query: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(query).items()}


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has given up is no error."""


@contextmanager
def lying_provider() -> Iterator[LyingProvider]:
    """A provider that runs, and is honest until it is told to lie."""
    provider = LyingProvider()
    handler = type("Handler", (_Handler,), {"provider": provider})
    server = _Server(("127.0.0.1", 0), handler)
    provider.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
