"""The chain of the audit trail: each change to an entry, and each gap, is found.

Each entry has a number, one more than the entry before, and a hash of itself and of the hash before. The hash
is keyed (HMAC-SHA-256, RFC 2104): a person who can write to the database, but has no secret key, cannot make
another chain. The end of the chain is kept apart, so that entries cannot be cut off.

A person who puts last week's copy of the whole database back is found only by an anchor: a number and a hash
that were kept elsewhere (`mailrun audit verify` prints one, and takes it)."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Protocol

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from webapp import sealed
from webapp.sealed import CannotOpen
from webapp.store import installation
from webapp.store.dialects import id_in
from webapp.store.prepared import BulkUpdate
from webapp.store.users import AuditChain, AuditEntry, AuditKey

BATCH = 5_000
"""Entries that are added to the chain by one statement."""
_SEALING = BulkUpdate(AuditEntry, ("number", "salt", "hash"))
_ERASING = BulkUpdate(AuditEntry, ("detail", "salt", "erased"))
_OF = ("audit trail", "key of the chain")


class Sealable(Protocol):
    """What of an entry goes into its hash."""

    @property
    def at(self) -> datetime: ...
    @property
    def actor(self) -> str: ...
    @property
    def action(self) -> str: ...
    @property
    def subject(self) -> str: ...
    @property
    def origin(self) -> str: ...


def extend(session: Session, ids: Collection[int]) -> None:
    """Add these entries to the chain, in this writing transaction; called at its end.

    1. Lock the end of the chain until the commit: writers come one after the other from here on.
    2. Give each entry its number, a salt and its hash, in the order of the ids.
    3. Move the end.
    """
    chain = session.scalars(
        select(AuditChain).with_for_update().execution_options(populate_existing=True)
    ).one()
    key = _key_to_write(session, chain.last + 1)
    entry = AuditEntry
    query = select(
        entry.id, entry.at, entry.actor, entry.action, entry.subject, entry.origin, entry.detail
    ).where(id_in(session, entry.id, ids), entry.number.is_(None))
    number, last_hash = chain.last, chain.hash
    for rows in session.execute(query.order_by(entry.id)).partitions(BATCH):
        sealed_rows = []
        for row in rows:
            number, salt = number + 1, secrets.token_hex(8)
            last_hash = entry_hash(key, last_hash, number, row, detail_digest(salt, row.detail))
            sealed_rows.append({"by_id": row.id, "number": number, "salt": salt, "hash": last_hash})
        _SEALING.run(session.connection(), sealed_rows)
    chain.last, chain.hash, chain.code = number, last_hash, place_code(key, number, last_hash)
    session.flush()


def erase_details(session: Session, detail: str, *conditions: ColumnElement[bool]) -> None:
    """Put these words in the place of the details of the entries under these conditions. What they said is
    gone, and cannot be guessed; that they were once something else stays provable."""
    entry = AuditEntry
    session.flush()
    these = select(entry.id, entry.detail, entry.salt, entry.hash, entry.erased).where(*conditions)
    for rows in session.execute(these).partitions(BATCH):
        changed = [
            {
                "by_id": row.id,
                "detail": detail,
                "salt": "",
                "erased": row.erased or (detail_digest(row.salt, row.detail) if row.hash else ""),
            }
            for row in rows
        ]
        _ERASING.run(session.connection(), changed)


def entry_hash(key: bytes, before: str, number: int, entry: Sealable, digest: str) -> str:
    """The hash of an entry with this number after the entry with this hash."""
    at = entry.at.astimezone(UTC).isoformat(timespec="microseconds")
    said = [before, number, at, entry.actor, entry.action, entry.subject, entry.origin, digest]
    return hmac.digest(key, json.dumps(said, ensure_ascii=False).encode(), "sha256").hex()


def detail_digest(salt: str, detail: str) -> str:
    """What stands for the detail in the hash: it stays when the detail is erased. Without the salt no one can
    try which detail it may have been."""
    return hashlib.sha256(f"{salt}{detail}".encode()).hexdigest()


def place_code(key: bytes, number: int, last_hash: str, what: str = "end") -> str:
    """What only a process with the key can say of this place in the chain."""
    return hmac.digest(key, f"{what} {number} {last_hash}".encode(), "sha256").hex()


def _key_to_write(session: Session, number: int) -> bytes:
    """The key for the entry with this number: the newest one, or a new one if this process cannot open it."""
    newest = session.scalar(select(AuditKey).order_by(AuditKey.from_number.desc()).limit(1))
    if newest and (found := _opened(session, newest)):
        return found
    key = secrets.token_bytes(32)
    keys = sealed.keys_of(session)
    installation.note_key(session, keys.newest)
    session.add(AuditKey(from_number=number, sealed=keys.seal(*_OF, key.hex())))
    return key


def key_of(session: Session, number: int) -> bytes | None:
    """The key of the entry with this number; None if there is none, or this process cannot open it."""
    return next((key for first, key in reversed(opened_keys(session)) if first <= number), None)


def opened_keys(session: Session) -> list[tuple[int, bytes | None]]:
    """(first number, key) of each key of the chain, the oldest first; None for one that this process cannot
    open."""
    rows = session.scalars(select(AuditKey).order_by(AuditKey.from_number))
    return [(row.from_number, _opened(session, row)) for row in rows]


def _opened(session: Session, row: AuditKey) -> bytes | None:
    try:
        return bytes.fromhex(sealed.keys_of(session).open(*_OF, row.sealed))
    except (CannotOpen, ValueError):
        return None


def seal_keys_again(session: Session) -> None:
    """Seal the chain's keys with the newest secret key, those that this process can open."""
    keys = sealed.keys_of(session)
    for row in session.scalars(select(AuditKey)):
        if not keys.is_newest(row.sealed) and (key := _opened(session, row)):
            row.sealed = keys.seal(*_OF, key.hex())
