"""Mailrun: mails invoices. `create_app` is the table of contents."""

from __future__ import annotations

from pathlib import Path

from flask import Flask

from webapp import config, extensions

ROOT = Path(__file__).parent.parent


def create_app(settings: config.Settings | None = None) -> Flask:
    """Builds the application. Raises SettingError for a setting that cannot be used."""
    settings = settings or config.load()
    app = Flask("mailrun", root_path=str(ROOT), template_folder="templates", static_folder="static")
    app.extensions["mailrun"] = extensions.open_runtime(settings)
    return app
