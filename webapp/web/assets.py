"""Addresses of static files that change with their content, so that browsers may keep them for ever."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from flask import Flask, Response, request

FOR_EVER = "public, max-age=31536000, immutable"


def init_app(app: Flask) -> None:
    """Gives the templates `asset(name)`, and answers of the right version a long life in caches."""
    root = Path(app.static_folder or "static")

    @cache
    def version(name: str) -> str:
        return hashlib.sha256((root / name).read_bytes()).hexdigest()[:12]

    @app.template_global()
    def asset(name: str) -> str:
        return f"{request.script_root}{app.static_url_path}/{name}?v={version(name)}"

    @app.after_request
    def keep(response: Response) -> Response:
        if request.endpoint == "static" and response.status_code == 200 and request.args.get("v"):
            response.headers["Cache-Control"] = FOR_EVER
        return response
