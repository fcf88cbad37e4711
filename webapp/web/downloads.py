"""Files to download."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from flask import Response

from webapp.csv_export import BYTE_ORDER_MARK, csv_lines
from webapp.web.capacity import as_download
from webapp.xlsx_export import xlsx_pieces

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def csv_file(lines: Iterator[str], name: str) -> Response:
    """The lines as a file of this name (plain letters, without its ending), written as they come."""
    headers = {"Content-Disposition": f"attachment; filename={name}.csv"}
    held = as_download(lines)
    answer = Response(chain([BYTE_ORDER_MARK], held), mimetype="text/csv", headers=headers)
    answer.call_on_close(held.close)
    return answer


Rows = Iterable[Mapping[str, Any]]


def xlsx_file(table: Callable[[], Iterator[tuple[Rows, Sequence[str]]]], name: str) -> Response:
    """The rows as a workbook of this name. `table` gives them with their columns, once, while what they are
    read from is open."""

    def pieces() -> Iterator[bytes]:
        for rows, columns in table():
            yield from xlsx_pieces(rows, columns)

    headers = {"Content-Disposition": f"attachment; filename={name}.xlsx"}
    held = as_download(pieces())
    answer = Response(held, mimetype=XLSX, headers=headers)
    answer.call_on_close(held.close)
    return answer


def table_file(kind: str, table: Callable[[], Iterator[tuple[Rows, Sequence[str]]]], name: str) -> Response:
    """The rows as a file of this name, "csv" or "xlsx": what every list has for a download."""
    if kind == "xlsx":
        return xlsx_file(table, name)

    def lines() -> Iterator[str]:
        for rows, columns in table():
            yield from csv_lines(rows, columns)

    return csv_file(lines(), name)
