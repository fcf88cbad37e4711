"""Rows as a workbook: what is inside the file, and nothing that a spreadsheet would calculate."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from webapp import xlsx_export
from webapp.xlsx_export import xlsx_pieces

ODD = '=cmd|"/c calc"!A1'


def sheets(*rows: dict[str, object]) -> list[str]:
    """The XML of each sheet."""
    book = zipfile.ZipFile(io.BytesIO(b"".join(xlsx_pieces(rows, ["a", "b"]))))
    assert book.testzip() is None
    names = sorted(name for name in book.namelist() if name.startswith("xl/worksheets/sheet"))
    return [book.read(name).decode() for name in names]


def test_numbers_and_dates_are_real_ones_and_texts_are_texts() -> None:
    at = datetime(2026, 11, 4, 12, 0, tzinfo=UTC)
    [xml] = sheets(
        {"a": Decimal("-12.50"), "b": at},
        {"a": date(2026, 11, 4), "b": ODD},
        {"a": ["x@y.test", "z@y.test"], "b": None},
        {"a": "+49", "b": "https://x.test"},
    )
    assert "<v>-12.5</v>" in xml
    assert "<v>46330.5</v>" in xml
    assert "<v>46330</v>" in xml
    assert "<f>" not in xml
    assert "hyperlink" not in xml
    assert "=cmd|" in xml
    assert "x@y.test z@y.test" in xml
    assert "+49" in xml
    assert len(re.findall(r'<c r="B4"', xml)) == 0


def test_without_rows_there_are_the_names() -> None:
    [xml] = sheets()
    assert len(re.findall("inlineStr", xml)) == 2


def test_what_a_sheet_does_not_hold_goes_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx_export, "ROWS_PER_SHEET", 2)
    found = sheets(*({"a": n, "b": ""} for n in range(5)))
    assert [xml.count("<row ") for xml in found] == [3, 3, 2]
