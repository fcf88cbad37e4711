"""Reads a CSV file line by line, in bounded memory, with the line on which each row begins."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from webapp.imports.problems import Problems

LONGEST_LINE = 1_000_000
"""Bytes. Anything longer is not a line of a CSV file."""

BOM = b"\xef\xbb\xbf"

LINE = "line"
"""Stands in for the column when a line as a whole is wrong."""


class Lines:
    """The decoded lines of a file. `spoilt` tells that one of them could not be decoded as it is."""

    def __init__(self, file: BinaryIO, name: str, problems: Problems) -> None:
        self.file = file
        self.name = name
        self.problems = problems
        self.spoilt = False

    def __iter__(self) -> Iterator[str]:
        number = 0
        while raw := self.file.readline(LONGEST_LINE):
            number += 1
            if number == 1:
                raw = raw.removeprefix(BOM)
            if len(raw) == LONGEST_LINE:
                self._spoil(number, f"is longer than {LONGEST_LINE:,} bytes; is this a CSV file?")
                self.problems.incomplete.add(self.name)
                return
            try:
                line = raw.decode()
            except UnicodeDecodeError as error:
                byte = f"byte {error.start + 1} of the line, 0x{raw[error.start]:02x}"
                self._spoil(number, f"is not UTF-8 ({byte}); save the file as UTF-8")
                line = raw.decode(errors="replace")
            else:
                if "\0" in line:
                    self._spoil(number, "has a NUL byte")
            yield line.replace("\0", "?") if self.spoilt else line

    def _spoil(self, number: int, words: str) -> None:
        self.spoilt = True
        self.problems.add(self.name, number, LINE, words)


def rows(
    path: Path, problems: Problems, progress: Callable[[int], None] | None = None
) -> Iterator[tuple[int, list[str], bool]]:
    """The rows, header included, each with the number of its first line, and whether it was spoilt: noted as
    a problem already. Empty lines are skipped.

    Where reading must stop before the end, the file is noted as incomplete. `progress` is told now and then
    how many bytes have been read."""
    try:
        with open(path, "rb") as file:
            yield from _rows(Lines(file, path.name, problems), progress)
    except OSError as error:
        problems.add(path.name, 0, LINE, f"cannot be read: {error.strerror}")
        problems.incomplete.add(path.name)


def _rows(lines: Lines, progress: Callable[[int], None] | None) -> Iterator[tuple[int, list[str], bool]]:
    reader = csv.reader(lines, strict=True)
    count = 0
    while True:
        start = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            lines.problems.add(lines.name, start, LINE, f"{_words(error)}; nothing after it could be read")
            lines.problems.incomplete.add(lines.name)
            return
        count += 1
        if progress is not None and count % 20_000 == 0:
            progress(lines.file.tell())
        if row and (len(row) > 1 or row[0].strip()):
            yield start, row, lines.spoilt
        lines.spoilt = False


def _words(error: csv.Error) -> str:
    """What the reader found, for a person who does not program."""
    told = str(error)
    if "new-line character" in told:
        return "has a carriage return that ends no line"
    if "unexpected end of data" in told:
        return "begins a field in quotes that is never closed"
    if "field larger" in told:
        return "has a field of more than 131,072 characters; is a quote not closed?"
    return told
