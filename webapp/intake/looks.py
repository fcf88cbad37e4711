"""How a CSV file is written, found out from the file itself: its encoding, its separator, and whose dates and
amounts it has. What is not certain is said to be so."""

from __future__ import annotations

import codecs
import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from webapp.currency_marks import unmarked
from webapp.file_styles import FileStyle
from webapp.imports import csvfile
from webapp.imports.problems import Problems

ROWS_LOOKED_AT = 500
EXAMPLES, EXAMPLE_LENGTH = 3, 40
HEADERS_MAX = 200
CHUNK_BYTES = 1 << 20
SEPARATORS = (";", ",", "\t", "|")
WIDE = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}

DATE = re.compile(r"([0-9]{1,2})([-./])([0-9]{1,2})\2[0-9]{4}")
ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
COMMA_AMOUNT = re.compile(r"-?[0-9]{1,3}(?:\.[0-9]{3})*,[0-9]{1,4}|-?[0-9]+,[0-9]{1,4}")
POINT_AMOUNT = re.compile(r"-?[0-9]{1,3}(?:,[0-9]{3})*\.[0-9]{1,4}|-?[0-9]+\.[0-9]{1,4}")
MONTHS = 12

LOCALES = ("", "nl", "de", "fr", "en_GB", "en_US", "de_CH")
"""Those to choose from: 2026-10-31 and 1234.50, then 31-10-2026 and 1.234,50 and so on."""


@dataclass(frozen=True)
class Look:
    """How a file is written, and what its columns are called and hold. `is_unsure`: day and month could be
    the other way round. `rows`: how many lines were looked at."""

    style: FileStyle
    headers: tuple[str, ...]
    examples: dict[str, list[str]] = field(default_factory=dict)
    is_unsure: bool = False
    rows: int = 0


def look_at(path: Path, encoding: str = "", delimiter: str = "") -> Look:
    """Look at the file; what is given is not found out."""
    encoding = encoding or _encoding(path)
    delimiter = delimiter or _delimiter(path, encoding)
    rows = list(islice(_rows(path, FileStyle(delimiter, encoding)), ROWS_LOOKED_AT + 1))
    headers = tuple(name.strip() for name in rows[0][:HEADERS_MAX]) if rows else ()
    columns = {
        name: [row[place].strip() for row in rows[1:] if place < len(row)]
        for place, name in enumerate(headers)
        if name
    }
    locale, is_unsure = _locale([value for values in columns.values() for value in values])
    examples = {
        name: [value[:EXAMPLE_LENGTH] for value in dict.fromkeys(values) if value][:EXAMPLES]
        for name, values in columns.items()
    }
    return Look(FileStyle(delimiter, encoding, locale), headers, examples, is_unsure, max(0, len(rows) - 1))


def _rows(path: Path, style: FileStyle) -> Iterator[list[str]]:
    for _, row, _ in csvfile.rows(path, Problems(), style=style):
        yield row


def _encoding(path: Path) -> str:
    """UTF-16 by its first bytes; UTF-8 if the whole file is; else what Windows writes in Western Europe."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with path.open("rb") as file:
            if (begin := file.read(2)) in WIDE:
                return WIDE[begin]
            file.seek(0)
            while chunk := file.read(CHUNK_BYTES):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _delimiter(path: Path, encoding: str) -> str:
    """The separator that gives the header most columns, and the rows below it as many."""
    with path.open("rb") as file:
        text = file.read(CHUNK_BYTES // 8).decode(encoding, errors="replace").removeprefix("\ufeff")
    lines = [line for line in text.splitlines()[:50] if line.strip()]
    return max(SEPARATORS, key=lambda mark: _fit(lines, mark)) if lines else ","


def _fit(lines: Sequence[str], mark: str) -> tuple[int, int]:
    """How many of the lines have as many columns as the first, and how many columns these are."""
    widths = [len(row) for row in csv.reader(lines, delimiter=mark)]
    if not widths or widths[0] == 1:
        return (0, 0)
    return Counter(widths)[widths[0]], widths[0]


def _locale(values: Sequence[str]) -> tuple[str, bool]:
    """Whose dates and amounts these are, and whether day and month may be the other way round."""
    bare = [unmarked(value)[0] for value in values]
    dates = [match for value in values if (match := DATE.fullmatch(value))]
    has_comma = _more(bare, COMMA_AMOUNT, POINT_AMOUNT)
    if not dates:
        has_dates = any(map(ISO_DATE.fullmatch, values))
        return ("nl" if has_comma else "", has_comma and not has_dates)
    marks = Counter(match[2] for match in dates)
    day_first = any(int(match[1]) > MONTHS for match in dates)
    month_first = any(int(match[3]) > MONTHS for match in dates) and not day_first
    mark = marks.most_common(1)[0][0]
    if mark == ".":
        return ("de", False) if has_comma or not _any(bare, POINT_AMOUNT) else ("de_CH", False)
    if month_first:
        return "en_US", False
    if mark == "-":
        return ("nl", False) if has_comma or not _any(bare, POINT_AMOUNT) else ("en_GB", not day_first)
    return ("fr", False) if has_comma else ("en_GB", not day_first)


def _more(values: Sequence[str], one: re.Pattern[str], other: re.Pattern[str]) -> bool:
    return sum(map(bool, map(one.fullmatch, values))) > sum(map(bool, map(other.fullmatch, values)))


def _any(values: Sequence[str], pattern: re.Pattern[str]) -> bool:
    return any(map(pattern.fullmatch, values))
