"""Passwords of documents in an import: they are sealed (store/sealed.py) before they are staged, so that no
table, not even a temporary one, has them in plain text.

A value that is stored already, with the newest key, is staged as it is stored, sealed: so the comparison of
all rows finds it equal. That takes a digest for each value, and encrypts only what is new."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import String, literal, select
from sqlalchemy.orm import Session

from webapp.errors import Refused
from webapp.imports.problems import ImportRefused
from webapp.imports.reading import CsvRow
from webapp.store import sealed
from webapp.store.customers import Customer, metadata_text
from webapp.store.installation import Installation

LOOKED_UP_BATCH = 1_000
"""Customers whose stored passwords are read at a time."""


@dataclass
class StagedPasswords:
    """Whether the folder has passwords, and when the secret key was last changed before they were sealed."""

    any: bool = False
    rotated_at: datetime | None = None


def seal_rows(
    session: Session, rows: Iterable[CsvRow], names: Collection[str], found: StagedPasswords
) -> Iterator[CsvRow]:
    """The rows of customers.csv, with what these fields hold sealed."""
    found.rotated_at = session.scalar(select(Installation.rotated_at))
    keys, following = sealed.keys_of(session), iter(rows)
    while batch := list(islice(following, LOOKED_UP_BATCH)):
        secret = [(row, fields) for row in batch if (fields := _secret_fields(row, names))]
        stored = _stored(session, [row["code"] for row, _ in secret], names) if secret else {}
        for row, fields in secret:
            found.any = True
            had = stored.get(row["code"], {})
            for name, text in fields.items():
                is_same = keys.is_newest(had.get(name)) and keys.says(row["code"], name, had[name], text)
                fields[name] = had[name] if is_same else keys.seal(row["code"], name, text)
            row["metadata"] = json.dumps({**json.loads(row["metadata"]), **fields})
        yield from batch


def _secret_fields(row: CsvRow, names: Collection[str]) -> dict[str, str]:
    said = row.get("metadata")
    return {name: value for name, value in json.loads(said).items() if name in names} if said else {}


def _stored(session: Session, codes: list[str], names: Collection[str]) -> dict[str, dict[str, Any]]:
    """Code → field → what is stored there, of the customers that are there already."""
    ordered = sorted(names)
    columns = (metadata_text(Customer.extra, literal(name, String)) for name in ordered)
    rows = session.execute(select(Customer.code, *columns).where(Customer.code.in_(codes)))
    return {code: dict(zip(ordered, values, strict=True)) for code, *values in rows}


def must_be_storable(session: Session, found: StagedPasswords) -> None:
    """Raises ImportRefused if what was sealed must not be stored by now: the database belongs to another
    secret key, or the key was changed while the import ran."""
    if not found.any:
        return
    if session.scalar(select(Installation.rotated_at)) != found.rotated_at:
        raise ImportRefused(
            ["the secret key was changed while the import ran; nothing was imported, start it again"]
        )
    try:
        sealed.get_ready(session)
    except Refused as refusal:
        raise ImportRefused([f"{refusal} Nothing was imported."]) from None
