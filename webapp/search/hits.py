"""Which customers and invoices a search finds: their ids, the first ones to show first.

A search that few rows match is answered whole, from the search tables. Of many matches, the list is walked in
its order instead until enough are found, and they are not counted."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Select, exists, select
from sqlalchemy.orm import Session

from webapp import found_by
from webapp.access import Viewer, seen_by, visible_to
from webapp.customer_search import customers_with
from webapp.keyset import Counted
from webapp.store.customers import Customer
from webapp.store.dialects import id_in
from webapp.store.invoices import Invoice
from webapp.store.text_search import CUSTOMER_SEARCH, TRIGRAM, search_words

LOOKED_UP_MAX = 2_000
"""Up to this many matches of the search table are looked up and counted."""


@dataclass(frozen=True)
class Hits:
    """The ids that were found, in the order to show them, and how many there are."""

    ids: list[int]
    count: Counted

    @property
    def are_all(self) -> bool:
        """Whether `ids` are all that match."""
        return not self.count.more


def are_enough(words: list[str]) -> bool:
    """Whether trigrams can answer: one word has three letters or more."""
    return any(len(word) >= TRIGRAM for word in words)


def customer_hits(session: Session, viewer: Viewer, wanted: str, at_most: int) -> Hits:
    """The customers whose code, name, addresses, also former ones, and metadata contain every word, by
    name. Fewer than three letters find the customer of this very code."""
    ours, by = visible_to(viewer, Customer), (Customer.sort_name, Customer.id)
    if not are_enough(search_words(wanted)):
        return _listed(session, select(Customer.id).where(ours, Customer.code == wanted.strip()))
    found = customers_with(session, wanted, LOOKED_UP_MAX)
    if len(found) <= LOOKED_UP_MAX:
        return _listed(
            session, select(Customer.id).where(ours, id_in(session, Customer.id, found)).order_by(*by)
        )
    text = CUSTOMER_SEARCH.c.text
    said = (text.contains(word, autoescape=True) for word in search_words(wanted))
    is_found = exists(select(1).where(CUSTOMER_SEARCH.c.rowid == Customer.id, *said))
    walked = select(Customer.id).where(seen_by(viewer), is_found).order_by(Customer.id)
    return _walked(session, walked, at_most)


def invoice_hits(session: Session, viewer: Viewer, wanted: str, at_most: int) -> Hits:
    """The invoices whose number, or whose customer's code and name, contain every word, the newest first.
    Fewer than three letters find the invoice of this very number."""
    ours = visible_to(viewer, Invoice)
    if not are_enough(search_words(wanted)):
        return _listed(session, select(Invoice.id).where(ours, Invoice.number == wanted.strip()))
    newest = Invoice.id.desc()
    found = found_by.invoices_found(session, wanted, LOOKED_UP_MAX)
    if len(found) <= LOOKED_UP_MAX:
        return _listed(
            session, select(Invoice.id).where(ours, id_in(session, Invoice.id, found)).order_by(newest)
        )
    each = exists().where(Customer.id == Invoice.customer_id, seen_by(viewer)) if viewer.clusters else ours
    walked = select(Invoice.id).where(each, found_by.names_invoice(wanted)).order_by(newest)
    return _walked(session, walked, at_most)


def _walked(session: Session, walked: Select[int], at_most: int) -> Hits:
    """The first of very many. Customers are walked in the order of ids: names that match may all stand at the
    end of the alphabet."""
    ids = list(session.scalars(walked.limit(at_most + 1)))
    return Hits(ids[:at_most], Counted(min(len(ids), at_most), len(ids) > at_most))


def _listed(session: Session, query: Select[int]) -> Hits:
    ids = list(session.scalars(query))
    return Hits(ids, Counted(len(ids)))
