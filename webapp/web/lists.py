"""One list for every page that has one: filters in its address, pages by key, a search, sorting by the heads
of columns, a selection with bulk buttons, a download, and what stands there when it is empty.

How to add a list (webapp/customers/list_pages.py is the model):

1. The room has its `Order`s (webapp/keyset.py) by name, the first named "", and a function that takes a
   filter, an order and an edge and gives a `Page` and a `Counted`. Every order needs an index with the id at
   its end.
2. The view reads the address with `list_request`, and renders the page, or for htmx (`htmx.wants_piece()`)
   only the part that changes, with a `ListView` as `list`.
3. The page has `list_filters`, and below it an element with id="list" and data-list that includes the part
   that changes; the macros are in templates/macros/table.html. The cells say what they are on a phone by
   their data-column: title, state, fact, full, select, actions (static/app.css).
4. A form that changes what is selected is read with `picked`; its question has `picked_fields`.
5. A list whose rows change by themselves has a poller beside it that replaces leaves only, by their ids, and
   includes #rows: the rows on screen (runs/pages.py and runs/_live.html).

Keys, selection and focus come from static/js by data-list. Nothing here knows what is listed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from flask import abort, request
from werkzeug.datastructures import MultiDict

from webapp import keyset
from webapp.keyset import Counted, Edge, Order, Page
from webapp.translation import N_, _, translated, within
from webapp.web import list_words
from webapp.web.query_args import address, edge_in, id_in, ids_in

Row = TypeVar("Row")
Count = TypeVar("Count")
SEARCH_MAX = 200  # characters that are looked at
PRINTED_MAX = 5_000  # rows of a list that is to be printed (the argument `print`)
TICKED_MAX = 200
"""A page has 50 rows. More are selected by the filter."""


@dataclass(frozen=True)
class ListColumn:
    """A column. `order` is the name of the order that its head sorts by; without one it has no link. A head
    that is only `spoken` is not shown."""

    label: str
    order: str | None = None
    numeric: bool = False
    spoken: bool = False


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
    is_printed: bool = False

    def read(self, page: Callable[[Edge | None], tuple[Page[Row], Count]]) -> tuple[Page[Row], Count]:
        """The page that the address names, and what is counted with it; to print, all that match."""
        return keyset.joined(page, PRINTED_MAX) if self.is_printed else page(self.edge)

    @property
    def args(self) -> dict[str, str]:
        """What narrows and sorts the list, as addresses and forms carry it."""
        given = {**self.filters, "q": self.search, "sort": self.sort}
        return {name: value for name, value in given.items() if value}

    @property
    def narrows(self) -> bool:
        """Whether anything is filtered or searched for."""
        return bool(self.search or any(self.filters.values()))

    @property
    def query(self) -> str:
        """The same as the end of an address, with its question mark: of a download, or of a row's page."""
        return address("", **self.args)

    def order(self, orders: Mapping[str, Order[Any]]) -> Order[Any]:
        """The order that `sort` names."""
        return keyset.named_order(orders, self.sort)

    def url(self, **changed: str) -> str:
        """The address of the first page with these arguments instead."""
        return address(self.path, **{**self.args, **changed})

    def narrowed(self, **filters: str) -> str:
        """The address of the first page with these filters and no other, the search and the order kept."""
        return address(self.path, **filters, q=self.search, sort=self.sort)


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
        is_printed=bool(given.get("print")),
    )


@dataclass(frozen=True)
class ColumnHead:
    """The head of a column: where its link leads, and how the list is sorted by it now."""

    label: str
    numeric: bool = False
    href: str = ""
    aria_sort: str = ""
    spoken: bool = False


@dataclass(frozen=True)
class ListView(Generic[Row]):
    """A list as the templates need it. `noun` is one of what it lists, `nouns` several.

    `can`: for each bulk button by its verb, how many of all that match it would change; None if each button
    changes every row. `named`: what a row is sorted by, for words that say from where to where a page goes.
    `way`: how the list is sorted, if that is not said by the name of the order. `turns`: the words of the
    pager. `file`: the download that a printed page names."""

    asked: ListRequest
    page: Page[Row]
    count: Counted
    columns: Sequence[ListColumn]
    orders: Mapping[str, Order[Any]]
    noun: str
    nouns: str
    can: Mapping[str, int] | None = None
    named: Callable[[Row], str] | None = None
    way: str | None = None
    turns: tuple[str, str] = (N_("Previous"), N_("Next"))
    file: str = N_("The download (CSV)")

    @property
    def heads(self) -> list[ColumnHead]:
        """The heads of the columns. Pressing the one that the list is sorted by turns it round."""
        return [self._head(column) for column in self.columns]

    def _head(self, column: ListColumn) -> ColumnHead:
        label = translated(column.label)
        if column.order is None:
            return ColumnHead(label, column.numeric, spoken=column.spoken)
        sort = self.asked.sort
        if sort.removeprefix("-") != column.order:
            return ColumnHead(label, column.numeric, self.asked.url(sort=column.order))
        turned = column.order if sort.startswith("-") else f"-{column.order}"
        way = "descending" if self.asked.order(self.orders).descending else "ascending"
        return ColumnHead(label, column.numeric, self.asked.url(sort=turned), way)

    @property
    def sorts(self) -> list[tuple[str, str, bool]]:
        """The orders to choose from, as (value, label, whether it is chosen): the only way to sort where the
        heads are not shown. One that the heads have reversed stays as it is."""
        chosen = self.asked.sort
        return [
            (chosen, _("%(order)s, reversed", order=translated(order.label)), True)
            if chosen == f"-{name}"
            else (name, translated(order.label), chosen == name)
            for name, order in self.orders.items()
        ]

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
        rows = self.page.rows
        order = within(translated(self.asked.order(self.orders).label))
        way = _("by %(order)s", order=order) if self.way is None else translated(self.way)
        ends = [self.named(row) for row in (rows[0], rows[-1])] if self.named and rows else []
        is_whole = not (self.page.previous or self.page.next)
        return list_words.page_words(len(rows), self.count, is_whole, (self.noun, self.nouns), way, ends)

    @property
    def printed(self) -> str:
        """What a printed page leaves out."""
        is_first = not self.page.previous
        return list_words.print_words(len(self.page.rows), self.count, self.file, is_first=is_first)

    @property
    def said_all(self) -> str:
        """All that matches, in words: these 2,164"""
        return list_words.all_words(self.count, self.nouns)


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
        abort(400, _("Select at most %(ticked_max)s rows, or select all that match.", ticked_max=TICKED_MAX))
    everything = bool(form.get("all")) and not form.get("only")
    return Picked(
        asked=list_request(path, filters, orders, form),
        ids=None if everything else tuple(ids),
        seen=id_in(form.get("seen", "")),
        is_confirmed=bool(form.get("asked")),
    )
