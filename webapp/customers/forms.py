"""What addresses and forms of the pages about customers say."""

from __future__ import annotations

from flask import abort
from sqlalchemy import ColumnElement

from webapp.customers import filters
from webapp.customers.filters import ORDERS, CustomerFilter
from webapp.store.customers import Customer
from webapp.store.db import db
from webapp.web.access_control import viewer
from webapp.web.lists import ListRequest, Picked, list_request, picked

LIST_PATH = "/customers"
FILTERS = ("cluster", "include_children", "missing", "status")


def asked_list() -> ListRequest:
    """The list that the address asks for."""
    return list_request(LIST_PATH, FILTERS, ORDERS)


def picked_customers() -> Picked:
    """The customers that the form on the list is about."""
    return picked(LIST_PATH, FILTERS, ORDERS)


def filter_of(asked: ListRequest) -> CustomerFilter:
    """The filter of the list."""
    given = asked.filters
    return CustomerFilter(
        cluster=given["cluster"],
        include_children=bool(given["include_children"]),
        missing=given["missing"],
        state=given["status"],
        search=asked.search,
    )


def conditions_of(chosen: Picked) -> list[ColumnElement[bool]]:
    """The conditions on Customer for what was picked and this person may see. Ends the request with 404 for
    an unknown filter."""
    shown = CustomerFilter() if chosen.ids is not None else filter_of(chosen.asked)
    try:
        found = filters.conditions(db.session, viewer(), shown)
    except ValueError:
        abort(404)
    return found if chosen.ids is None else [*found, Customer.id.in_(chosen.ids)]
