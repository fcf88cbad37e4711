"""The orders of the table of results, page by page from an edge on."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Select

from webapp.store import keyset
from webapp.store.keyset import Edge
from webapp.store.runs import Result
from webapp.store.types import instant


@dataclass(frozen=True)
class Order:
    """One way to sort. `shown` writes a result's value into a cursor, `parsed` reads it back from an address:
    it raises ValueError for a text that is no value."""

    label: str
    column: Any
    shown: Callable[[Result], str]
    parsed: Callable[[str], object]
    descending: bool = False


def _amount(text: str) -> Decimal:
    if not re.fullmatch(r"-?[0-9]{1,14}(\.[0-9]{1,4})?", text):
        raise ValueError(f"not an amount: {text}")
    return Decimal(text)


ORDERS = {
    "": Order("Customer", Result.sort_name, lambda result: result.sort_name, str),
    "changed": Order(
        "Last change",
        Result.changed_at,
        lambda result: result.changed_at.isoformat(),
        instant,
        descending=True,
    ),
    "amount": Order("Amount", Result.amount, lambda result: str(result.amount), _amount, descending=True),
}
"""By their names in addresses."""


def in_order(query: Select[Any], name: str, edge: Edge | None, *, few: bool = False) -> Select[Any]:
    """The query in this order, from the edge on.

    `few` says that the filter leaves few rows: they are looked up and sorted. Otherwise the index of names is
    walked, and what does not match is left out. SQLite cannot know which of the two is faster."""
    column = Result.sort_name + "" if few and name == "" else ORDERS[name].column
    return ordered(query, column, Result.id, name, edge)


def ordered(query: Select[Any], column: Any, id: Any, name: str, edge: Edge | None) -> Select[Any]:
    """The query in this order, with these columns for the value and the id. Raises ValueError for an edge
    that cannot be."""
    order = ORDERS[name]
    if edge:
        value = order.parsed(edge.value)
        query = query.where(keyset.beyond(edge, id, column, value, descending=order.descending))
    return query.order_by(*keyset.order(edge, column, id, descending=order.descending))


def cursor(result: Result, name: str) -> str:
    """The text that names this result as an edge of a page in this order."""
    return keyset.cursor(result.id, ORDERS[name].shown(result))
