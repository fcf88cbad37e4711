"""Files to download."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from flask import Response

from webapp.csv_export import BYTE_ORDER_MARK


def csv_file(lines: Iterable[str], name: str) -> Response:
    """The lines as a file of this name (plain letters, without its ending), written as they come."""
    headers = {"Content-Disposition": f"attachment; filename={name}.csv"}
    return Response(chain([BYTE_ORDER_MARK], lines), mimetype="text/csv", headers=headers)
