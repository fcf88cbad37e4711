"""One list for every page that has one: filters in its address, pages by key, a search, sorting by the heads
of columns, a selection with bulk buttons, a download, and what stands there when it is empty.

How to add a list (webapp/customers/list_pages.py is the model):

1. The room has its `Order`s (store/keyset.py) by name, the first named "", and a function that takes a
   filter, an order and an edge and gives a `Page` and a `Counted`. Every order needs an index with the id at
   its end.
2. The view reads the address with `list_request`, and renders the page, or for htmx (`htmx.wants_piece()`)
   only the part that changes, with a `ListView` as `list`.
3. The page has `list_filters`, and below it an element with id="list" and data-list that includes the part
   that changes; the macros are in templates/macros/table.html. The cells say what they are on a phone by
   their data-column: title, state, fact, full, select, actions (static/app.css).
4. A form that changes what is selected is read with `picked`; its question has `picked_fields`.

Keys, selection and focus come from static/js by data-list. Nothing here knows what is listed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from flask import abort, request
from werkzeug.datastructures import MultiDict

from webapp.store.keyset import Counted, Edge, Order, Page
from webapp.web.query_args import address, edge_in, id_in, ids_in

Row = TypeVar("Row")
SEARCH_MAX = 200
"""Characters of a search that are looked at."""
TICKED_MAX = 200
"""A page has 50 rows. More are selected by the filter."""


@dataclass(frozen=True)
class ListColumn:
    """A column. `order` is the name of the order that its head sorts by; without one it has no link."""

    label: str
    order: str | None = None
    numeric: bool = False


@dataclass(frozen=True)
class ListRequest:
    """What the address of a list, or a form on it, says. `sort` is the name of an order, after a hyphen if it
    is reversed."""

    path: str
    filters: Mapping[str, str]
    search: str
    sort: str
    edge: Edge | None = None
    everything: bool = False

    @property
    def args(self) -> dict[str, str]:
        """What narrows and sorts the list, as addresses and forms carry it."""
        given = {**self.filters, "q": self.search, "sort": self.sort}
        return {name: value for name, value in given.items() if value}

    @property
    def narrows(self) -> bool:
        """Whether anything is filtered or searched for."""
        return bool(self.search or any(self.filters.values()))

    def order(self, orders: Mapping[str, Order[Any]]) -> Order[Any]:
        """The order that `sort` names."""
        return orders[self.sort[1:]].reversed if self.sort.startswith("-") else orders[self.sort]

    def url(self, **changed: str) -> str:
        """The address of the first page with these arguments instead."""
        return address(self.path, **{**self.args, **changed})


def list_request(
    path: str,
    filters: Iterable[str],
    orders: Mapping[str, Order[Any]],
    args: MultiDict[str, str] | None = None,
) -> ListRequest:
    """Read the address of a list, or `args` of a form on it. An order that does not exist is the first. Ends
    the request with 404 for a forged edge."""
    given = request.args if args is None else args
    sort = given.get("sort", "")
    return ListRequest(
        path=path,
        filters={name: given.get(name, "").strip()[:SEARCH_MAX] for name in filters},
        search=given.get("q", "").strip()[:SEARCH_MAX],
        sort=sort if sort.removeprefix("-") in orders else "",
        edge=edge_in(given),
        everything=bool(given.get("all")),
    )


@dataclass(frozen=True)
class ColumnHead:
    """The head of a column: where its link leads, and how the list is sorted by it now."""

    label: str
    numeric: bool
    href: str = ""
    aria_sort: str = ""


@dataclass(frozen=True)
class ListView(Generic[Row]):
    """A list as the templates need it. `noun` is one of what it lists, `nouns` several."""

    asked: ListRequest
    page: Page[Row]
    count: Counted
    columns: Sequence[ListColumn]
    orders: Mapping[str, Order[Row]]
    noun: str
    nouns: str

    @property
    def heads(self) -> list[ColumnHead]:
        """The heads of the columns. Pressing the one that the list is sorted by turns it round."""
        return [self._head(column) for column in self.columns]

    def _head(self, column: ListColumn) -> ColumnHead:
        if column.order is None:
            return ColumnHead(column.label, column.numeric)
        sort = self.asked.sort
        if sort.removeprefix("-") != column.order:
            return ColumnHead(column.label, column.numeric, self.asked.url(sort=column.order))
        turned = column.order if sort.startswith("-") else f"-{column.order}"
        way = "descending" if self.asked.order(self.orders).descending else "ascending"
        return ColumnHead(column.label, column.numeric, self.asked.url(sort=turned), way)

    @property
    def everything(self) -> bool:
        """Whether all that matches is selected, not only what is on this page."""
        return self.asked.everything and self.count.n > 0

    @property
    def here(self) -> str:
        """The address of this page."""
        return self._turned(self.asked.url())

    @property
    def select_all(self) -> str:
        """The address of this page with everything selected that matches."""
        return self._turned(self.asked.url(all="1"))

    def _turned(self, url: str) -> str:
        cursor = address("", **{name: request.args.get(name, "") for name in ("after", "before")})
        return url + (cursor.replace("?", "&") if "?" in url else cursor)

    @property
    def said(self) -> str:
        """What the page shows: 50 of 2,164 customers, by name"""
        shown, by = len(self.page.rows), self.asked.order(self.orders).label.lower()
        if self.page.previous or self.page.next:
            return f"{shown:,} of {self.count} {self.nouns}, by {by}"
        return f"{shown:,} {self.noun if shown == 1 else self.nouns}, by {by}"

    @property
    def said_all(self) -> str:
        """All that matches, in words: these 2,164"""
        return f"all {self.nouns}" if self.count.more else f"these {self.count}"


@dataclass(frozen=True)
class Picked:
    """What a form on a list is about: the ticked rows or, without ids, everything that its filter matches.
    `seen`: how many these were when the person selected them; `is_confirmed`: the page has asked, and this is
    the answer."""

    asked: ListRequest
    ids: tuple[int, ...] | None
    seen: int | None
    is_confirmed: bool

    def has_grown(self, count: int) -> bool:
        """Whether the filter matches more by now than the person saw when selecting everything."""
        return self.ids is None and self.seen is not None and count > self.seen


def picked(path: str, filters: Iterable[str], orders: Mapping[str, Order[Any]]) -> Picked:
    """Read the form: the row whose button was pressed, else everything that matches, else the ticked rows.
    Ends the request with 400 for more ticks than a page has rows.

    Without JavaScript the box "Select all on this page" ticks no row: then it stands for the rows on
    screen."""
    form = request.form
    if form.get("only"):
        ids = ids_in([form["only"]])
    elif form.get("page") and not form.get("all"):
        ids = ids_in(form.get("rows", "").split("-"))
    else:
        ids = ids_in(form.getlist("id"))
    if len(ids) > TICKED_MAX:
        abort(400, f"Select at most {TICKED_MAX} rows, or select all that match.")
    everything = bool(form.get("all")) and not form.get("only")
    return Picked(
        asked=list_request(path, filters, orders, form),
        ids=None if everything else tuple(ids),
        seen=id_in(form.get("seen", "")),
        is_confirmed=bool(form.get("asked")),
    )
