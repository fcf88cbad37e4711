"""Asks a provider for tokens. Authlib speaks the protocol; what it says of a failure is told in words,
without any secret."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from authlib.integrations.base_client import OAuthError
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey
from requests import RequestException
from requests.exceptions import HTTPError, JSONDecodeError

from webapp.destinations import Service, refusal
from webapp.limited_http import ForbiddenDestination, LimitedAssertion, LimitedSession, confine
from webapp.login_settings import is_safe
from webapp.printable import printable
from webapp.store.statuses import OAuthWay
from webapp.store.types import now, storable
from webapp.translation import N_

AWAY = N_("%(host)s, which gives the tokens, does not answer: %(why)s")
BUSY = N_("%(host)s, which gives the tokens, cannot give one now: %(reply)s")
REVOKED = N_("%(host)s gives no token any more, it was revoked or has ended: %(reply)s")
WRONG_CLIENT = N_("%(host)s refuses the client ID or its secret, which may have ended: %(reply)s")
REFUSED = N_("%(host)s gives no token: %(reply)s")
NO_TOKEN = N_("what %(host)s answered has no token in it")
BAD_KEY = N_("the private key of the service account cannot be used")
NOT_SAFE = N_("the address of the tokens must begin with https://")
FORBIDDEN = N_("the tokens may not be asked for there: %(why)s")

PASSING_ERRORS = ("temporarily_unavailable", "server_error", "slow_down")
"""Errors that say that the same request may work later (RFC 6749, 4.1.2.1; RFC 8628, 3.5)."""
WORDS_MAX = 300
LIFE_DEFAULT, LIFE_MAX = 3600, 30 * 86400
"""Seconds that a token lives if the provider does not say, and that are believed at most."""
JWT_SECONDS = 3600
MASK = "••••••••"


class NoToken(Exception):
    """There is no token. The message says why; `needs_a_person`: it will not come by itself. `error`: the
    provider's word for it (RFC 6749, section 5.2)."""

    def __init__(self, words: str, *, needs_a_person: bool, error: str = "") -> None:
        super().__init__(words)
        self.needs_a_person, self.error = needs_a_person, error


@dataclass(frozen=True)
class OAuthClient:
    """An account as it is needed to ask for tokens, its secrets opened."""

    way: OAuthWay
    token_url: str
    scope: str
    client_id: str
    mailbox: str
    secret: str = field(default="", repr=False)
    refresh_token: str = field(default="", repr=False)
    own_services: tuple[Service, ...] = ()

    @property
    def host(self) -> str:
        """Who gives the tokens, as people are told."""
        return urlsplit(self.token_url).hostname or self.token_url


@dataclass(frozen=True)
class GrantedToken:
    """A token. `refresh_token`: the one that counts from now on, empty if there is none."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: datetime


def renewed(client: OAuthClient) -> GrantedToken:
    """Another access token. Raises NoToken."""
    match client.way:
        case OAuthWay.CLIENT_CREDENTIALS:
            return _granted(client, lambda session: session.fetch_token(grant_type="client_credentials"))
        case OAuthWay.SERVICE_ACCOUNT:
            return _by_assertion(client)
    if not client.refresh_token:
        raise NoToken(N_("it is not connected yet"), needs_a_person=True)
    return _granted(
        client, lambda session: session.refresh_token(client.token_url, refresh_token=client.refresh_token)
    )


def by_code(client: OAuthClient, code: str, verifier: str, redirect_uri: str) -> GrantedToken:
    """The tokens for the code that a person came back with. Raises NoToken."""
    more = {"code": code, "code_verifier": verifier, "redirect_uri": redirect_uri}
    return _granted(
        client, lambda session: session.fetch_token(grant_type="authorization_code", **more), (code, verifier)
    )


DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


def by_device(client: OAuthClient, device_code: str) -> GrantedToken:
    """The tokens for a device code, once a person has entered its user code. Raises NoToken; its `error` is
    "authorization_pending" or "slow_down" until then (RFC 8628, 3.5)."""
    return _granted(
        client,
        lambda session: session.fetch_token(grant_type=DEVICE_GRANT, device_code=device_code),
        (device_code,),
    )


def device_code(client: OAuthClient, device_url: str) -> Mapping[str, Any]:
    """What the provider answers to the wish for a device code (RFC 8628, 3.2). Raises NoToken."""

    def ask(session: LimitedSession) -> Any:
        data = {"client_id": client.client_id, "scope": client.scope}
        answer = session.request("POST", device_url, withhold_token=True, data=data)
        said = _json(answer)
        if "error" in said:
            raise OAuthError(error=str(said["error"]), description=said.get("error_description"))
        answer.raise_for_status()
        return said

    said = _asked(client, ask, url=device_url)
    needed = ("device_code", "user_code", "verification_uri")
    if not all(isinstance(said.get(name), str) and said[name] for name in needed):
        raise NoToken(NO_TOKEN % {"host": client.host}, needs_a_person=True)
    return dict(said)


def private_key(pem: str) -> RSAKey | None:
    """The key that a service account signs with; None if this is none."""
    try:
        key = RSAKey.import_key(pem)
    except (JoseError, ValueError, TypeError):
        return None
    return key if key.is_private else None


def _by_assertion(client: OAuthClient) -> GrantedToken:
    key = private_key(client.secret)
    if key is None:
        raise NoToken(BAD_KEY, needs_a_person=True)

    def ask(_: LimitedSession) -> Any:
        session = LimitedAssertion(
            token_endpoint=client.token_url,
            issuer=client.client_id,
            subject=client.mailbox or None,
            audience=client.token_url,
            claims={"scope": client.scope},
            grant_type=LimitedAssertion.JWT_BEARER_GRANT_TYPE,
            key=key,
            header={"alg": "RS256"},
            expires_in=JWT_SECONDS,
        )
        confine(session, client.own_services)
        return session.refresh_token()  # type: ignore[no-untyped-call]

    return _token(client, _asked(client, ask))


def _granted(
    client: OAuthClient, ask: Callable[[LimitedSession], Any], secrets: Iterable[str] = ()
) -> GrantedToken:
    return _token(client, _asked(client, ask, secrets))


def _asked(
    client: OAuthClient,
    ask: Callable[[LimitedSession], Any],
    secrets: Iterable[str] = (),
    url: str = "",
) -> Any:
    """The provider's answer. Raises NoToken."""
    url = url or client.token_url
    parts = urlsplit(url)
    if not is_safe(url):
        raise NoToken(NOT_SAFE, needs_a_person=True)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    if words := refusal(parts.hostname or "", port, client.own_services):
        raise NoToken(FORBIDDEN % {"why": words}, needs_a_person=True)
    session = LimitedSession(
        client.client_id,
        client.secret or None,
        token_endpoint=client.token_url,
        token_endpoint_auth_method="client_secret_post" if client.secret else "none",
        scope=client.scope or None,
    )
    confine(session, client.own_services)
    try:
        with session:
            return ask(session)
    except OAuthError as error:
        raise _refused(client, error, (*secrets, client.secret, client.refresh_token)) from None
    except ForbiddenDestination as why:
        raise NoToken(FORBIDDEN % {"why": why}, needs_a_person=True) from None
    except (HTTPError, JSONDecodeError) as error:
        raise _broken(client, error) from None
    except RequestException as error:
        raise NoToken(AWAY % {"host": client.host, "why": _cause(error)}, needs_a_person=False) from None
    except (ValueError, TypeError, LookupError, AttributeError):  # what a broken answer makes Authlib raise
        raise NoToken(NO_TOKEN % {"host": client.host}, needs_a_person=False) from None


def _refused(client: OAuthClient, error: OAuthError, secrets: Iterable[str]) -> NoToken:
    """What the provider refused for, as it says itself. It may repeat what it was sent."""
    said = ": ".join(str(part) for part in (error.error, error.description) if part)
    for secret in filter(None, secrets):
        said = said.replace(secret, MASK)
    about = {"host": client.host, "reply": printable(storable(said))[:WORDS_MAX].strip(" .")}
    word = str(error.error or "")
    if word in PASSING_ERRORS:
        return NoToken(BUSY % about, needs_a_person=False, error=word)
    words = {"invalid_grant": REVOKED, "invalid_client": WRONG_CLIENT, "unauthorized_client": WRONG_CLIENT}
    return NoToken(words.get(word, REFUSED) % about, needs_a_person=True, error=word)


def _broken(client: OAuthClient, error: Exception) -> NoToken:
    status = error.response.status_code if isinstance(error, HTTPError) and error.response is not None else 0
    if status >= 500 or status == 429:
        return NoToken(BUSY % {"host": client.host, "reply": f"HTTP {status}"}, needs_a_person=False)
    return NoToken(NO_TOKEN % {"host": client.host}, needs_a_person=False)


def _cause(error: RequestException) -> str:
    """What a failed connection is called: not its whole text, which repeats the address and its query."""
    text = str(error).lower()
    for sign, words in (
        ("refused", N_("connection refused")),
        ("name or service not known", N_("its name cannot be found")),
        ("name resolution", N_("its name cannot be found")),
        ("failed to resolve", N_("its name cannot be found")),
        ("certificate", N_("its certificate is not valid")),
        ("timed out", N_("no answer in time")),
        ("no whole answer", N_("no answer in time")),
        ("redirect", N_("it leads elsewhere")),
    ):
        if sign in text:
            return words
    return N_("the connection was lost")


def _json(answer: Any) -> dict[str, Any]:
    said = answer.json()
    return said if isinstance(said, dict) else {}


def _token(client: OAuthClient, said: Any) -> GrantedToken:
    access = said.get("access_token") if isinstance(said, dict) else None
    if not isinstance(access, str) or not access or not access.isascii() or not access.isprintable():
        raise NoToken(NO_TOKEN % {"host": client.host}, needs_a_person=False)
    refresh = said.get("refresh_token")
    try:
        life = int(float(said.get("expires_in") or LIFE_DEFAULT))
    except (TypeError, ValueError, OverflowError):
        life = LIFE_DEFAULT
    return GrantedToken(
        access_token=access,
        refresh_token=refresh if isinstance(refresh, str) else "",
        expires_at=now() + timedelta(seconds=min(max(life, 0), LIFE_MAX)),
    )
