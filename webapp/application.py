"""The web application: `create_app` is the table of contents."""

from __future__ import annotations

from pathlib import Path

from flask import Flask
from jinja2 import StrictUndefined

from webapp import config, extensions
from webapp.catcher import pages as catcher
from webapp.definitions import pages as definitions
from webapp.definitions import part_pages, template_pages, try_pages
from webapp.runs import (
    control_pages,
    dialog_pages,
    evidence_pages,
    list_pages,
    mail_preview_pages,
    one_mail_pages,
    one_result_pages,
    preview_pages,
    result_pages,
    takeover_pages,
)
from webapp.runs import pages as runs
from webapp.users import pages as users
from webapp.web import assets, errors, formats, frame, gate, health, htmx, limits, security, sessions

ROOT = Path(__file__).parent.parent


def create_app(settings: config.Settings | None = None) -> Flask:
    """Builds the application. Raises SettingError for a setting that cannot be used."""
    settings = settings or config.load()
    app = Flask("mailrun", root_path=str(ROOT), template_folder="templates", static_folder="static")
    app.secret_key = settings.secret_key
    app.jinja_options = {"undefined": StrictUndefined, "trim_blocks": True, "lstrip_blocks": True}
    app.extensions["mailrun"] = extensions.open_runtime(settings)
    for manners in (limits, assets, errors, formats, frame, htmx, sessions, gate, security):
        manners.init_app(app)
    of_dialog = (dialog_pages, preview_pages, mail_preview_pages)
    of_runs = (runs, list_pages, *of_dialog, control_pages, result_pages, one_result_pages, one_mail_pages)
    of_definitions = (definitions, template_pages, part_pages, try_pages)
    for feature in (users, *of_runs, evidence_pages, takeover_pages, *of_definitions, catcher):
        feature.init_app(app)
    app.register_blueprint(health.health)
    return app
