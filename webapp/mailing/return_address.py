"""The address that a mail comes back to: `bounces+TOKEN@example.com` (VERP). The token names the result and
the attempt, and is signed with the installation's secret key: a returned mail that has it is about that
mail.

    4h2-1-k3f9q0x7zzab: result and attempt in base 36, and 60 bits of a keyed hash

Mail systems may change the case of an address, so the token has no capitals."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

PURPOSE = b"mailrun: addresses that mails come back to"
"""What the key is derived for: no other use of the secret key gives the same one."""
SIGNATURE_LENGTH = 12
"""Characters of base 32: 60 bits."""
LOCAL_PART_MAX = 64
"""Characters before the @ (RFC 5321, 4.5.3.1.1)."""
BASE_36 = "0123456789abcdefghijklmnopqrstuvwxyz"
TOKEN = re.compile(r"(?<![0-9a-z])([0-9a-z]{1,13})-([0-9a-z]{1,6})-([a-z2-7]{12})(?![0-9a-z])", re.IGNORECASE)


@dataclass(frozen=True)
class ReturnToken:
    """Which mail a token is of: a result, and the number of its attempt."""

    result_id: int
    attempt: int


def sign(secret_key: str, result_id: int, attempt: int) -> str:
    """The token of this attempt."""
    named = f"{_base_36(result_id)}-{_base_36(attempt)}"
    return f"{named}-{_signature(secret_key, named)}"


def find(secret_keys: Sequence[str], texts: Iterable[str]) -> ReturnToken | None:
    """The first token in these texts that one of the keys has signed."""
    for text in texts:
        for found in TOKEN.finditer(text):
            result, attempt, signature = (part.lower() for part in found.groups())
            named = f"{result}-{attempt}"
            if any(hmac.compare_digest(_signature(key, named), signature) for key in secret_keys):
                return ReturnToken(int(result, 36), int(attempt, 36))
    return None


def with_token(address: str, token: str) -> str:
    """The address with the token in it; without one if it would be too long for a mail server."""
    local, _, domain = address.rpartition("@")
    signed = f"{local}+{token}"
    return f"{signed}@{domain}" if len(signed) <= LOCAL_PART_MAX else address


def _signature(secret_key: str, named: str) -> str:
    made = hashlib.blake2b(named.encode(), key=_derived(secret_key), digest_size=10).digest()
    return base64.b32encode(made).decode().lower()[:SIGNATURE_LENGTH]


@lru_cache(maxsize=64)
def _derived(secret_key: str) -> bytes:
    return hmac.new(secret_key.encode(), PURPOSE, hashlib.sha256).digest()


def _base_36(number: int) -> str:
    digits = ""
    while number:
        number, last = divmod(number, 36)
        digits = BASE_36[last] + digits
    return digits or "0"
