"""An authenticator made of software, as a browser answers for it: makes passkeys, and signs with them."""

from __future__ import annotations

import hashlib
import json
import secrets
import struct
from dataclasses import dataclass, field

import cbor2
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.hashes import SHA256
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url

from webapp.factors.passkeys import RelyingParty

PRESENT, VERIFIED, HAS_KEY = 0x01, 0x04, 0x40
HERE = RelyingParty("localhost", "http://localhost")


@dataclass
class SoftKey:
    """One passkey. `count` is what it counts up to, None for one that does not count; `verifies`: whether it
    asks for a fingerprint or PIN."""

    party: RelyingParty = HERE
    verifies: bool = True
    count: int | None = None
    id: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    key: EllipticCurvePrivateKey = field(default_factory=lambda: generate_private_key(SECP256R1()))
    handle: bytes = b""

    def made(self, options: str) -> str:
        """What the browser answers to these options to add a passkey."""
        asked = json.loads(options)
        self.handle = base64url_to_bytes(asked["user"]["id"])
        numbers = self.key.public_key().public_numbers()
        public = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        credential = bytes(16) + struct.pack(">H", len(self.id)) + self.id + cbor2.dumps(public)
        said = {"fmt": "none", "attStmt": {}, "authData": self._data(HAS_KEY) + credential}
        return self._answer(
            clientDataJSON=self._client("webauthn.create", asked["challenge"]),
            attestationObject=cbor2.dumps(said),
        )

    def signed(self, options: str, *, handle: bytes | None = None) -> str:
        """What it answers to these options to log in."""
        if self.count is not None:
            self.count += 1
        client, data = self._client("webauthn.get", json.loads(options)["challenge"]), self._data()
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ECDSA(SHA256()))
        user = self.handle if handle is None else handle
        return self._answer(
            clientDataJSON=client, authenticatorData=data, signature=signature, userHandle=user
        )

    def _data(self, more: int = 0) -> bytes:
        flags = PRESENT | more | (VERIFIED if self.verifies else 0)
        return hashlib.sha256(self.party.id.encode()).digest() + struct.pack(">BI", flags, self.count or 0)

    def _client(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.party.origin}).encode()

    def _answer(self, **response: bytes) -> str:
        id = bytes_to_base64url(self.id)
        said = {name: bytes_to_base64url(value) for name, value in response.items()}
        return json.dumps({"id": id, "rawId": id, "type": "public-key", "response": said})
