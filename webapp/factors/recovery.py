"""Recovery codes: each lets its user in once, in the place of a lost phone.

A code has 80 random bits, so its bare hash reveals nothing that could be tried out; and it does not hang on
the secret key, so it still works when that was changed or lost."""

from __future__ import annotations

import base64
import hashlib
import secrets

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from webapp.store.logins import RecoveryCode
from webapp.store.types import now

CODES = 10
BYTES, PART = 10, 4
"""Random bytes of a code, and letters between two of its dashes: K7QX-9M2P-ABCD-EFGH."""
LETTERS = BYTES * 8 // 5


def make(session: Session, user_id: int) -> list[str]:
    """Make new codes for this user, and void those before. Only hashes are stored."""
    remove(session, user_id)
    codes = [_new() for _ in range(CODES)]
    session.add_all([RecoveryCode(user_id=user_id, code_hash=_hash(user_id, code)) for code in codes])
    return codes


def use(session: Session, user_id: int, typed: str) -> bool:
    """Use this code, in this writing transaction; False if it is none of the user's, or was used before. Of
    many at once, one finds it unused."""
    using = (
        update(RecoveryCode)
        .where(
            RecoveryCode.user_id == user_id,
            RecoveryCode.code_hash == _hash(user_id, typed),
            RecoveryCode.used_at.is_(None),
        )
        .values(used_at=now())
        .returning(RecoveryCode.id)
    )
    return session.scalar(using) is not None


def left(session: Session, user_id: int) -> int:
    """How many codes of this user were not used yet."""
    unused = select(func.count()).where(RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None))
    return session.scalar(unused) or 0


def remove(session: Session, user_id: int) -> None:
    """Void all codes of this user."""
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))


def looks_like_one(typed: str) -> bool:
    """Whether this has the form of a recovery code, which no code of an app has."""
    return len(_letters(typed)) == LETTERS


def _new() -> str:
    letters = base64.b32encode(secrets.token_bytes(BYTES)).decode()
    return "-".join(letters[start : start + PART] for start in range(0, LETTERS, PART))


def _letters(typed: str) -> str:
    return "".join(letter for letter in typed.upper() if letter.isalnum())


def _hash(user_id: int, code: str) -> str:
    return hashlib.sha256(f"{user_id} {_letters(code)}".encode()).hexdigest()
