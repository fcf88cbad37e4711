"""The list of customers: filters, search, sorting, pages, download."""

from __future__ import annotations

import re

import pytest

from tests import factories
from tests.customers.conftest import index_all
from tests.http_client import Browser, LogIn, text_of
from tests.world import World
from webapp import keyset
from webapp.customers import filters
from webapp.store.customers import Cluster, Customer, CustomerEmail

NAMES = ("Zoë Visser", "Ärzte am Markt", "Bakkerij Çelik", "anna & co", "Dijkstra")


@pytest.fixture
def customers(world: World, branches: None) -> dict[str, int]:
    """Name → id: two in "left", the third in "both", the others in "right"; the last has no address."""
    homes = ("left", "left", "both", "right", "right")
    with world.runtime.database.writing() as session:
        made = {}
        for name, home in zip(NAMES, homes, strict=True):
            cluster = session.query(Cluster).filter_by(tag_name=home).one()
            address = ("",) if name == "Dijkstra" else ()
            made[name] = factories.customer(session, cluster, *address, name=name).id
        session.get_one(Customer, made["anna & co"]).suspended = True
        index_all(session)
    return made


def shown(browser: Browser, query: str = "") -> list[str]:
    """The names of the customers on the page, in their order."""
    page = browser.look(f"/customers{query}").text
    names = re.findall(r'class="row-title" href="/customers/\d+">([^<]*)', page)
    return [name.replace("&amp;", "&") for name in names]


def test_by_name_as_people_sort(log_in: LogIn, customers: dict[str, int]) -> None:
    browser = log_in()
    by_name = ["anna & co", "Ärzte am Markt", "Bakkerij Çelik", "Dijkstra", "Zoë Visser"]
    assert shown(browser) == by_name
    assert shown(browser, "?sort=-") == by_name[::-1]
    assert shown(browser, "?sort=code") == list(NAMES)
    page = browser.look("/customers?sort=-code").text
    assert re.search(r'aria-sort="descending">\s*<a id="sort-2" href="/customers\?sort=code"', page)


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("?q=celik", ["Bakkerij Çelik"]),
        ("?q=ARZTE+markt", ["Ärzte am Markt"]),
        ("?q=billing.c", ["anna & co", "Ärzte am Markt", "Bakkerij Çelik", "Zoë Visser"]),
        ("?q=zz", []),
        ("?cluster=left", ["Ärzte am Markt", "Zoë Visser"]),
        ("?cluster=left&include_children=y", ["Ärzte am Markt", "Bakkerij Çelik", "Zoë Visser"]),
        ("?cluster=no+such", []),
        ("?missing=billing", ["Dijkstra"]),
        ("?status=suspended", ["anna & co"]),
        ("?status=active&cluster=right", ["Dijkstra"]),
    ],
)
def test_what_a_filter_leaves(
    log_in: LogIn, customers: dict[str, int], query: str, names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = log_in()
    assert shown(browser, query) == names
    monkeypatch.setattr("webapp.customers.filters.SEARCHED_MAX", 0)  # as if there were very many hits
    monkeypatch.setattr(keyset, "LOOKED_UP_MAX", 0)
    assert shown(browser, query) == names


@pytest.mark.parametrize("query", ["?status=x", "?missing=nothing", "?after=x"])
def test_a_filter_that_is_not_understood_is_not_found(log_in: LogIn, world: World, query: str) -> None:
    assert log_in().look(f"/customers{query}").status_code == 404


@pytest.mark.parametrize("many", [False, True])
@pytest.mark.parametrize("sort", ["", "-", "code", "-code"])
def test_turning_pages_shows_each_once(
    log_in: LogIn, customers: dict[str, int], monkeypatch: pytest.MonkeyPatch, sort: str, many: bool
) -> None:
    whole = shown(browser := log_in(), f"?sort={sort}")
    monkeypatch.setattr(keyset, "PAGE_SIZE", 2)
    monkeypatch.setattr(keyset, "LOOKED_UP_MAX", 0 if many else 100)
    found, url = [], f"?sort={sort}"
    while url:
        found += shown(browser, url)
        page = browser.look(f"/customers{url}").text
        turn = re.search(r'rel="next" id="turn-next"\s+href="/customers([^"]*)"', page)
        url = turn[1].replace("&amp;", "&") if turn else ""
    assert found == whole
    assert len(whole) == len(NAMES)


@pytest.mark.parametrize("few_max", [10_000, 3, 0])
def test_to_fix_are_those_whose_mail_did_not_go_out(
    log_in: LogIn, world: World, customers: dict[str, int], few_max: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filters, "FEW_CUSTOMERS_MAX", few_max)
    monkeypatch.setattr(filters, "HASHED_CUSTOMERS_MAX", few_max)
    monkeypatch.setattr(keyset, "LOOKED_UP_MAX", few_max)
    with world.runtime.database.writing() as session:
        for name in NAMES:
            payer = session.get_one(Customer, customers[name])
            factories.document(session, world.runtime.documents, factories.invoice(session, payer))
    world.run()
    browser = log_in()
    assert shown(browser, "?status=fix") == ["Dijkstra"]
    assert shown(browser, "?status=fix&cluster=right") == ["Dijkstra"]
    assert shown(browser, "?status=fix&cluster=left&include_children=y") == []
    assert "To fix 1" in text_of(browser.look("/customers"))
    assert "To fix 0" in text_of(browser.look("/customers?cluster=both"))
    with world.runtime.database.writing() as session:
        key = factories.recipient_key(session)
        session.add(
            CustomerEmail(customer_id=customers["Dijkstra"], recipient_key_id=key.id, address="a@b.test")
        )
        index_all(session)
    assert shown(browser, "?status=fix") == shown(browser, "?status=fix&cluster=right") == []


def test_a_download_has_what_the_filter_leaves(log_in: LogIn, customers: dict[str, int]) -> None:
    browser = log_in()
    lines = browser.look("/customers.csv?cluster=right").text.splitlines()
    assert lines[0] == "\ufeffcode,name,cluster,language,suspended,addresses"
    assert [line.split(",")[1] for line in lines[1:]] == ["anna & co", "Dijkstra"]
    assert "billing:billing.c" in lines[1]


def test_the_part_that_changes_comes_alone(log_in: LogIn, customers: dict[str, int]) -> None:
    browser = log_in()
    browser.look("/customers")
    piece = browser.look("/customers?q=celik", htmx=True).text
    assert "<html" not in piece
    assert "Çelik" in piece
    assert 'form="list-filters"' in piece


def test_no_customer_and_no_match_say_the_way_out(log_in: LogIn, world: World) -> None:
    browser = log_in()
    assert "No customers yet" in text_of(browser.look("/customers"))
    said = text_of(browser.look("/customers?q=postmaa&status=active"))
    assert "No customer matches “postmaa”" in said
    assert "Search in all customers" in said
