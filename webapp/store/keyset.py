"""Pages of long lists, by key: as fast on the last page as on the first, and nothing shifts when rows come or
go.

A cursor names the row at the edge of a page: its id and, where the list is not in the order of ids, the value
it is sorted by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, and_, or_
from sqlalchemy.sql.elements import UnaryExpression

Row = TypeVar("Row")
PAGE_SIZE = 50


@dataclass(frozen=True)
class Edge:
    """Where a page begins: after this row, or (backwards) before it."""

    id: int
    value: str
    backwards: bool


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Up to 50 rows, and the cursors of the pages before and after; empty where there is none."""

    rows: list[Row]
    previous: str
    next: str


def cursor(id: int, value: str = "") -> str:
    """The text that names a row in an address."""
    return f"{id}~{value}" if value else str(id)


def beyond(
    edge: Edge, id: Any, column: Any = None, value: Any = None, *, descending: bool = False
) -> ColumnElement[bool]:
    """The condition for the rows behind the edge, in the direction that it is read."""
    upward = descending == edge.backwards

    def further(one: Any, other: Any) -> ColumnElement[bool]:
        found: ColumnElement[bool] = one > other if upward else one < other
        return found

    if column is None:
        return further(id, edge.id)
    # The first condition says nothing new: it is what an index can begin at.
    begins = column >= value if upward else column <= value
    return and_(begins, or_(further(column, value), further(id, edge.id)))


def order(edge: Edge | None, *columns: Any, descending: bool = False) -> list[UnaryExpression[Any]]:
    """ORDER BY for reading from the edge on: reversed when it is read backwards."""
    down = descending != (edge is not None and edge.backwards)
    return [column.desc() if down else column.asc() for column in columns]


def page(found: list[Row], edge: Edge | None, cursors: list[str], size: int = PAGE_SIZE) -> Page[Row]:
    """The page made of up to `size` + 1 rows as they were read, each with its cursor."""
    more = len(found) > size
    rows, marks = found[:size], cursors[:size]
    backwards = edge is not None and edge.backwards
    if backwards:
        rows, marks = rows[::-1], marks[::-1]
    has_previous = more if backwards else edge is not None
    has_next = backwards or more
    return Page(rows, marks[0] if marks and has_previous else "", marks[-1] if marks and has_next else "")
