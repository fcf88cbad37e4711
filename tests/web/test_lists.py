"""The list component by itself: what an address says of a list, and what its links and words are."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from werkzeug.exceptions import BadRequest, NotFound

from webapp.keyset import Counted, Order, Page
from webapp.store.customers import Customer
from webapp.web.htmx import piece_of_list
from webapp.web.list_words import page_words, print_words
from webapp.web.lists import ListColumn, ListView, list_request, picked

ORDERS: dict[str, Order[Any]] = {
    "": Order("Name", Customer.sort_name, str, str),
    "age": Order("Age", Customer.id, str, int, descending=True),
}
COLUMNS = (ListColumn("Name", ""), ListColumn("Age", "age", numeric=True), ListColumn("Note"))
app = Flask(__name__)


def view(query: str, *, n: int = 2, more: bool = False, following: str = "") -> ListView[str]:
    with app.test_request_context(f"/things{query}"):
        asked = list_request("/things", ("state",), ORDERS)
    return ListView(
        asked, Page(["a", "b"], "", following), Counted(n, more), COLUMNS, ORDERS, "thing", "things"
    )


def test_the_head_that_sorts_turns_round_and_keeps_the_filter() -> None:
    heads = view("?state=new&q=x+y").heads
    assert [(head.href, head.aria_sort) for head in heads] == [
        ("/things?state=new&q=x+y&sort=-", "ascending"),
        ("/things?state=new&q=x+y&sort=age", ""),
        ("", ""),
    ]
    assert view("?sort=age").heads[1].aria_sort == "descending"
    turned = view("?sort=-age").heads[1]
    assert (turned.href, turned.aria_sort) == ("/things?sort=age", "ascending")


@pytest.mark.security("C23")
def test_an_order_that_does_not_exist_is_the_first() -> None:
    assert view("?sort=nothing").asked.sort == ""
    assert view("?sort=--age").asked.sort == ""


@pytest.mark.security("C23")
def test_a_forged_edge_is_not_found() -> None:
    with pytest.raises(NotFound):
        view("?after=x")


@pytest.mark.parametrize(
    ("n", "more", "following", "said"),
    [
        (2, False, "", "2 things, by name"),
        (2_164, False, "9", "2 of 2,164 things, by name"),
        (20_000, True, "9", "2 of more than 20,000 things, by name"),
    ],
)
def test_the_number_of_rows_is_said(n: int, more: bool, following: str, said: str) -> None:
    assert view("", n=n, more=more, following=following).said == said


def test_everything_that_matches_is_selected_by_the_address() -> None:
    with app.test_request_context("/things?state=new&after=5~x&all=1"):
        listed: ListView[str] = ListView(
            list_request("/things", ("state",), ORDERS), Page([], "", ""), Counted(7), COLUMNS, ORDERS, "", ""
        )
        assert listed.everything
        assert listed.here == "/things?state=new&after=5~x"
        assert listed.select_all == "/things?state=new&all=1&after=5~x"


def chosen(**form: Any) -> tuple[tuple[int, ...] | None, int | None]:
    with app.test_request_context("/things/change", method="POST", data=form):
        found = picked("/things", ("state",), ORDERS)
        return found.ids, found.seen


def test_what_a_form_is_about() -> None:
    assert chosen(id=["3", "4", "x"]) == ((3, 4), None)
    assert chosen(id=["3"], only="9") == ((9,), None)
    assert chosen(all="1", seen="12", id=["3"]) == (None, 12)
    assert chosen(page="1", rows="5-6-7") == ((5, 6, 7), None), "without script the box ticks no row"
    assert chosen() == ((), None)
    with pytest.raises(BadRequest):
        chosen(id=[str(n) for n in range(201)])


def test_more_that_match_by_now_are_asked_about_again() -> None:
    with app.test_request_context("/things/change", method="POST", data={"all": "1", "seen": "12"}):
        found = picked("/things", (), ORDERS)
    assert (found.has_grown(12), found.has_grown(13)) == (False, True)


@pytest.mark.parametrize(
    ("shown", "count", "is_whole", "ends", "said"),
    [
        (
            50,
            Counted(12_471),
            False,
            ("Aalders BV", "Bruggink Zn"),
            "Aalders to Bruggink: 50 of 12,471 results",
        ),
        (7, Counted(7), True, ("Aalders BV", "Bruggink"), "Aalders to Bruggink: 7 results"),
        (2, Counted(2), True, ("Aalders BV", "Aalders NV"), "2 results"),
        (1, Counted(1), True, ("Aalders", "Aalders"), "1 result"),
        (50, Counted(20_000, more=True), False, (), "50 of more than 20,000 results"),
    ],
)
def test_a_page_says_from_where_to_where_it_goes(
    shown: int, count: Counted, is_whole: bool, ends: tuple[str, ...], said: str
) -> None:
    assert page_words(shown, count, is_whole, ("result", "results"), "", ends) == said


@pytest.mark.parametrize(
    ("shown", "count", "is_first", "said"),
    [
        (50, Counted(201), True, "Rows 1 to 50 of 201. The report (CSV) has all of them."),
        (50, Counted(201), False, "50 of 201 rows. The report (CSV) has all of them."),
        (9, Counted(20, more=True), True, "Rows 1 to 9 of more than 20. The report (CSV) has all of them."),
        (7, Counted(7), True, "All 7 rows."),
        (1, Counted(1), True, ""),
    ],
)
def test_a_printed_page_says_what_it_leaves_out(
    shown: int, count: Counted, is_first: bool, said: str
) -> None:
    assert print_words(shown, count, "The report (CSV)", is_first=is_first) == said


def test_the_orders_to_choose_from_keep_one_that_a_head_has_reversed() -> None:
    assert view("").sorts == [("", "Name", True), ("age", "Age", False)]
    assert view("?sort=-age").sorts == [("", "Name", False), ("-age", "Age, reversed", True)]


def test_a_filter_alone_keeps_search_and_order() -> None:
    asked = view("?state=new&q=x+y&sort=age").asked
    assert asked.narrowed(state="old") == "/things?state=old&q=x+y&sort=age"
    assert asked.narrowed() == "/things?q=x+y&sort=age"
    assert asked.query == "?state=new&q=x+y&sort=age"


def test_a_piece_gives_the_browser_the_address_of_the_list() -> None:
    with app.test_request_context("/things?state=&q=x&sort=&after=5~x&all=1"):
        listed: ListView[str] = ListView(
            list_request("/things", ("state",), ORDERS), Page([], "", ""), Counted(7), COLUMNS, ORDERS, "", ""
        )
        assert piece_of_list("<p>", listed.here).headers["HX-Push-Url"] == "/things?q=x&after=5~x"
