"""Reads a CSV file line by line, in bounded memory, with the line on which each row begins.

Everyday tools write such files differently: with commas, semicolons (Excel, where the comma is the decimal
point) or tabs between the columns; as UTF-8 with or without a byte order mark, or UTF-16 with one. The header
and the first bytes tell. What is read is in Unicode's composed form (NFC): equal texts are equal."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Callable, Iterator
from io import TextIOWrapper
from itertools import chain
from pathlib import Path
from typing import BinaryIO
from unicodedata import normalize

from webapp import notation
from webapp.file_styles import FOUND_OUT, FileStyle
from webapp.imports.problems import BAD_LINE, Problems
from webapp.translation import N_, _

LONGEST_LINE = 1_000_000
"""Bytes. Anything longer is not a line of a CSV file."""

BOM = b"\xef\xbb\xbf"
UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
WIDE = ("utf-16", "utf16", "utf-32", "utf32")
SEPARATORS = ",;\t"
SAVE_AS_UTF8 = N_("%(what)s; save the file as UTF-8")
OR_SAY = N_(
    "%(what)s; save the file as UTF-8, or say how it is encoded: --encoding cp1252 if it comes from Windows"
)

LINE = "line"
"""Stands in for the column when a line as a whole is wrong."""


class Lines:
    """The decoded lines of a file. `spoilt` tells that one of them could not be decoded as it is; `size` is
    how many bytes have been read."""

    def __init__(self, file: BinaryIO, name: str, problems: Problems, encoding: str = "") -> None:
        self.file = file
        self.name = name
        self.problems = problems
        self.encoding = encoding
        self.spoilt = False
        self.size = 0

    def __iter__(self) -> Iterator[str]:
        begin = self.file.read(2)
        self.file.seek(0)
        is_wide = begin in UTF_16 or self.encoding.lower().replace("_", "-").startswith(WIDE)
        lines = self._wide() if is_wide else self._narrow()
        return (line if line.isascii() else normalize("NFC", line) for line in lines)

    def _wide(self) -> Iterator[str]:
        """The lines of a file in UTF-16, or another encoding of several bytes a character."""
        encoding = self.encoding or "utf-16"
        text, number = TextIOWrapper(self.file, encoding=encoding, newline=""), 0
        try:
            while line := text.readline(LONGEST_LINE):
                number += 1
                self.size = self.file.tell()
                if len(line) == LONGEST_LINE:
                    self._spoil(
                        number,
                        _(
                            "is longer than %(longest_line)s characters; is this a CSV file?",
                            longest_line=notation.number(LONGEST_LINE),
                        ),
                    )
                    self.problems.incomplete.add(self.name)
                    return
                if "\0" in line:
                    self._spoil(number, _("has a NUL byte"))
                yield line.replace("\0", "?")
        except UnicodeDecodeError:
            named = _("is not %(encoding)s", encoding=self.encoding)
            what = named if self.encoding else _("is not UTF-16, as the file begins")
            self._spoil(number + 1, _(SAVE_AS_UTF8, what=what))
            self.problems.incomplete.add(self.name)
        finally:
            text.detach()

    def _narrow(self) -> Iterator[str]:
        """The lines of any other file."""
        number = 0
        while raw := self.file.readline(LONGEST_LINE):
            number += 1
            self.size += len(raw)
            if number == 1:
                raw = raw.removeprefix(BOM)
            if len(raw) == LONGEST_LINE:
                self._spoil(
                    number,
                    _(
                        "is longer than %(longest_line)s bytes; is this a CSV file?",
                        longest_line=notation.number(LONGEST_LINE),
                    ),
                )
                self.problems.incomplete.add(self.name)
                return
            try:
                line = raw.decode(self.encoding or "utf-8")
            except UnicodeDecodeError as error:
                at = {"at": error.start + 1, "byte": f"0x{raw[error.start]:02x}"}
                named = self.encoding or "UTF-8"
                what = _("is not %(encoding)s (byte %(at)s of the line, %(byte)s)", encoding=named, **at)
                self._spoil(number, _(SAVE_AS_UTF8 if self.encoding else OR_SAY, what=what))
                line = raw.decode(self.encoding or "utf-8", errors="replace")
            else:
                if "\0" in line:
                    self._spoil(number, _("has a NUL byte"))
            yield line.replace("\0", "?") if self.spoilt else line

    def _spoil(self, number: int, words: str) -> None:
        self.spoilt = True
        self.problems.add(self.name, number, LINE, words, BAD_LINE)


def rows(
    path: Path,
    problems: Problems,
    progress: Callable[[int], None] | None = None,
    style: FileStyle = FOUND_OUT,
) -> Iterator[tuple[int, list[str], bool]]:
    """The rows, header included, each with the number of its first line, and whether it was spoilt: noted as
    a problem already. Lines without anything but separators are skipped.

    Where reading must stop before the end, the file is noted as incomplete. `progress` is told now and then
    how many bytes have been read."""
    try:
        with open(path, "rb") as file:
            yield from _rows(Lines(file, path.name, problems, style.encoding), progress, style.delimiter)
    except OSError as error:
        words = _("cannot be read: %(strerror)s", strerror=error.strerror)
        problems.add(path.name, 0, LINE, words, BAD_LINE)
        problems.incomplete.add(path.name)


def _rows(
    lines: Lines, progress: Callable[[int], None] | None, delimiter: str
) -> Iterator[tuple[int, list[str], bool]]:
    texts = iter(lines)
    begin: list[str] = []
    while not (begin and begin[-1].strip()) and (line := next(texts, None)) is not None:
        begin.append(line)
    separator = delimiter or max(SEPARATORS, key=begin[-1].count) if begin else ","
    reader = csv.reader(chain(begin, texts), strict=True, delimiter=separator)
    count = 0
    while True:
        start = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            words = _("%(what)s; nothing after it could be read", what=_words(error))
            lines.problems.add(lines.name, start, LINE, words, BAD_LINE)
            lines.problems.incomplete.add(lines.name)
            return
        count += 1
        if progress is not None and count % 20_000 == 0:
            progress(lines.size)
        if any(map(str.strip, row)):
            yield start, row, lines.spoilt
        lines.spoilt = False


def _words(error: csv.Error) -> str:
    """What the reader found, for a person who does not program."""
    told = str(error)
    if "new-line character" in told:
        return _("has a carriage return that ends no line")
    if "unexpected end of data" in told:
        return _("begins a field in quotes that is never closed")
    if "field larger" in told:
        return _("has a field of more than 131,072 characters; is a quote not closed?")
    return told
