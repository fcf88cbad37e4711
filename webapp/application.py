"""The web application: `create_app` is the table of contents."""

from __future__ import annotations

from pathlib import Path

from flask import Flask
from jinja2 import StrictUndefined

from webapp import config, extensions
from webapp.catcher import pages as catcher
from webapp.definitions import pages as definitions
from webapp.evidence import pages as evidence
from webapp.new_run import pages as new_run
from webapp.results import pages as results
from webapp.runs import pages as runs
from webapp.users import pages as users
from webapp.web import (
    access_control,
    assets,
    errors,
    formats,
    health,
    htmx,
    layout,
    limits,
    security,
    sessions,
)

ROOT = Path(__file__).parent.parent
ROOMS = (users, definitions, new_run, runs, results, evidence, catcher)
"""The rooms with pages."""


def create_app(settings: config.Settings | None = None) -> Flask:
    """Builds the application. Raises SettingError for a setting that cannot be used."""
    settings = settings or config.load()
    app = Flask("mailrun", root_path=str(ROOT), template_folder="templates", static_folder="static")
    app.secret_key = settings.secret_key
    app.jinja_options = {"undefined": StrictUndefined, "trim_blocks": True, "lstrip_blocks": True}
    app.extensions["mailrun"] = extensions.open_runtime(settings)
    for manners in (limits, assets, errors, formats, layout, htmx, sessions, access_control, security):
        manners.init_app(app)
    for room in ROOMS:
        room.init_app(app)
    app.register_blueprint(health.health)
    return app
