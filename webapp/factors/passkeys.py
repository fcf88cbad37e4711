"""Passkeys (WebAuthn): a key of the person's device, which signs a challenge for this host alone.

A passkey is discoverable: it names its user, so it can be used without an address. Its sign count may not
stand still; one that does not count says 0 each time."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address

import webauthn
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session
from webauthn.helpers import bytes_to_base64url, parse_authentication_credential_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticationCredential,
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from webapp.errors import Refused
from webapp.printable import printable
from webapp.store.dialects import insert_into
from webapp.store.logins import Passkey
from webapp.store.types import now
from webapp.store.users import User
from webapp.translation import N_, _

NAME_MAX = 100
PASSKEYS_MAX = 20
ANSWER_MAX = 50_000
"""Characters of what a browser says of a passkey; a real answer has at most a few thousand."""
NOT_ADDED = N_("this passkey could not be added: what the browser sent does not fit what was asked")
NEEDS_NAME = N_(
    "passkeys need the pages to have a name, such as mailrun.example.com: browsers keep none for an address "
    "of numbers"
)


@dataclass(frozen=True)
class RelyingParty:
    """What a passkey is for: the name of the host, and the origin of its pages."""

    id: str
    origin: str

    @property
    def has_name(self) -> bool:
        """Whether the host is a name, not an address of numbers, which no browser keeps a passkey for."""
        try:
            ip_address(self.id)
        except ValueError:
            return bool(self.id)
        return False


def of_user(session: Session, user_id: int) -> Sequence[Passkey]:
    """The passkeys of this user, the oldest first."""
    return session.scalars(select(Passkey).where(Passkey.user_id == user_id).order_by(Passkey.id)).all()


def new_challenge() -> bytes:
    """A challenge, which only its own answer fits."""
    return secrets.token_bytes(32)


def options_to_add(session: Session, user: User, party: RelyingParty, challenge: bytes) -> str:
    """What the browser needs to make a passkey, as JSON. Raises Refused for a host without a name, and for
    too many passkeys."""
    if not party.has_name:
        raise Refused(_(NEEDS_NAME))
    known = of_user(session, user.id)
    if len(known) >= PASSKEYS_MAX:
        raise Refused(_("there are %(num)s passkeys already: remove one first", num=len(known)))
    options = webauthn.generate_registration_options(
        rp_id=party.id,
        rp_name="Mailrun",
        user_id=_handle(user),
        user_name=user.email,
        user_display_name=user.name,
        challenge=challenge,
        exclude_credentials=[_described(each) for each in known if each.rp_id == party.id],
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
    )
    return webauthn.options_to_json(options)


def add(session: Session, user: User, party: RelyingParty, challenge: bytes, answer: str, name: str) -> str:
    """Store the passkey that the browser has made; returns its name. Raises Refused for an answer that does
    not fit, and for a passkey that is known already."""
    if len(answer) > ANSWER_MAX:
        raise Refused(_(NOT_ADDED))
    try:
        made = webauthn.verify_registration_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            require_user_verification=True,
        )
    except Exception:  # whatever the parsers of CBOR and certificates raise for what a browser made up
        raise Refused(_(NOT_ADDED)) from None
    values = {
        "user_id": user.id,
        "credential_id": bytes_to_base64url(made.credential_id),
        "user_handle": bytes_to_base64url(_handle(user)),
        "public_key": made.credential_public_key,
        "sign_count": made.sign_count,
        "rp_id": party.id,
        "name": _named(name),
        "made_at": now(),
    }
    adding = insert_into(session, Passkey).values(**values).on_conflict_do_nothing()
    if session.scalar(adding.returning(Passkey.id)) is None:
        raise Refused(_("this passkey was added before"))
    return str(values["name"])


def options_to_sign_in(session: Session, party: RelyingParty, challenge: bytes, user_id: int | None) -> str:
    """What the browser needs to use a passkey, as JSON: any for this host, or those of this user, who has
    given the password already."""
    known = of_user(session, user_id) if user_id is not None else ()
    need = UserVerificationRequirement
    options = webauthn.generate_authentication_options(
        rp_id=party.id,
        challenge=challenge,
        allow_credentials=[_described(each) for each in known if each.rp_id == party.id],
        user_verification=need.REQUIRED if user_id is None else need.PREFERRED,
    )
    return webauthn.options_to_json(options)


def used(
    session: Session, party: RelyingParty, challenge: bytes, answer: str, user_id: int | None
) -> Passkey | None:
    """The passkey that this answer was signed with, whose use is noted; None if it does not fit. Without
    `user_id` the passkey stands alone: the device must have verified its user. Of two answers at once with
    the same count, one is taken."""
    credential = _parsed(answer)
    passkey = _known(session, party, credential, user_id) if credential else None
    if credential is None or passkey is None:
        return None
    try:
        verified = webauthn.verify_authentication_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            credential_public_key=passkey.public_key,
            credential_current_sign_count=passkey.sign_count,
            require_user_verification=user_id is None,
        )
    except (WebAuthnException, ValueError):
        return None
    using = (
        update(Passkey)
        .where(Passkey.id == passkey.id, Passkey.sign_count == passkey.sign_count)
        .values(sign_count=verified.new_sign_count, used_at=now())
        .returning(Passkey.id)
    )
    return passkey if session.scalar(using) is not None else None


def claimed(session: Session, answer: str) -> str:
    """The email of the user whose passkey this answer claims to be of, whether it fits or not; empty for
    none. For the audit trail."""
    credential = _parsed(answer)
    if credential is None:
        return ""
    owner = select(User.email).join(Passkey, Passkey.user_id == User.id)
    return session.scalar(owner.where(Passkey.credential_id == credential.id)) or ""


def remove(session: Session, user_id: int, passkey_id: int) -> str | None:
    """Remove this passkey of this user; returns its name, None if there is none."""
    removing = delete(Passkey).where(Passkey.id == passkey_id, Passkey.user_id == user_id)
    return session.scalar(removing.returning(Passkey.name))


def remove_all(session: Session, user_id: int) -> int:
    """Remove all passkeys of this user; returns how many."""
    removing = delete(Passkey).where(Passkey.user_id == user_id).returning(Passkey.id)
    return len(session.scalars(removing).all())


def _known(
    session: Session, party: RelyingParty, credential: AuthenticationCredential, user_id: int | None
) -> Passkey | None:
    """The stored passkey of this credential, if it is this user's, or names its own user."""
    passkey = session.scalar(
        select(Passkey).where(Passkey.credential_id == credential.id, Passkey.rp_id == party.id)
    )
    if passkey is None or user_id not in (None, passkey.user_id):
        return None
    handle = credential.response.user_handle
    names_its_user = handle is not None and bytes_to_base64url(handle) == passkey.user_handle
    return passkey if names_its_user or (handle is None and user_id is not None) else None


def _parsed(answer: str) -> AuthenticationCredential | None:
    if len(answer) > ANSWER_MAX:
        return None
    try:
        return parse_authentication_credential_json(answer)
    except (WebAuthnException, ValueError, RecursionError):
        return None


def _handle(user: User) -> bytes:
    """What authenticators call the user: always the same, and nothing that tells who it is."""
    return hashlib.sha256(f"mailrun passkeys {user.id} {user.created_at.isoformat()}".encode()).digest()


def _described(passkey: Passkey) -> PublicKeyCredentialDescriptor:
    return PublicKeyCredentialDescriptor(id=webauthn.base64url_to_bytes(passkey.credential_id))


def _named(name: str) -> str:
    return printable(" ".join(name.split()))[:NAME_MAX] or _("Passkey")
