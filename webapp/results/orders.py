"""The orders of the table of results, page by page from an edge on."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from sqlalchemy import Select

from webapp import keyset
from webapp.keyset import Edge, Order
from webapp.store.runs import Result
from webapp.store.types import instant
from webapp.translation import N_


def _amount(text: str) -> Decimal:
    if not re.fullmatch(r"-?[0-9]{1,14}(\.[0-9]{1,4})?", text):
        raise ValueError(f"not an amount: {text}")
    return Decimal(text)


ORDERS: dict[str, Order[Result]] = {
    "": Order(N_("Customer"), Result.sort_name, lambda result: result.sort_name, str),
    "changed": Order(
        N_("Last change"),
        Result.changed_at,
        lambda result: result.changed_at.isoformat(),
        instant,
        descending=True,
    ),
    "amount": Order(N_("Amount"), Result.amount, lambda result: str(result.amount), _amount, descending=True),
}
"""By their names in addresses."""


def in_order(query: Select[Any], name: str, edge: Edge | None, *, few: bool = False) -> Select[Any]:
    """The query in this order, from the edge on.

    `few` says that the filter leaves few rows: they are looked up and sorted. Otherwise the index of names is
    walked, and what does not match is left out. SQLite cannot know which of the two is faster."""
    way = order_named(name)
    column = Result.sort_name + "" if few and way.column is Result.sort_name else way.column
    return ordered(query, column, Result.id, name, edge)


def ordered(query: Select[Any], column: Any, id: Any, name: str, edge: Edge | None) -> Select[Any]:
    """The query in this order, with these columns for the value and the id. Raises ValueError for an edge
    that cannot be."""
    return keyset.ordered(query, order_named(name), id, edge, column)


def order_named(name: str) -> Order[Result]:
    """The order of this name, as addresses have it: after a hyphen the other way round."""
    return keyset.named_order(ORDERS, name)


def cursor(result: Result, name: str) -> str:
    """The text that names this result as an edge of a page in this order."""
    return order_named(name).cursor(result.id, result)
