"""Which column of the import format each column of a file is: by its own name, by one that everyday systems
give it, or as a person has chosen for such a file before."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.imports import kinds
from webapp.imports.kinds import AMOUNTS, Kind
from webapp.intake.column_words import ADDRESS_PREFIX, ISSUE_MONTH, PERIOD
from webapp.intake.synonyms import NAMES_OF_FILES, SYNONYMS
from webapp.store.customers import RecipientKey
from webapp.store.types import now
from webapp.store.users import ImportMapping

KINDS: tuple[Kind, ...] = (
    kinds.clusters(),
    kinds.customers(),
    kinds.emails(),
    kinds.invoices(scaled=False),
    kinds.transformation_results(kinds.nothing),
)
BY_FILE = {kind.file: kind for kind in KINDS}

MAY_BE_EMPTY = {
    "clusters.csv": ("parents",),
    "customers.csv": ("language",),
    "emails.csv": ("display_name",),
    "invoices.csv": ("due_date",),
}
"""Columns that must be there and may be empty: a file without them has nothing there."""
DAYS = ("period_start", "period_end")
OF_ONE_FILE = (PERIOD, *DAYS, "issue_date", "due_date", *AMOUNTS)
"""What every line gets there is true of one file only, so it is not remembered: next month's file would
silently get this month's period."""


@dataclass(frozen=True)
class ColumnChoice:
    """`kind`: the file of the import format that a file is, or empty. `columns`: its header → what each
    column is; empty: left out. `fixed`: what every row gets. `is_known`: a person has chosen it, or nothing
    is unknown."""

    kind: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    fixed: Mapping[str, str] = field(default_factory=dict)
    is_known: bool = True


def plain(name: str) -> str:
    """The name without what differs between two spellings: case, accents, spaces and marks."""
    text = name.casefold().replace("ä", "ae").replace("ö", "oe").replace("ü", "ue").replace("ß", "ss")
    bare = unicodedata.normalize("NFKD", text)
    return "".join(each for each in bare if each.isalnum() and each.isascii())


def header_hash(headers: Sequence[str]) -> str:
    """What is the same for two files with the same columns, in whatever order."""
    return hashlib.sha256(json.dumps(sorted(headers)).encode()).hexdigest()


def choose(session: Session, file_name: str, headers: Sequence[str]) -> ColumnChoice:
    """What the columns of this file are."""
    if (remembered := session.get(ImportMapping, header_hash(headers))) is not None:
        known, keys = remembered.columns, recipient_keys(session)
        found = {name: each for name, each in known.items() if not _is_gone(each, keys)}
        return ColumnChoice(remembered.kind, found, _lasting(remembered.fixed), len(found) == len(known))
    kind = kind_of(file_name, headers)
    return guess(session, kind, headers) if kind else ColumnChoice(is_known=False)


def guess(session: Session, file: str, headers: Sequence[str]) -> ColumnChoice:
    """What the columns are, if this is a file of that kind."""
    columns, keys = guessed_columns(file, headers), recipient_keys(session)
    if file == "customers.csv":
        columns |= {name: _guessed_key(name, keys) for name, each in columns.items() if not each}
    fixed = {name: "" for name in MAY_BE_EMPTY.get(file, ()) if name not in columns.values()}
    if file == "emails.csv" and "key" not in columns.values() and len(keys) == 1:
        fixed["key"] = keys[0]
    return ColumnChoice(file, columns, fixed, is_known=all(columns.values()))


def recipient_keys(session: Session) -> list[str]:
    """Those under which an address can be stored."""
    return list(session.scalars(select(RecipientKey.key).order_by(RecipientKey.key)))


def looks_like_addresses(header: str) -> bool:
    """Whether a column of customers is named as one with email addresses is."""
    name = plain(header)
    return "mail" in name or name in SYNONYMS["emails.csv"]["address"].split()[:1]


def _guessed_key(header: str, keys: Sequence[str]) -> str:
    """What a column with addresses is, if there is one key only or its name says which."""
    if not looks_like_addresses(header):
        return ""
    named = [key for key in keys if plain(key) and plain(key) in plain(header)]
    best = named or (keys if len(keys) == 1 else [])
    return f"{ADDRESS_PREFIX}{best[0]}" if len(best) == 1 else ""


def _is_gone(column: str, keys: Sequence[str]) -> bool:
    return column.startswith(ADDRESS_PREFIX) and column.removeprefix(ADDRESS_PREFIX) not in keys


def _lasting(fixed: Mapping[str, str]) -> dict[str, str]:
    """What every line gets, without what is true of one file only."""
    return {name: value for name, value in fixed.items() if not value or is_rule(name, value)
            or name not in OF_ONE_FILE}  # fmt: skip


def is_rule(column: str, value: str) -> bool:
    """Whether this says where the value comes from, not what it is."""
    return column == PERIOD and value == ISSUE_MONTH


def kind_of(file_name: str, headers: Sequence[str]) -> str:
    """The file of the import format that this one is, by its name or by its columns; empty: not known."""
    if file_name in BY_FILE:
        return file_name
    scores = {file: _score(file, file_name, headers) for file in BY_FILE}
    best = max(scores, key=lambda file: scores[file])
    others = [score for file, score in scores.items() if file != best]
    return best if scores[best] >= SCORE_MIN and scores[best] > max(others) else ""


SCORE_MIN = 2.0


def _score(file: str, file_name: str, headers: Sequence[str]) -> float:
    """How well the columns fit: each that is known counts one, its name half, and the key must be there. A
    file of customers may have their addresses, too."""
    kind, found = BY_FILE[file], {each for each in guessed_columns(file, headers).values() if each}
    needed = set(kind.natural[:1]) if len(kind.natural) == 1 else {kind.columns[0].name, kind.columns[2].name}
    if not needed <= found:
        return 0.0
    own = any(name in plain(file_name) for name in NAMES_OF_FILES[file].split())
    known = found & set(names_of(file))
    addresses = any(map(looks_like_addresses, headers)) if file == "customers.csv" else False
    return len(known) + addresses + (1.5 if own else 0.0) + len(known) / len(kind.columns)


def guessed_columns(file: str, headers: Sequence[str]) -> dict[str, str]:
    """Header → column; empty for one that is not known. No column is given twice."""
    kind = BY_FILE[file]
    own = {column.name for column in kind.columns}
    found = {name: name for name in headers if name in own or _is_free(kind, name)}
    for column in names_of(file):
        words = (plain(column), *SYNONYMS[file].get(column, "").split())
        for word in words if column not in found.values() else ():
            if name := next((each for each in headers if each not in found and plain(each) == word), ""):
                found[name] = column
                break
    if PERIOD in found.values() and not set(DAYS).isdisjoint(found.values()):
        found = {name: each for name, each in found.items() if each != PERIOD}
    return {name: found.get(name, "") for name in headers if name}


def _is_free(kind: Kind, name: str) -> bool:
    return bool(kind.prefix) and name.startswith(f"{kind.prefix}.") and len(name) > len(kind.prefix) + 1


def names_of(file: str) -> list[str]:
    """The columns of such a file, with the period in one, too."""
    names = [column.name for column in BY_FILE[file].columns]
    if file == "invoices.csv":
        names.insert(names.index(DAYS[0]), PERIOD)
    return names


def choices(file: str, header: str, keys: Iterable[str] = ()) -> list[str]:
    """What a column of such a file can be, other than left out. `keys`: the recipient keys that there are."""
    kind = BY_FILE[file]
    free = [f"{kind.prefix}.{_free_name(header)}"] if kind.prefix else []
    addresses = [f"{ADDRESS_PREFIX}{key}" for key in keys] if file == "customers.csv" else []
    return [*names_of(file), *addresses, *free]


def _free_name(header: str) -> str:
    name = header.partition(".")[2] if header.startswith(("metadata.", "data.")) else header
    return re.sub(r"[^a-z0-9]+", "_", name.casefold()).strip("_") or "field"


def missing(choice: ColumnChoice) -> list[str]:
    """The columns that such a file must have, and this one has not."""
    if not choice.kind:
        return []
    taken = {*choice.columns.values(), *choice.fixed}
    if choice.kind == "invoices.csv":
        taken |= _follows(taken)
    return [column for column in names_of(choice.kind) if column not in (*taken, *_optional(choice.kind))]


def _optional(file: str) -> Iterable[str]:
    return [column.name for column in BY_FILE[file].columns if not column.required]


def _follows(taken: set[str]) -> set[str]:
    """What need not be said of invoices, since it follows: the period in one column or its days, and the
    third of the amounts, or those beside the gross amount."""
    period = set(DAYS) if taken.isdisjoint(DAYS) else {PERIOD}
    is_enough = "gross_amount" in taken or {"net_amount", "tax_amount"} <= taken
    return {*period, *(AMOUNTS if is_enough else AMOUNTS[:2])}


def remember(session: Session, by: str, headers: Iterable[str], choice: ColumnChoice) -> None:
    """Take this choice again for the next file with this header."""
    key = header_hash(list(headers))
    stored = session.get(ImportMapping, key) or ImportMapping(header_hash=key)
    stored.kind, stored.columns, stored.fixed = choice.kind, dict(choice.columns), _lasting(choice.fixed)
    stored.saved_at, stored.saved_by = now(), by
    session.add(stored)
