"""What a person opened last: before anything is typed, and never what they may not see."""

from __future__ import annotations

import re

from sqlalchemy import select, update

from tests.http_client import Browser, LogIn, text_of
from tests.invoices.conftest import Shelf, shelf
from tests.world import World
from webapp.search.recent import RECENT_MAX, opened
from webapp.store.customers import Cluster, Customer

__all__ = ["shelf"]


def recent(browser: Browser, url: str = "/search") -> list[str]:
    """Where the rows lead."""
    page = browser.look(url, htmx="palette" in url).text
    part = page.partition('id="recent"')[2].partition("</ul>")[0]
    return re.findall(r'<a href="(/[^"]*)"', part)


def test_the_last_pages_come_first_each_once(log_in: LogIn, shelf: Shelf, world: World) -> None:
    run_id = world.run()
    result_id = world.results(run_id)[0].id
    browser = log_in("manager")
    assert recent(browser) == []
    invoice, customer = f"/invoices/{shelf.ids['NT-1']}", f"/customers/{shelf.customers['Dijkstra']}"
    for url in (invoice, customer, f"/runs/{run_id}", f"/results/{result_id}", invoice, "/invoices", "/runs"):
        browser.look(url)
    assert browser.look("/customers/999999").status_code == 404
    assert recent(browser) == [invoice, f"/results/{result_id}", f"/runs/{run_id}", customer]
    assert recent(browser, "/search?palette=1") == recent(browser)
    cleared = browser.look("/search?q=", htmx=True)
    assert (cleared.status_code, 'id="recent"' in cleared.text) == (200, True)
    assert "NT-1 Ärzte am Markt" in text_of(browser.look("/search"))
    assert recent(browser, "/search?q=nt") == []
    assert recent(log_in("viewer")) == [], "each has their own"


def test_what_is_no_longer_in_sight_is_not_shown(log_in: LogIn, shelf: Shelf, world: World) -> None:
    browser = log_in("manager", "left")
    customer = shelf.customers["Ärzte am Markt"]
    for url in (f"/customers/{customer}", f"/invoices/{shelf.ids['NT-1']}"):
        browser.look(url)
    assert len(recent(browser)) == 2
    with world.runtime.database.writing() as session:
        right = session.scalars(select(Cluster.id).where(Cluster.tag_name == "right")).one()
        session.execute(update(Customer).where(Customer.id == customer).values(cluster_id=right))
    assert recent(browser) == []


def test_another_person_in_the_same_browser_sees_none_of_it(log_in: LogIn, shelf: Shelf) -> None:
    browser = log_in("manager")
    browser.look(f"/invoices/{shelf.ids['NT-1']}")
    log_in("viewer")
    browser.press("/logout")
    browser.log_in("viewer@example.com")
    assert recent(browser) == []


def test_older_ones_are_let_go() -> None:
    marks: list[str] = []
    for number in range(20):
        marks = opened(marks, f"c{number}")
    assert marks == [f"c{number}" for number in range(19, 19 - RECENT_MAX, -1)]
