"""Rows as a workbook (XLSX), for people who calculate with them: numbers and dates are real ones, and no text
is ever a formula."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

ROWS_PER_SHEET = 1_048_575
"""What a sheet holds below its line of names; the next rows go to another sheet."""
TEXT_MAX = 32_767
"""Characters that a cell holds."""
COLUMN_WIDTH = 18
PIECE_BYTES = 1 << 16


def xlsx_pieces(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> Iterator[bytes]:
    """The workbook, in pieces: written row by row to a file first, since its table of contents comes last.
    Lists are joined by blanks, None is empty, moments are in UTC, since a workbook has no time zones."""
    with tempfile.TemporaryFile() as file:
        _write(file, rows, columns)
        file.seek(0)
        while piece := file.read(PIECE_BYTES):
            yield piece


def _write(file: Any, rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> None:
    from xlsxwriter import Workbook  # type: ignore[import-untyped]  # few processes ever write one

    book = Workbook(file, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    looks = {
        datetime: book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
        date: book.add_format({"num_format": "yyyy-mm-dd"}),
        Decimal: book.add_format({"num_format": "#,##0.00"}),
    }
    bold, sheet = book.add_format({"bold": True}), None
    for number, row in enumerate(rows):
        line = number % ROWS_PER_SHEET
        if line == 0:
            sheet = _sheet(book, columns, bold)
        for place, name in enumerate(columns):
            _write_cell(sheet, line + 1, place, row[name], looks)
    if sheet is None:
        _sheet(book, columns, bold)
    book.close()


def _sheet(book: Any, columns: Sequence[str], bold: Any) -> Any:
    sheet = book.add_worksheet()
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, max(0, len(columns) - 1), COLUMN_WIDTH)
    for place, name in enumerate(columns):
        sheet.write_string(0, place, name, bold)
    return sheet


def _write_cell(sheet: Any, line: int, place: int, value: Any, looks: Mapping[type, Any]) -> None:
    if isinstance(value, datetime):
        sheet.write_datetime(line, place, value.astimezone(UTC).replace(tzinfo=None), looks[datetime])
    elif isinstance(value, date):
        sheet.write_datetime(line, place, value, looks[date])
    elif isinstance(value, Decimal):
        sheet.write_number(line, place, float(value), looks[Decimal])
    elif isinstance(value, int | float) and not isinstance(value, bool):
        sheet.write_number(line, place, value)
    elif value is not None and value != "":
        text = " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
        sheet.write_string(line, place, text[:TEXT_MAX])
