"""The list "To fix" searched, and saved as a file."""

from __future__ import annotations

import re

import pytest

from tests import factories
from tests.customers.conftest import index_all
from tests.fixing.conftest import part
from tests.http_client import LogIn, readable, text_of
from tests.world import World
from webapp.access import OPERATOR
from webapp.results import to_fix


@pytest.fixture
def open_rows(world: World) -> dict[str, str]:
    """What is open, by invoice → the name of its customer: two without an address, one without a document."""
    rows = [world.add("", number="AB-1001"), world.add("", number="AB-2002")]
    rows.append(world.add("late@x.test", number="CD-3003", documents=False))
    with world.runtime.database.writing() as session:
        index_all(session)
    world.run()
    return {invoice.number: payer.name for payer, invoice in rows}


def names(text: str) -> list[str]:
    """The customers on the page."""
    return re.findall(r'class="row-title" href="/customers/\d+">([^<]*)', text)


def test_customers_are_searched_by_name_address_and_invoice(log_in: LogIn, open_rows: dict[str, str]) -> None:
    browser = log_in()
    assert sorted(names(browser.look("/fix").text)) == sorted(open_rows.values())
    assert names(browser.look("/fix?q=ab-2002").text) == [open_rows["AB-2002"]]
    assert names(browser.look("/fix?q=LATE%40x").text) == [open_rows["CD-3003"]]
    assert names(browser.look("/fix?q=late&cause=no_recipient").text) == []
    page = browser.look("/fix?q=2002")
    assert 'name="q" value="2002"' in page.text, "a saved row comes back to the same search"
    assert "1 customer" in part(browser, "no-recipient", "/fix?q=2002")
    assert "looked for “zzz” in code" in text_of(browser.look("/fix?q=zzz"))


def test_the_numbers_are_those_of_the_search(world: World, open_rows: dict[str, str]) -> None:
    with world.runtime.database.reading() as session:
        assert to_fix.total(session, OPERATOR) == 3
        assert sum(to_fix.counts(session, OPERATOR, search="ab-1001").values()) == 1
        assert sum(to_fix.counts(session, OPERATOR, search="1001 late").values()) == 0


def test_what_is_shown_is_saved_as_a_file(log_in: LogIn, open_rows: dict[str, str]) -> None:
    browser = log_in("viewer")
    page = browser.look("/fix?q=AB-").text
    assert 'href="/fix.csv?q=AB-"' in page
    saved = readable(browser.look("/fix.csv?q=AB-"))
    assert [name for name in open_rows.values() if name in saved] == [
        open_rows["AB-1001"],
        open_rows["AB-2002"],
    ]
    assert "no address with key “billing”" in saved
    every = readable(browser.look("/fix.xlsx"))
    assert all(name in every for name in open_rows.values())
    assert "mails_at_once" in every


def test_a_manager_saves_and_finds_only_their_own(
    log_in: LogIn, branches: None, world: World, open_rows: dict[str, str]
) -> None:
    with world.runtime.database.writing() as session:
        left = factories.cluster(session, "elsewhere")
        payer = factories.customer(session, left, name="Elsewhere Ltd")
        factories.invoice(session, payer, number="AB-9009")
        index_all(session)
    world.run(cluster_id=left.id)
    bound = log_in("manager", "elsewhere")
    assert names(bound.look("/fix?q=AB-").text) == ["Elsewhere Ltd"]
    saved = readable(bound.look("/fix.csv"))
    assert "Elsewhere Ltd" in saved
    assert not any(name in saved for name in open_rows.values())
