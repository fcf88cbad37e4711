"""Pages of long lists, by key: as fast on the last page as on the first, and nothing shifts when rows come or
go.

A cursor names the row at the edge of a page: its id and, where the list is not in the order of ids, the value
it is sorted by."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import UnaryExpression

from webapp import notation
from webapp.translation import _

Row = TypeVar("Row")
Count = TypeVar("Count")
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


def joined(read: Callable[[Edge | None], tuple[Page[Row], Count]], at_most: int) -> tuple[Page[Row], Count]:
    """The first pages as one, until at least this number of rows is read or there are no more; and what was
    counted with the last of them."""
    rows: list[Row] = []
    edge = None
    while True:
        found, count = read(edge)
        rows += found.rows
        if not found.next or len(rows) >= at_most:
            return Page(rows, "", found.next), count
        id, _tilde, value = found.next.partition("~")
        edge = Edge(int(id), value, backwards=False)


@dataclass(frozen=True)
class Order(Generic[Row]):
    """One way to sort a list, with the id as the last word. `shown` writes a row's value into a cursor,
    `parsed` reads it back from an address: it raises ValueError for a text that is no value."""

    label: str
    column: Any
    shown: Callable[[Row], str]
    parsed: Callable[[str], object]
    descending: bool = False

    @property
    def reversed(self) -> Order[Row]:
        """The same, the other way round."""
        return replace(self, descending=not self.descending)

    @property
    def looked_up(self) -> Order[Row]:
        """The same for few rows: they are found first and sorted then, since no index has this expression."""
        return replace(self, column=func.coalesce(self.column, self.column))

    def cursor(self, id: int, row: Row) -> str:
        """The text that names this row as an edge of a page."""
        return cursor(id, self.shown(row))


def named_order(orders: Mapping[str, Order[Row]], name: str) -> Order[Row]:
    """The order of this name; after a hyphen the same the other way round."""
    return orders[name[1:]].reversed if name.startswith("-") else orders[name]


def ordered(
    query: Select[Any], way: Order[Any], id: Any, edge: Edge | None, column: Any = None
) -> Select[Any]:
    """The query in this order, from the edge on; `column` stands for the order's own. Raises ValueError for
    an edge that cannot be."""
    by = way.column if column is None else column
    if edge:
        query = query.where(beyond(edge, id, by, way.parsed(edge.value), descending=way.descending))
    return query.order_by(*order(edge, by, id, descending=way.descending))


COUNTED_MAX = 10_000
"""Rows that are counted one by one."""
LOOKED_UP_MAX = 4_000
"""Up to this many of 200,000 rows are found and sorted faster than a page of them is met on a walk through
the index of the order."""


@dataclass(frozen=True)
class Counted:
    """How many rows a filter leaves; `n` is a lower bound if there are `more`."""

    n: int
    more: bool = False

    def __str__(self) -> str:
        number = notation.number(self.n)
        return _("more than %(number)s", number=number) if self.more else number


def counted(session: Session, rows: Select[Any], at_most: int | None = None) -> Counted:
    """Count the rows, but no more than COUNTED_MAX (or `at_most`) of them."""
    most = COUNTED_MAX if at_most is None else at_most
    found = session.scalar(select(func.count()).select_from(rows.limit(most + 1).subquery())) or 0
    return Counted(min(found, most), found > most)


def found_and_counted(
    session: Session, query: Select[int], way: Order[Any], edge: Edge | None
) -> tuple[Sequence[int], int]:
    """The ids of a page and one more, and the number of all rows that the query leaves: of few rows, which
    are all read once."""
    hits = query.add_columns(way.column.label("by")).cte()
    [id, by] = hits.c
    how_many = select(func.count()).select_from(hits).scalar_subquery()
    rows = ordered(select(id, how_many), way, id, edge, by).limit(PAGE_SIZE + 1)
    found = session.execute(rows).all()
    count = found[0][1] if found else session.scalar(select(how_many)) if edge else 0
    return [row[0] for row in found], count or 0
