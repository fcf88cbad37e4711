"""Mailrun: mails invoices."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from webapp.config import Settings

ROOT = Path(__file__).parent.parent


def create_app(settings: Settings | None = None, *, pages: bool = True) -> Flask:
    """Builds the application: with its pages (application.py) for the web, without them for workers and
    commands. Raises SettingError for a setting that cannot be used.

    The imports are here, not above: the renderers of workers are of this package too and must not carry
    Flask, nor workers sixty pages."""
    from flask import Flask

    from webapp import config, extensions

    settings = settings or config.load()
    app = Flask("mailrun", root_path=str(ROOT), template_folder="templates", static_folder="static")
    app.debug = False  # whatever FLASK_DEBUG says: an error would leave as a stack, not as a page
    app.secret_key = settings.secret_key
    extensions.init_app(app, settings)
    if pages:
        from webapp import application

        application.add_pages(app)
    return app
