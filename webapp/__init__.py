"""Mailrun: mails invoices."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from webapp.config import Settings


def create_app(settings: Settings | None = None) -> Flask:
    """Builds the web application (application.py is its table of contents). Raises SettingError for a setting
    that cannot be used.

    The pages are imported here, not above: workers and their renderers are of this package too, and shall not
    carry Flask and sixty pages about."""
    from webapp import application

    return application.create_app(settings)
