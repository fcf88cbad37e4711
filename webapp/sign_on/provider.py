"""One exchange with the OpenID provider: Authlib's client, with the checks that it leaves to others.

Authlib checks state, PKCE, and of the ID token signature, issuer, nonce and times. It does not mind an answer
without an ID token, an audience that is another client (if `azp` is us), or a callback that names another
issuer (RFC 9207). It takes whatever the provider says of itself for its own options. These are checked
here."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from authlib.integrations.base_client import OAuthError
from authlib.integrations.flask_client import FlaskIntegration, FlaskOAuth2App
from joserfc.errors import JoseError
from requests import RequestException, Response
from requests.exceptions import ConnectionError as NoConnection
from requests.exceptions import HTTPError, Timeout

from webapp.errors import Refused
from webapp.limited_http import LimitedSession
from webapp.login_settings import DISCOVERY, SignOnSettings, is_safe
from webapp.translation import N_, _
from webapp.users.identities import is_subject

KNOWN_SECONDS = 3600.0
"""For how long what the provider says of itself is believed."""
CLOCK_SECONDS = 120
ALGORITHMS = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
    "Ed25519",
)
"""Signatures that only the provider can make: none with a secret that we share, and never “none”."""
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
OTHER_ENDPOINTS = ("userinfo_endpoint", "end_session_endpoint")
NAME = "sign_on"
"""Part of the names under which Authlib keeps a begun sign-in in the cookie: `_state_sign_on_…`."""

AWAY = N_("%(name)s cannot be reached, or does not work now. Try again in a few minutes.")
NOT_UNDERSTOOD = N_("What %(name)s answered cannot be used. Tell the person who looks after it.")
NOT_TRUSTED = N_("What %(name)s answered is not proof of who you are. You are not logged in.")
NOT_BEGUN = N_("This sign-in was not begun in this browser, or is used up or too old. Begin it again.")
NOT_ALLOWED = N_("%(name)s did not let you in.")


class SignOnFailed(Refused):
    """The sign-in failed. `told`: why, for the audit trail; in English."""

    def __init__(self, words: str, told: str) -> None:
        super().__init__(words)
        self.told = told


@dataclass(frozen=True)
class Person:
    """Who has signed in, as the provider says, and how it proved that."""

    subject: str
    claims: Mapping[str, Any]
    id_token: str


class Provider(FlaskOAuth2App):
    """The client of one exchange. `known`: what the provider said of itself before, if that still counts."""

    client_cls = LimitedSession

    def __init__(self, settings: SignOnSettings, known: Mapping[str, Any]) -> None:
        super().__init__(
            FlaskIntegration(NAME),
            name=NAME,
            client_id=settings.client_id,
            client_secret=settings.client_secret,
            server_metadata_url=settings.issuer.rstrip("/") + DISCOVERY,
            client_kwargs={"scope": settings.scope, "code_challenge_method": "S256"},
            **(known if time.time() - known.get("_loaded_at", 0) < KNOWN_SECONDS else {}),
        )
        self.settings = settings

    def load_server_metadata(self) -> dict[Any, Any]:
        """What the provider says of itself, checked; asked once for this exchange."""
        if "_loaded_at" not in self.server_metadata:
            with LimitedSession() as session:
                url = self.settings.issuer.rstrip("/") + DISCOVERY
                answer = session.request("GET", url, withhold_token=True)
                answer.raise_for_status()
                said = _checked(answer.json(), self.settings)
            self.server_metadata = {**said, "_loaded_at": time.time()}
        return dict(self.server_metadata)


def _checked(said: Any, settings: SignOnSettings) -> dict[str, Any]:
    """What counts of the metadata. The rest is left out: Authlib would take it for options of its own, such
    as `verify`."""
    if not isinstance(said, dict) or said.get("issuer") != settings.issuer:
        raise _untrusted(settings, "its metadata is of another issuer")
    kept = {name: said[name] for name in (*ENDPOINTS, *OTHER_ENDPOINTS) if said.get(name)}
    if not kept.keys() >= set(ENDPOINTS) or not all(is_safe(url) for url in kept.values()):
        raise _untrusted(settings, "an address in its metadata is missing, or not https")
    algorithms = said.get("id_token_signing_alg_values_supported")
    offered = algorithms if isinstance(algorithms, list) else ["RS256"]
    methods = said.get("token_endpoint_auth_methods_supported")
    posts = (
        isinstance(methods, list) and "client_secret_basic" not in methods and "client_secret_post" in methods
    )
    return {
        **kept,
        "issuer": settings.issuer,
        "id_token_signing_alg_values_supported": [each for each in ALGORITHMS if each in offered],
        "names_itself": said.get("authorization_response_iss_parameter_supported") is True,
        **({"token_endpoint_auth_method": "client_secret_post"} if posts else {}),
    }


def refusal_of(settings: SignOnSettings, error: Exception) -> SignOnFailed:
    """What to tell of an error of the exchange, one of BROKEN."""
    told = f"{type(error).__name__}: {error}"
    if isinstance(error, SignOnFailed):
        return error
    if isinstance(error, NoConnection | Timeout) or _is_broken(error):
        return SignOnFailed(_(AWAY, name=settings.name), told)
    if isinstance(error, OAuthError) and error.error == "mismatching_state":
        return SignOnFailed(_(NOT_BEGUN), told)
    if isinstance(error, OAuthError) and error.error == "access_denied":
        return SignOnFailed(_(NOT_ALLOWED, name=settings.name), told)
    if isinstance(error, JoseError):
        return SignOnFailed(_(NOT_TRUSTED, name=settings.name), told)
    return SignOnFailed(_(NOT_UNDERSTOOD, name=settings.name), told)


def _is_broken(error: Exception) -> bool:
    return isinstance(error, HTTPError) and error.response is not None and error.response.status_code >= 500


BROKEN = (
    *(OAuthError, JoseError, RequestException, SignOnFailed),
    *(ValueError, TypeError, LookupError, AttributeError, RuntimeError),
)
"""What an answer that is broken, or made to harm, makes the libraries raise."""


def _untrusted(settings: SignOnSettings, told: str) -> SignOnFailed:
    return SignOnFailed(_(NOT_TRUSTED, name=settings.name), told)


def finish(provider: Provider, issuer_named: str | None) -> Person:
    """Exchange the code of this request's callback for the proof of who it is. `issuer_named`: the callback's
    parameter `iss`. Raises one of BROKEN."""
    settings, said = provider.settings, provider.load_server_metadata()
    if issuer_named != settings.issuer and (issuer_named is not None or said["names_itself"]):
        raise _untrusted(settings, f"the callback is from the issuer {issuer_named!r}")
    token = provider.authorize_access_token(leeway=CLOCK_SECONDS)
    if not isinstance(token, dict) or not isinstance(token.get("id_token"), str) or "userinfo" not in token:
        raise _untrusted(settings, "there was no ID token")
    claims = dict(token["userinfo"])
    audience = claims.get("aud")
    if settings.client_id not in (audience if isinstance(audience, list) else [audience]):
        raise _untrusted(settings, f"the ID token is for {audience!r}")
    if not is_subject(claims.get("sub")):
        raise _untrusted(settings, "the ID token names no one")
    if said.get("userinfo_endpoint") and not {"email", settings.claim.partition(".")[0]} <= claims.keys():
        claims = {**_more(provider, token, claims["sub"]), **claims}
    return Person(claims["sub"], claims, token["id_token"])


def _more(provider: Provider, token: Any, subject: str) -> dict[str, Any]:
    """What the provider tells of the person only when asked. It must be of the same one (OpenID Connect Core
    1.0, section 5.3.2)."""
    answer: Response = provider.get(provider.server_metadata["userinfo_endpoint"], token=token)  # type: ignore[no-untyped-call]
    answer.raise_for_status()
    said = answer.json()
    if not isinstance(said, dict) or said.get("sub") != subject:
        raise _untrusted(provider.settings, "what it tells of the person is of another one")
    return said
