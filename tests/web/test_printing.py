"""A list that is opened to be printed: all rows that match on one page, and no word like "today"."""

from __future__ import annotations

import re

import pytest

from tests import factories
from tests.http_client import LogIn, text_of
from tests.world import World
from webapp.web import lists

ROW = re.compile(r'<a[^>]*href="/customers/(\d+)"')


def fill(world: World, customers: int) -> None:
    with world.runtime.database.writing() as session:
        for _ in range(customers):
            factories.customer(session, world.everybody)


def test_all_rows_that_match_are_on_the_printed_page(log_in: LogIn, world: World) -> None:
    fill(world, 120)
    browser = log_in("viewer")
    assert len(set(ROW.findall(browser.look("/customers").text))) == 50
    page = browser.look("/customers?print=1")
    assert len(set(ROW.findall(page.text))) == 120
    assert "All 120 rows." in text_of(page)
    assert 'href="/customers?print=1"' in browser.look("/customers").text


def test_a_longer_list_says_what_is_missing(
    log_in: LogIn, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "PRINTED_MAX", 100)
    fill(world, 120)
    page = log_in("viewer").look("/customers?print=1")
    assert len(set(ROW.findall(page.text))) == 100
    assert "Rows 1 to 100 of 120" in text_of(page)


@pytest.mark.parametrize("address", ["/runs", "/invoices", "/runs/{run}"])
def test_every_list_can_be_printed(log_in: LogIn, world: World, address: str) -> None:
    world.add("a@example.com")
    run_id = world.run()
    browser = log_in("viewer")
    path = address.format(run=run_id)
    assert browser.look(f"{path}?print=1").status_code == 200
    assert "print=1" in browser.look(path).text
