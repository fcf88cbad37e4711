"""Registers the pages of results: the actions, one result, its mails."""

from __future__ import annotations

from flask import Flask

from webapp.results.action_pages import results
from webapp.results.detail_pages import one
from webapp.results.fixes import fix_in_run, fix_of, unmade_by
from webapp.results.labels import mail_words, status_words
from webapp.results.mail_pages import mails


def init_app(app: Flask) -> None:
    """Register every page of this room."""
    app.add_template_global(mail_words)
    app.add_template_global(status_words)
    app.add_template_global(fix_of)
    app.add_template_global(fix_in_run)
    app.add_template_global(unmade_by)
    for blueprint in (results, one, mails):
        app.register_blueprint(blueprint)
