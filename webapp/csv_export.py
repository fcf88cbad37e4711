"""Rows as CSV, for people who open it in a spreadsheet."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

BYTE_ORDER_MARK = "\ufeff"
"""By which spreadsheets recognise UTF-8: it precedes the first line of a file."""

FORMULA_SIGN = re.compile(r"^(?=[=+\-@＝＋－＠\t\r])|(?<=[;\t\n\v\f\r\x85\u2028\u2029])(?=[=+\-@＝＋－＠])")
"""Places before what a spreadsheet may take for a formula: at the start of a field, and wherever one that
parts fields by semicolons or tabs, or lines by other breaks, begins a field within it. Full-width signs count
where the locale is Chinese, Japanese or Korean."""


def csv_lines(rows: Iterable[Mapping[str, Any]], columns: Iterable[str]) -> Iterator[str]:
    """A line of column names, then a line for each row: lists joined by blanks, None as empty, amounts by
    currency as "EUR 12.50 GBP 3.00".

    A text that a spreadsheet would take for a formula gets a quote before it: customers' names and the words
    of foreign mail servers are not ours (OWASP, CSV injection). Numbers stay as they are."""
    names = list(columns)
    line = Echo()
    writer = csv.writer(line, lineterminator="\r\n")  # so that either, within a text, is put in quotes
    writer.writerow(names)
    yield line.text
    for row in rows:
        writer.writerow([_cell(row[name]) for name in names])
        yield line.text


class Echo:
    """Keeps what the csv module writes last."""

    text = ""

    def write(self, text: str) -> None:
        self.text = text.removesuffix("\r\n") + "\n"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Mapping):
        value = [f"{name} {amount}" for name, amount in value.items()]
    text = " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return text if _is_number(value) else FORMULA_SIGN.sub("'", text)


def _is_number(value: Any) -> bool:
    return not isinstance(value, str | list | tuple)
