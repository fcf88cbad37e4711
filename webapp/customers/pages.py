"""Registers the pages of customers and clusters."""

from __future__ import annotations

from flask import Flask

from webapp.customers.cluster_pages import clusters
from webapp.customers.detail_pages import customer_pages
from webapp.customers.list_pages import customers
from webapp.mailing.locale_filters import language_name


def init_app(app: Flask) -> None:
    """Register every page of this room, and what their templates call."""
    app.add_template_filter(language_name)
    for blueprint in (customers, customer_pages, clusters):
        app.register_blueprint(blueprint)
