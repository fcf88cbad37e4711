"""Addresses of static files that change with the files, so that browsers may keep them for ever.

The version is a folder in the address and stands for all files together, so the relative imports of a module
lead to modules of the same version. After an upgrade the old addresses are gone: old and new never mix."""

from __future__ import annotations

import hashlib
from pathlib import Path

from flask import Flask, Response, request

CACHE_FOREVER = "public, max-age=31536000, immutable"


def init_app(app: Flask) -> None:
    """Give the templates `asset(name)`, and answers of the right version a long life in caches."""
    root = Path(app.static_folder or "static")
    names = sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())
    version = version_of(root, names)

    def send(filename: str) -> Response:
        return app.send_static_file(filename.removeprefix(f"{version}/"))

    app.view_functions["static"] = send

    @app.template_global()
    def asset(name: str) -> str:
        if name not in names:
            raise LookupError(f"there is no static file {name}")
        return f"{request.script_root}{app.static_url_path}/{version}/{name}"

    @app.after_request
    def keep(response: Response) -> Response:
        if request.endpoint == "static" and response.status_code == 200:
            filename = (request.view_args or {})["filename"]
            if filename.startswith(f"{version}/"):
                response.headers["Cache-Control"] = CACHE_FOREVER
        return response


def version_of(root: Path, names: list[str]) -> str:
    """A digest of the names and the content of these files."""
    digest = hashlib.sha256()
    for name in names:
        content = hashlib.sha256((root / name).read_bytes()).hexdigest()
        digest.update(f"{content} {name}\n".encode())
    return digest.hexdigest()[:12]
