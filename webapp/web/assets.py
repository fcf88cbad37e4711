"""Addresses of static files that change with the files, so that browsers may keep them for ever.

The version is a folder in the address and stands for all files together, so the relative imports of a module
lead to modules of the same version. After an upgrade the old addresses are gone: old and new never mix."""

from __future__ import annotations

import hashlib
from pathlib import Path

from flask import Flask, Response, request

from webapp.translation import N_, translated

SCRIPT_TEXTS = {
    "not copied": N_("The browser does not allow copying here. Select the text instead."),
    "copied": N_("Copied."),
    "take out": N_("Take out %(address)s"),
    "other login": N_("%(user)s has logged in with this browser since. To log in here ends that login."),
    "no answer": N_("Mailrun did not answer. Try again in a moment."),
    "save all": N_("Save all that are filled in"),
    "save": N_("Save %(count)s"),
    "save and send one": N_("Save %(count)s and send 1 mail"),
    "save and send": N_("Save %(count)s and send %(mails)s mails"),
    "selected": N_("%(count)s selected"),
    "list changed": N_("The list has changed: nothing is selected any more."),
}
"""What scripts say (static/js/texts.js), by name."""
CACHE_FOREVER = "public, max-age=31536000, immutable"


def init_app(app: Flask) -> None:
    """Give the templates `asset(name)` and the texts of scripts; keep files of this version in caches."""
    app.add_template_global(script_texts)
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


def script_texts() -> dict[str, str]:
    """What scripts say, in the reader's language."""
    return {name: translated(text) for name, text in SCRIPT_TEXTS.items()}


def version_of(root: Path, names: list[str]) -> str:
    """A digest of the names and the content of these files."""
    digest = hashlib.sha256()
    for name in names:
        content = hashlib.sha256((root / name).read_bytes()).hexdigest()
        digest.update(f"{content} {name}\n".encode())
    return digest.hexdigest()[:12]
