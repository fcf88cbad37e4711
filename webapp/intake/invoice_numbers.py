"""Invoice numbers in other words: in the name of a file, with something before and after it, and in texts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.file_styles import FileReading
from webapp.imports import csvfile
from webapp.imports.problems import Problems
from webapp.store.invoices import Invoice

MARKS = re.compile(r"[^a-z0-9]+")
PARTS = re.compile(r"[a-z]+|[0-9]+|-")
NAME_PARTS_MAX = 40
READ_AT_ONCE = 10_000


def bare(number: str) -> str:
    """A number without case, and with a hyphen for each mark: a file cannot be called 2026/001."""
    return MARKS.sub("-", number.casefold()).strip("-")


def in_name(stem: str) -> set[str]:
    """Every number, as `bare` has it, that may be in the name of a file: from the beginning of a word or a
    number to the end of one."""
    parts = PARTS.findall(bare(stem))[:NAME_PARTS_MAX]
    found = set()
    for start in range(len(parts)):
        for end in range(start + 1, len(parts) + 1):
            text = "".join(parts[start:end])
            if any(each.isdigit() for each in text):
                found.add(text.strip("-"))
    return found


def known(session: Session, path: Path | None, reading: FileReading, wanted: set[str]) -> dict[str, set[str]]:
    """Those of the wanted numbers that an invoice has which is stored, or in this file: as `bare` has it →
    the numbers as they are."""
    found: dict[str, set[str]] = {}
    for number in _every(session, path, reading):
        if (short := bare(number)) in wanted:
            found.setdefault(short, set()).add(number)
    return found


def _every(session: Session, path: Path | None, reading: FileReading) -> Iterable[str]:
    yield from session.scalars(select(Invoice.number).execution_options(yield_per=READ_AT_ONCE))
    if path is not None:
        yield from _in_file(path, reading)


def _in_file(path: Path, reading: FileReading) -> Iterator[str]:
    rows = csvfile.rows(path, Problems(), style=reading.style)
    _, header, _ = next(rows, (1, [], False))
    names = [reading.columns.get(name.strip(), name.strip()) for name in header]
    if "number" in names:
        place = names.index("number")
        left_out = reading.left_out
        yield from (row[place].strip() for line, row, _ in rows if place < len(row) and line not in left_out)
