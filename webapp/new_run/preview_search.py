"""The search in the lists of the preview."""

from __future__ import annotations

from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from webapp.found_by import invoices_found, names_invoice
from webapp.store.dialects import id_in
from webapp.store.invoices import Invoice
from webapp.store.text_search import search_words

FOUND_MAX = 5_000
"""Up to this many hits of a search are looked up by the search tables; of more, each invoice is looked at."""


def mentions(session: Session, search: str) -> list[ColumnElement[bool]]:
    """Whether number or customer of the current Invoice mention every word: at most one condition."""
    if not search_words(search):
        return []
    found = invoices_found(session, search, FOUND_MAX)
    if len(found) > FOUND_MAX:
        return [names_invoice(search)]
    return [id_in(session, Invoice.id, found)]
