"""The web part: waitress, one process, 24 threads."""

from __future__ import annotations

import copy
import gc
import signal
import sys
from http.cookies import CookieError, SimpleCookie
from types import FrameType
from typing import Any

from flask import Flask
from itsdangerous import BadSignature
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import create_server

from webapp.extensions import runtime_of
from webapp.store.users import SESSION_MAX
from webapp.web.limits import DOCUMENT_BYTES_MAX, FORM_BYTES_MAX
from webapp.web.security import REQUEST_BYTES_MAX

THREADS = 24
"""Four downloads, four previews and a few template checks may hold one each (web/capacity.py,
web/preview_renderers.py); the pages need the rest."""
TURN_SECONDS = 0.0005
"""How long one thread may keep the interpreter from the others. A page gives it up at every statement of the
database: behind a busy thread, each time cost it Python's own 5 ms."""
CONNECTIONS = 1000
SILENT_SECONDS = 30
"""A client that sends and takes nothing for this long is let go."""


class LimitedRequest(HTTPRequestParser):
    """A request as it comes in. Waitress writes its whole body to the disk before the application sees it:
    only a browser with a login, whose cookie is signed, may send as much as a document or an import has."""

    app: Flask

    def parse_header(self, header: bytes) -> None:
        """Read the header; then it is known how many bytes may follow."""
        super().parse_header(header)  # type: ignore[no-untyped-call]
        if self.command == "POST" and _has_login(self.app, self.headers.get("COOKIE", "")):
            self.adj = copy.copy(self.adj)
            most = DOCUMENT_BYTES_MAX
            if self.path == UPLOADS:
                most = runtime_of(self.app).settings.import_bytes_max + FORM_BYTES_MAX
            self.adj.max_request_body_size = 2 * most


UPLOADS = "/imports"
"""Where an import is sent to (intake/pages.py)."""


def _has_login(app: Flask, cookies: str) -> bool:
    """Whether this cookie is one that a login was given. Whether the login is still open, the application
    finds out."""
    try:
        found = SimpleCookie(cookies).get(app.config["SESSION_COOKIE_NAME"])
        interface: Any = app.session_interface
        serializer = interface.get_signing_serializer(app)
        signed = serializer.loads(found.value if found else "", max_age=int(SESSION_MAX.total_seconds()))
    except (BadSignature, CookieError):
        return False
    return "_user_id" in signed


def serve(app: Flask, host: str, port: int) -> None:
    """Serve until SIGTERM or Ctrl-C; requests in progress are finished first (up to 5 s)."""
    most = 2 * REQUEST_BYTES_MAX  # up to which the application itself says, in words, that it is too much
    LimitedRequest.app = app
    HTTPChannel.parser_class = LimitedRequest
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
    sys.setswitchinterval(TURN_SECONDS)
    gc.collect()
    gc.freeze()  # what is loaded now stays: no request need wait until the collector has scanned it again
    server.run()


def _end(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)
