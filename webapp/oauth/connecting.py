"""A person allows Mailrun to send for a mailbox: by the code flow with PKCE (RFC 6749, RFC 7636) in this
browser, or by the device flow (RFC 8628) in any."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass

from authlib.common.security import generate_token
from sqlalchemy.orm import Session

from webapp.errors import Refused
from webapp.limited_http import LimitedSession
from webapp.login_settings import is_safe
from webapp.oauth import exchange, secrets
from webapp.oauth.clients import OAuthClient
from webapp.oauth.no_token import NO_TOKEN, NoToken
from webapp.sealed import CannotOpen
from webapp.store.mailservers import OAuthAccount
from webapp.store.statuses import OAuthProvider
from webapp.translation import _

VERIFIER_LENGTH = 64
DEVICE_SECONDS, DEVICE_SECONDS_MAX = 900, 3600
"""How long a device code lives if the provider does not say, and at most."""
WAITING = ("authorization_pending", "slow_down")


@dataclass(frozen=True)
class BegunCode:
    """Where the browser is led to, and what must be known when it comes back."""

    url: str
    state: str
    verifier: str


@dataclass(frozen=True)
class BegunDevice:
    """What a person enters where. `until`: seconds of the Unix clock."""

    device_code: str
    user_code: str
    address: str
    until: float

    @property
    def is_over(self) -> bool:
        """Whether the code counts no more."""
        return time.time() > self.until


def begin_code(account: OAuthAccount, redirect_uri: str) -> BegunCode:
    """Begin the code flow. Raises Refused for a provider that has none."""
    if not is_safe(account.authorize_url):
        raise Refused(_("This provider has no address where a person could allow it."))
    session = LimitedSession(
        account.client_id,
        redirect_uri=redirect_uri,
        scope=account.scope or None,
        code_challenge_method="S256",
    )
    verifier = generate_token(VERIFIER_LENGTH)
    more = {"login_hint": account.mailbox} if account.mailbox else {}
    if account.provider == OAuthProvider.GOOGLE:  # else it gives no refresh token the second time
        more |= {"access_type": "offline", "prompt": "consent"}
    url, state = session.create_authorization_url(account.authorize_url, code_verifier=verifier, **more)
    return BegunCode(str(url), str(state), verifier)


def begin_device(client: OAuthClient, device_url: str) -> BegunDevice:
    """Begin the device flow. Raises NoToken."""
    said = exchange.device_code(client, device_url)
    try:
        seconds = float(said.get("expires_in") or DEVICE_SECONDS)
    except (TypeError, ValueError):
        seconds = DEVICE_SECONDS
    address = str(said["verification_uri"])
    if not is_safe(address):
        raise NoToken(NO_TOKEN % {"host": client.host}, needs_a_person=True)
    until = time.time() + min(seconds, DEVICE_SECONDS_MAX)
    return BegunDevice(str(said["device_code"]), str(said["user_code"])[:40], address, until)


def wait_for(session: Session, account: OAuthAccount, begun: BegunDevice | None) -> None:
    """Keep a begun device flow in the account, whose row is locked, or forget it. Raises Refused."""
    kept = json.dumps([begun.device_code, begun.user_code, begun.address, begun.until]) if begun else ""
    secrets.store(session, account, pending=kept)


def waited_for(session: Session, account: OAuthAccount) -> BegunDevice | None:
    """The device flow that waits for a person; None if there is none, or its code counts no more."""
    if not account.pending:
        return None
    try:
        code, user_code, address, until = json.loads(secrets.opened(session, account, "pending"))
    except (CannotOpen, ValueError):
        return None
    begun = BegunDevice(code, user_code, address, until)
    return None if begun.is_over else begun
