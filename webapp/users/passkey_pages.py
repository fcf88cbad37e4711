"""Logging in with a passkey: in the place of the password, or as the second step after it."""

from __future__ import annotations

import hashlib
import time
from typing import cast
from urllib.parse import urlsplit

import webauthn
from flask import Blueprint, Response, current_app, request
from flask import session as cookie
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session
from webauthn.helpers import bytes_to_base64url

from webapp import audit
from webapp.factors import passkeys
from webapp.factors.passkeys import RelyingParty
from webapp.store.db import db
from webapp.store.users import User
from webapp.translation import N_, _
from webapp.users import second_step_pages
from webapp.users.entering_pages import Refusal, enter, refuse_login
from webapp.users.login_throttle import LoginThrottle, attempts_left, too_many
from webapp.web import form_keys
from webapp.web.view_flags import public

passkey_login = Blueprint("passkey_login", __name__)
CHALLENGE, ANSWERED_SECONDS = "challenge", 300
ALONE, SECOND = "alone", "second step"
DOES_NOT_FIT = N_("This passkey does not open an account here. %(left)s")


def relying_party() -> RelyingParty:
    """Whose passkeys these are: of the host under which the pages are asked for."""
    return RelyingParty(urlsplit(request.host_url).hostname or "", request.host_url.rstrip("/"))


def remember_challenge(purpose: str) -> bytes:
    """A new challenge, which the signed cookie keeps for five minutes, for this purpose alone."""
    challenge = passkeys.new_challenge()
    cookie[CHALLENGE] = [bytes_to_base64url(challenge), purpose, int(time.time())]
    return challenge


def take_challenge(session: Session, *purposes: str) -> tuple[bytes, str] | None:
    """The challenge of this browser and its purpose, if it is one of these; it is used then, in this writing
    transaction, and a kept copy of the cookie opens nothing."""
    try:
        kept, purpose, since = cookie.pop(CHALLENGE, ())
    except ValueError:
        return None
    used = hashlib.sha256(f"challenge {kept}".encode()).hexdigest()
    is_young = 0 <= time.time() - since <= ANSWERED_SECONDS
    if purpose not in purposes or not is_young or not form_keys.use(session, used):
        return None
    return webauthn.base64url_to_bytes(kept), purpose


@passkey_login.post("/login/passkey/options")
@public
def options() -> ResponseReturnValue:
    """What the browser needs to use a passkey, as JSON: after the password one of that user's, else any."""
    awaited = second_step_pages.awaited(db.session) if request.form.get("second") else None
    challenge = remember_challenge(SECOND if awaited else ALONE)
    user_id = awaited.id if awaited else None
    said = passkeys.options_to_sign_in(db.session, relying_party(), challenge, user_id)
    return Response(said, mimetype="application/json")


@passkey_login.post("/login/passkey")
@public
def log_in() -> ResponseReturnValue:
    """Check what the passkey has signed; log in, or say why not."""
    tried = _try()
    if isinstance(tried, Refusal):
        return second_step_pages.refuse(tried) if request.form.get("second") else refuse_login(tried)
    return enter(tried)


def _try() -> str | Refusal:
    tries, address = cast(LoginThrottle, current_app.extensions["login tries"]), request.remote_addr or ""
    # No one guesses a signature: the limit keeps the audit trail short. It shuts out no other address.
    counted = f"passkeys from {address}"
    if wait := tries.take(counted, address):
        with db.writing() as session:
            audit.note(session, "passkey", "login refused", "passkey", f"too many tries from {address}")
        return Refusal("", too_many(wait), 429)
    with db.writing() as session:
        user = _signer(session)
        if user is None:
            claimed = passkeys.claimed(session, request.form.get("credential", "")) or "unknown passkey"
            audit.note(session, claimed, "login failed", claimed, f"with a passkey, from {address}")
    if user is None:
        return Refusal("", _(DOES_NOT_FIT, left=attempts_left(tries.failed(counted, address))), 401)
    tries.succeeded(counted, address)
    return user


def _signer(session: Session) -> str | None:
    """Begin the session of the user whose passkey has signed the challenge of this browser; returns the
    email."""
    awaited = second_step_pages.awaited(session)
    taken = take_challenge(session, ALONE, SECOND)
    if taken is None or (taken[1] == SECOND and awaited is None):
        return None
    user_id = awaited.id if awaited and taken[1] == SECOND else None
    answer = request.form.get("credential", "")
    passkey = passkeys.used(session, relying_party(), taken[0], answer, user_id)
    user = session.get(User, passkey.user_id) if passkey else None
    if passkey is None or user is None or user.disabled_at is not None:
        return None
    step = "after the password" if user_id is not None else "alone"
    second_step_pages.log_in(session, user, f"with the passkey “{passkey.name}” {step}")
    return user.email
