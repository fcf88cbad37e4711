"""The web part: waitress, one process, eight threads."""

from __future__ import annotations

import signal
import sys
from types import FrameType

from flask import Flask
from waitress.server import create_server

THREADS = 8


def serve(app: Flask, host: str, port: int) -> None:
    """Serves until SIGTERM or Ctrl-C; requests that are at work are finished first (up to 5 s).

    Raises OSError if the port cannot be had."""
    server = create_server(app, host=host, port=port, threads=THREADS, ident=None)  # type: ignore[no-untyped-call]
    signal.signal(signal.SIGTERM, _end)
    server.run()


def _end(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)
