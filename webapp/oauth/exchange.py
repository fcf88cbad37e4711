"""Asks a provider for tokens. Authlib speaks the protocol; what it says of a failure is told in words,
without any secret."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from authlib.integrations.base_client import OAuthError
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey
from requests import RequestException
from requests.exceptions import HTTPError, JSONDecodeError

from webapp.destinations import refusal
from webapp.limited_http import ForbiddenDestination, LimitedAssertion, LimitedSession, confine
from webapp.login_settings import is_safe
from webapp.oauth.clients import GrantedToken, OAuthClient
from webapp.oauth.no_token import AWAY, NO_TOKEN, NoToken, broken, cause, refused
from webapp.store.statuses import OAuthWay
from webapp.store.types import now
from webapp.translation import N_

BAD_KEY = N_("the private key of the service account cannot be used")
NOT_SAFE = N_("the address of the tokens must begin with https://")
FORBIDDEN = N_("the tokens may not be asked for there: %(why)s")

LIFE_DEFAULT, LIFE_MAX = 3600, 30 * 86400
"""Seconds that a token lives if the provider does not say, and that are believed at most."""
JWT_SECONDS = 3600


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
        raise refused(client.host, error, (*secrets, client.secret, client.refresh_token)) from None
    except ForbiddenDestination as why:
        raise NoToken(FORBIDDEN % {"why": why}, needs_a_person=True) from None
    except (HTTPError, JSONDecodeError) as error:
        raise broken(client.host, error) from None
    except RequestException as error:
        raise NoToken(AWAY % {"host": client.host, "why": cause(error)}, needs_a_person=False) from None
    except (ValueError, TypeError, LookupError, AttributeError):  # what a broken answer makes Authlib raise
        raise NoToken(NO_TOKEN % {"host": client.host}, needs_a_person=False) from None


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
