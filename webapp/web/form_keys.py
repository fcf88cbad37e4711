"""Idempotency keys of forms: a form that is sent twice (a double click, a reload, a slow line) has one
effect.

The key is stored in the same transaction as the effect, so a post that failed leaves it unused."""

from __future__ import annotations

import hashlib
import re
import secrets

from sqlalchemy import BindParameter, ColumnElement, exists, select, update
from sqlalchemy.orm import Session

from webapp.store.dialects import insert_into
from webapp.store.types import now
from webapp.store.users import FormKey

WELL_FORMED = re.compile(r"[A-Za-z0-9_-]{20,64}")


def of_user(key: str, user: str) -> str:
    """The key as this person's own: what another person's form led to is told to no one else."""
    return hashlib.sha256(f"{user} {key}".encode()).hexdigest()


def new() -> str:
    """A key for a form that is about to be shown."""
    return secrets.token_urlsafe(18)


def use(session: Session, key: str, answer: str = "") -> bool:
    """Use the key, in this writing transaction; False if it was used before. `answer` is where the post led.

    Of two at the same time, the second waits for the first one's commit. Raises ValueError for a text that is
    no key."""
    if not WELL_FORMED.fullmatch(key):
        raise ValueError("this is not the key of a form")
    taken = session.execute(
        insert_into(session, FormKey)
        .values(key=key, used_at=now(), answer=answer)
        .on_conflict_do_nothing()
        .returning(FormKey.key)
    )
    return taken.first() is not None


def lead(session: Session, key: str, answer: str) -> None:
    """Record where the post led, when that is only known after its effect. Of a long address the path will
    do."""
    if len(answer) > FormKey.answer.type.length:
        answer = answer.partition("?")[0]
    session.execute(update(FormKey).where(FormKey.key == key).values(answer=answer))


def answer(session: Session, key: str) -> str:
    """Where the first press with this key led; empty for a key not used."""
    return session.scalar(select(FormKey.answer).where(FormKey.key == key)) or ""


def is_used(key: str | BindParameter[str]) -> ColumnElement[bool]:
    """Whether the key was used."""
    return exists().where(FormKey.key == key)
