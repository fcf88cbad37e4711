"""The pages of the web application: `add_pages` is the table of contents."""

from __future__ import annotations

from flask import Flask
from jinja2 import StrictUndefined

from webapp.approvals import pages as approvals
from webapp.audit_trail import pages as audit_trail
from webapp.bounces import pages as bounces
from webapp.catcher import pages as catcher
from webapp.customers import pages as customers
from webapp.definitions import pages as definitions
from webapp.demo import pages as demo
from webapp.evidence import pages as evidence
from webapp.fixing import pages as fixing
from webapp.help import pages as help_pages
from webapp.intake import pages as intake
from webapp.invoices import pages as invoices
from webapp.new_run import pages as new_run
from webapp.notices import pages as notices
from webapp.oddities import pages as oddities
from webapp.plans import pages as plans
from webapp.privacy import pages as privacy
from webapp.results import pages as results
from webapp.runs import pages as runs
from webapp.search import pages as search
from webapp.settings import pages as settings
from webapp.sign_on import pages as sign_on
from webapp.sign_on import proxy_pages
from webapp.users import pages as users
from webapp.web import (
    access_control,
    assets,
    capacity,
    errors,
    formats,
    health,
    held_forms,
    htmx,
    layout,
    limits,
    preview_renderers,
    security,
    sessions,
    typed_text,
    user_limits,
)

SHARED = (
    *(sessions, typed_text, limits, assets, errors, formats, layout, htmx, held_forms),
    *(proxy_pages, access_control, security, user_limits, capacity, preview_renderers),
)
"""What all pages share, in the order in which it takes effect."""
ROOMS = (
    *(users, sign_on, definitions, invoices, intake, customers, new_run, oddities, runs, results),
    *(plans, fixing, bounces, search, settings, approvals, notices, audit_trail, evidence, privacy, catcher),
    *(demo, help_pages),
)
"""The rooms with pages."""


def add_pages(app: Flask) -> None:
    """Registers what all pages share, then the pages, room by room."""
    app.jinja_options = {"undefined": StrictUndefined, "trim_blocks": True, "lstrip_blocks": True}
    for manners in SHARED:
        manners.init_app(app)
    for room in ROOMS:
        room.init_app(app)
    app.register_blueprint(health.health)
