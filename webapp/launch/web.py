"""The web part: waitress, one process, 24 threads."""

from __future__ import annotations

import signal
import sys
from types import FrameType

from flask import Flask
from waitress.server import create_server

from webapp.extensions import runtime_of
from webapp.web.security import REQUEST_BYTES_MAX

THREADS = 24
"""Four downloads, four previews and a few template checks may hold one each (web/capacity.py,
web/preview_renderers.py); the pages need the rest."""
CONNECTIONS = 1000
SILENT_SECONDS = 30
"""A client that sends and takes nothing for this long is let go."""


def serve(app: Flask, host: str, port: int) -> None:
    """Serve until SIGTERM or Ctrl-C; requests in progress are finished first (up to 5 s)."""
    most = 2 * REQUEST_BYTES_MAX  # up to which the application itself says, in words, that it is too much
    server = create_server(  # type: ignore[no-untyped-call]
        app,
        host=host,
        port=port,
        threads=THREADS,
        ident=None,
        max_request_body_size=most,
        connection_limit=CONNECTIONS,
        channel_timeout=SILENT_SECONDS,
        cleanup_interval=5,
        asyncore_use_poll=True,  # select() cannot watch more than 1,024 files
        clear_untrusted_proxy_headers=not runtime_of(app).settings.proxies,
    )
    signal.signal(signal.SIGTERM, _end)
    server.run()


def _end(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)
