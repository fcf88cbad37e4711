"""Registers the pages of invoices."""

from __future__ import annotations

from flask import Flask

from webapp.invoices.detail_pages import invoice_pages
from webapp.invoices.document_pages import invoice_documents
from webapp.invoices.list_pages import invoices


def init_app(app: Flask) -> None:
    """Register every page of this room."""
    for blueprint in (invoices, invoice_pages, invoice_documents):
        app.register_blueprint(blueprint)
