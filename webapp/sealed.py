"""Passwords of documents, as the database keeps them: sealed, which means encrypted with a key that is made
from the installation's secret key and is not in the database.

What is secret is known by the name of its field of customers' metadata: every field that some definition
takes, or took, its password from. Whatever writes such a field seals it first; whatever needs the password
opens it. Nothing else sees more than the sealed text:

    mailrun-sealed:<id of the key>:<digest>:<Fernet token>

A token differs each time that the same text is encrypted. The digest, made with a key too, does not: an
import compares by it, and decrypts nothing. It is of customer, field and text together: so it also shows that
a token is still with the customer that it was made for, and equal passwords of two customers look different.

A value that is not sealed yet is taken as it is. Such values are there only until `webapp/sealing.py` has
been over them: after an upgrade, or once a definition names another field."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import CompoundSelect, select
from sqlalchemy.orm import Session

from webapp.errors import Refused
from webapp.store import installation
from webapp.store.database import FORMER_KEYS, SECRET_KEY
from webapp.store.definitions import MessageDefinition, SecretField
from webapp.store.dialects import insert_into
from webapp.translation import N_, _, translated

PREFIX = "mailrun-sealed:"
PURPOSE = b"mailrun: passwords of documents in the database"
"""What the keys are derived for: no other use of the secret key gives the same ones (RFC 5869, section
3.2)."""
CANNOT_READ = N_(
    "it was encrypted with a secret key that this machine does not have. Put that key into "
    "MAILRUN_SECRET_KEY_OLD; if it is lost, set the password again"
)
"""Why a password cannot be read, and the way out; the end of a sentence, without its full stop."""


class CannotOpen(Exception):
    """A sealed value cannot be opened with any key of this process; the message says why, and the way out."""


class Keys:
    """The keys of this process, made from its secret key and from former ones: the first seals, each
    opens."""

    def __init__(self, secret_keys: Sequence[str]) -> None:
        derived = [_derived(each) for each in secret_keys]
        self.newest = derived[0][0]
        self._digests = {id: digests for id, fernet, digests in reversed(derived)}
        self._fernet = MultiFernet([fernet for id, fernet, digests in derived])

    def seal(self, code: str, name: str, text: str) -> str:
        """The sealed text of this password of the customer with this code. Blanks are no password, and stay
        as they are."""
        if not text.strip():
            return text
        token = self._fernet.encrypt(text.encode()).decode()
        return f"{PREFIX}{self.newest}:{self._digest(self.newest, code, name, text)}:{token}"

    def open(self, code: str, name: str, value: Any) -> str:
        """The password. Raises CannotOpen."""
        if not is_sealed(value):
            return "" if value is None else str(value)
        id, digest, token = _taken_apart(value)
        if id not in self._digests:
            raise CannotOpen(_(CANNOT_READ))
        try:
            text = self._fernet.decrypt(token).decode()
        except (InvalidToken, ValueError):  # no token, no base64, no ASCII, no UTF-8: damaged in any case
            raise CannotOpen(_("what is stored of it was damaged. Set the password again")) from None
        if not _are_equal(digest, self._digest(id, code, name, text)):
            raise CannotOpen(_("what is stored of it belongs to another customer. Set the password again"))
        return text

    def has(self, id: str) -> bool:
        """Whether the key of this id is among them."""
        return id in self._digests

    def is_newest(self, value: Any) -> bool:
        """Whether this value is sealed, with the newest key."""
        return is_sealed(value) and _taken_apart(value)[0] == self.newest

    def says(self, code: str, name: str, value: Any, text: str) -> bool:
        """Whether this stored value is this text. Decrypts nothing; what was sealed with a key that this
        process does not have is no text."""
        if not is_sealed(value):
            return value is not None and str(value) == text
        id, digest = _taken_apart(value)[:2]
        return id in self._digests and _are_equal(digest, self._digest(id, code, name, text))

    def same(self, code: str, name: str, one: Any, other: Any) -> bool:
        """Whether two stored values of this field are the same text. Decrypts only where they are sealed with
        different keys."""
        if one == other:
            return True
        if not (is_sealed(one) or is_sealed(other)) or one is None or other is None:
            return False
        if is_sealed(one) and is_sealed(other):
            id, digest = _taken_apart(one)[:2]
            other_id, other_digest = _taken_apart(other)[:2]
            if id == other_id:
                return digest == other_digest
        try:
            return self.open(code, name, one) == self.open(code, name, other)
        except CannotOpen:
            return False

    def _digest(self, id: str, code: str, name: str, text: str) -> str:
        said = "\x00".join((code, name, text)).encode()
        return hashlib.blake2b(said, key=self._digests[id], digest_size=16).hexdigest()


def _derived(secret_key: str) -> tuple[str, Fernet, bytes]:
    """(id, Fernet, key of digests) of a secret key. The id reveals nothing of it."""
    made = HKDF(SHA256(), 68, None, PURPOSE).derive(secret_key.encode())
    return made[64:].hex(), Fernet(base64.urlsafe_b64encode(made[:32])), made[32:64]


def _are_equal(one: str, other: str) -> bool:
    """Whether two digests are equal, in constant time; a stored one may be damaged, and no ASCII."""
    return hmac.compare_digest(one.encode(errors="replace"), other.encode())


def _taken_apart(value: str) -> tuple[str, str, str]:
    id, rest = value.removeprefix(PREFIX).partition(":")[::2]
    digest, token = rest.partition(":")[::2]
    return id, digest, token


def is_sealed(value: Any) -> bool:
    """Whether a value of the metadata is a sealed one."""
    return isinstance(value, str) and value.startswith(PREFIX)


LOOKS_SEALED = N_(
    "begins with “mailrun-sealed:”, which only Mailrun writes before what it has encrypted. Write the "
    "password itself"
)
"""What is wrong with a text from outside that looks like a sealed value, and the way out; the end of a
sentence, without its full stop. Taken for one, it would be another field's or customer's, or damaged."""


@lru_cache(maxsize=64)
def keys(secret_keys: tuple[str, ...]) -> Keys:
    """The keys made from these secret keys, the newest first."""
    return Keys(secret_keys)


def keys_of(session: Session) -> Keys:
    """The keys of the process that this session belongs to."""
    return keys((session.info[SECRET_KEY], *session.info[FORMER_KEYS]))


def get_ready(session: Session) -> Keys:
    """The keys to seal with in this writing transaction; called under the lock of what is changed. Binds a
    new database to the secret key, and notes that there are values of this key. Raises Refused if the
    database belongs to another key: what this process sealed, its other machines could not open."""
    installation.bind(session)
    if why := installation.held(session):
        raise Refused(_("No password can be stored now: %(why)s.", why=translated(why)))
    keys = keys_of(session)
    installation.note_key(session, keys.newest)
    return keys


def secret_names_query() -> CompoundSelect[Any]:
    """The names of the fields that hold passwords."""
    named = select(MessageDefinition.password_key).where(MessageDefinition.password_key != "")
    return named.union(select(SecretField.name))


def secret_names(session: Session) -> frozenset[str]:
    """The same, read."""
    return frozenset(session.scalars(secret_names_query()))


def note_secret(session: Session, name: str) -> None:
    """Note that a definition takes its password from this field: it stays secret, also when no definition
    names it any more."""
    if name:
        session.execute(insert_into(session, SecretField).values(name=name).on_conflict_do_nothing())


def note_secrets(session: Session) -> frozenset[str]:
    """Note the names of all the fields that hold passwords; returns them."""
    names = secret_names(session)
    for name in names:
        note_secret(session, name)
    return names


def without_secrets(metadata: Mapping[str, Any], names: frozenset[str]) -> dict[str, Any]:
    """The metadata as everyone may see it: without what these fields hold, and without what is sealed."""
    return {name: value for name, value in metadata.items() if name not in names and not is_sealed(value)}
