"""From a CSV file to checked rows: the header, then every field by itself, then what must fit together."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from webapp.file_styles import AS_IT_IS, FileReading, FileRow
from webapp.imports import csvfile
from webapp.imports.csvfile import LINE
from webapp.imports.kinds import Kind
from webapp.imports.problems import BAD_HEADER, BAD_LINE, NO_COLUMN, Problems
from webapp.imports.values import ABSENT, Check, shown
from webapp.sealed import LOOKS_SEALED, PREFIX
from webapp.translation import _

CsvRow = dict[str, Any]


@dataclass(frozen=True)
class Layout:
    """Where the columns stand in this file. `extra` are those that make the JSON object, `key` is the place
    of the column that others refer to."""

    width: int
    key: int
    checks: tuple[tuple[str, int, Check], ...]
    extra: tuple[tuple[str, int], ...]
    absent: tuple[str, ...]


def checked_rows(
    path: Path,
    kind: Kind,
    problems: Problems,
    progress: Callable[[int], None] | None = None,
    reading: FileReading = AS_IT_IS,
) -> Iterator[CsvRow]:
    """The rows of the file with their `line`; a wrong value is None and noted as a problem.

    The key of a wrong row is given as it stands there, if other rows may refer to it: they are not wrong
    too."""
    reader = csvfile.rows(path, problems, progress, reading.style)
    if reading.left_out:
        reader = (row for row in reader if row[0] not in reading.left_out)
    if not reading.is_plain:
        reader = _translated(reader, kind, reading, problems)
    if reading.prepare is not None:
        reader = reading.prepare(reader, partial(problems.add, kind.file))
    line, header, spoilt = next(reader, (1, [], False))
    layout = None if spoilt else layout_of(kind, line, header, problems)
    if layout is None:
        problems.incomplete.add(kind.file)
        return
    key, referred_to = kind.natural[0], len(kind.natural) == 1
    for line, fields, spoilt in reader:
        if len(fields) > layout.width and not any(field.strip() for field in fields[layout.width :]):
            del fields[layout.width :]  # columns without a name, as spreadsheets leave them
        if spoilt or len(fields) != layout.width:
            row = dict.fromkeys(kind.table.columns.keys()) | {"line": line}
            if not spoilt:
                problems.add(kind.file, line, LINE, _wrong_width(fields, layout.width), BAD_LINE)
        else:
            row = _checked(kind, layout, line, fields, problems)
            for column, words in kind.judge(row):
                problems.add(kind.file, line, column, words)
            for column, words in kind.doubt(row):
                problems.warn(kind.file, line, column, words)
        if row[key] is None and referred_to and layout.key < len(fields):
            row[key] = fields[layout.key].strip(" \t") or None
        if row[key] is not None:
            yield row


def _translated(
    rows: Iterator[FileRow], kind: Kind, reading: FileReading, problems: Problems
) -> Iterator[FileRow]:
    """The rows with the columns of the import format: those that the file has by other names, without those
    that are left out, and with those that are the same in every row."""
    line, header, spoilt = next(rows, (1, [], False))
    names = [reading.columns.get(name.strip(), name.strip()) for name in header]
    while names and not names[-1]:
        names.pop()
    width = len(names)
    chosen = [place for place, name in enumerate(names) if name]
    fixed = {name: value for name, value in reading.fixed.items() if name not in names}
    yield line, [*(names[place] for place in chosen), *fixed], spoilt
    added = list(fixed.values())
    for line, fields, spoilt in rows:
        is_long = len(fields) > len(header) and any(field.strip() for field in fields[len(header) :])
        if (len(fields) < width or is_long) and not spoilt:
            problems.add(kind.file, line, LINE, _wrong_width(fields, len(header)), BAD_LINE)
            spoilt = True
        yield line, [*(fields[place] if place < len(fields) else "" for place in chosen), *added], spoilt


def _wrong_width(fields: list[str], wanted: int) -> str:
    return _("has %(count)s fields; the header has %(wanted)s", count=len(fields), wanted=wanted)


def layout_of(kind: Kind, line: int, header: list[str], problems: Problems) -> Layout | None:
    """What the header says. Its problems are noted; None if the file cannot be read by it."""
    names = [name.strip() for name in header]
    while names and not names[-1]:
        names.pop()
    wanted = {column.name: column for column in kind.columns}
    if not names:
        words = _("the header is missing; it names %(names)s", names=", ".join(wanted))
        problems.add(kind.file, 1, LINE, words, BAD_HEADER)
        return None
    if not any(name in wanted for name in names):
        words = _(
            "is no header of this file: %(header)s; it names %(names)s",
            header=shown(", ".join(names)),
            names=", ".join(wanted),
        )
        problems.add(kind.file, line, LINE, words, BAD_HEADER)
        return None
    for position, name in enumerate(names):
        if names.index(name) != position:
            problems.add(kind.file, line, name, _("stands in the header twice"), BAD_HEADER)
        elif name not in wanted and not _is_extra(kind, name):
            problems.add(kind.file, line, name or LINE, _unknown_column(kind), BAD_HEADER)
    for column in kind.columns:
        if column.required and column.name not in names:
            problems.add(kind.file, line, column.name, _("is missing from the header"), NO_COLUMN)
    key = kind.columns[0].name
    if key not in names:
        return None
    return Layout(
        width=len(names),
        key=names.index(key),
        checks=tuple((n, i, wanted[n].check) for i, n in enumerate(names) if n in wanted),
        extra=tuple((n.partition(".")[2], i) for i, n in enumerate(names) if _is_extra(kind, n)),
        absent=tuple(name for name in wanted if name not in names),
    )


def _is_extra(kind: Kind, name: str) -> bool:
    before, dot, after = name.partition(".")
    return bool(kind.prefix and before == kind.prefix and dot and after)


def _unknown_column(kind: Kind) -> str:
    names = ", ".join(column.name for column in kind.columns)
    if not kind.prefix:
        return _("is no column of this file; it has %(names)s", names=names)
    free = f"{kind.prefix}.<name>"
    return _("is no column of this file; it has %(names)s, and any %(free)s", names=names, free=free)


def _checked(kind: Kind, layout: Layout, line: int, fields: list[str], problems: Problems) -> CsvRow:
    row: CsvRow = {"line": line}
    for name, position, check in layout.checks:
        try:
            row[name] = check(fields[position].strip(" \t"))
        except ValueError as wrong:
            row[name] = None
            problems.add(kind.file, line, name, str(wrong))
    for name in layout.absent:
        row[name] = None
    if kind.prefix:
        row[kind.prefix] = _json(layout, fields)
        for name, position in layout.extra:
            if fields[position].lstrip(" \t").startswith(PREFIX):
                problems.add(kind.file, line, f"{kind.prefix}.{name}", LOOKS_SEALED)
    return row


def _json(layout: Layout, fields: list[str]) -> str:
    if not layout.extra:
        return "{}"
    values = {name: fields[position].strip(" \t") for name, position in layout.extra}
    if ABSENT in values.values():
        values = {name: value for name, value in values.items() if value != ABSENT}
    return json.dumps(values)
