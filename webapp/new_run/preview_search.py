"""The search in the lists of the preview."""

from __future__ import annotations

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import Session

from webapp.store import keyset
from webapp.store.invoices import Invoice
from webapp.store.text_search import INVOICE_SEARCH, found_in, search_words

FOUND_MAX = 5_000
"""Up to this many hits of a search are looked up by the search table; of more, each invoice is looked at."""


def mentions(session: Session, search: str) -> list[ColumnElement[bool]]:
    """Whether the current Invoice mentions every word: at most one condition. Few hits are looked up by the
    index; of many, the text of each invoice of the list is looked at."""
    words = search_words(search)
    if not words:
        return []
    hits = found_in(INVOICE_SEARCH, search)
    if not keyset.counted(session, hits, FOUND_MAX).more:
        return [Invoice.id.in_(hits)]
    said = (INVOICE_SEARCH.c.text.contains(word, autoescape=True) for word in words)
    return [exists(select(1).where(INVOICE_SEARCH.c.rowid == Invoice.id, *said))]
