"""What addresses and forms of the pages about invoices say."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from flask import abort
from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from webapp.access import Viewer, visible_to
from webapp.invoices import filters
from webapp.invoices.filters import InvoiceFilter
from webapp.invoices.orders import ORDERS, amount_in
from webapp.store.invoices import Invoice
from webapp.translation import _
from webapp.web.lists import ListRequest, Picked, list_request, picked
from webapp.web.query_args import id_in

LIST_PATH = "/invoices"
FILTERS = (
    *("cluster", "include_children", "customer", "from", "to", "status"),
    *("currency", "least", "most", "mailed", "changed", "documents"),
)
NEVER, NONE, SUSPECT, NOT, MISSING = "never", "none", "suspect", "not-", "missing-"


def asked_list() -> ListRequest:
    """The list that the address asks for."""
    return list_request(LIST_PATH, FILTERS, ORDERS)


def picked_invoices() -> Picked:
    """The invoices that the form on the list is about."""
    return picked(LIST_PATH, FILTERS, ORDERS)


def filter_of(asked: ListRequest) -> InvoiceFilter:
    """The filter of the list. Ends the request with 404 for a choice that no list offers."""
    given, wrong = asked.filters, []

    def day(name: str) -> date | None:
        try:
            return date.fromisoformat(given[name]) if given[name] else None
        except ValueError:
            wrong.append(_("“%(text)s” is not a date. Write it as 2026-10-31.", text=given[name]))
            return None

    def amount(name: str) -> Decimal | None:
        try:
            return amount_in(given[name].replace(",", ".")) if given[name] else None
        except ValueError:
            wrong.append(_("“%(text)s” is not an amount. Write it as 1234.50.", text=given[name]))
            return None

    mailed, documents = given["mailed"], given["documents"]
    return InvoiceFilter(
        cluster=given["cluster"],
        include_children=bool(given["include_children"]),
        customer=given["customer"],
        first=day("from"),
        last=day("to"),
        status=given["status"],
        currency=given["currency"].upper(),
        least=amount("least"),
        most=amount("most"),
        sent_with=_id(mailed) if mailed and mailed != NEVER and not mailed.startswith(NOT) else None,
        not_sent_with=_id(mailed.removeprefix(NOT)) if mailed.startswith(NOT) else None,
        never_sent=mailed == NEVER,
        missing=_id(documents.removeprefix(MISSING)) if documents not in ("", NONE, SUSPECT) else None,
        no_document=documents == NONE,
        suspect=documents == SUSPECT,
        changed=bool(given["changed"]),
        search=asked.search,
        wrong=tuple(wrong),
    )


def _id(text: str) -> int:
    found = id_in(text)
    return abort(404) if found is None else found


def conditions_of(session: Session, viewer: Viewer, chosen: Picked) -> list[ColumnElement[bool]]:
    """The conditions on Invoice for what was picked and this person may see. Ends the request with 404 for
    an unknown filter."""
    if chosen.ids is not None:
        return [Invoice.id.in_(chosen.ids), visible_to(viewer, Invoice)]
    try:
        return filters.matching(session, viewer, filter_of(chosen.asked))
    except ValueError:
        abort(404)
