"""Files to download."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from flask import Response

from webapp.csv_export import BYTE_ORDER_MARK
from webapp.web.capacity import as_download


def csv_file(lines: Iterator[str], name: str) -> Response:
    """The lines as a file of this name (plain letters, without its ending), written as they come."""
    headers = {"Content-Disposition": f"attachment; filename={name}.csv"}
    held = as_download(lines)
    answer = Response(chain([BYTE_ORDER_MARK], held), mimetype="text/csv", headers=headers)
    answer.call_on_close(held.close)
    return answer
