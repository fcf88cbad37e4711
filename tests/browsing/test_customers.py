"""Customers and clusters in a browser: found, fixed in place, changed with a question first; wide and narrow,
light and dark, and without JavaScript."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from tests import factories
from tests.browsing.axe import examine
from tests.browsing.conftest import NewContext
from tests.browsing.installation import Installation
from tests.browsing.reader import Data, said
from tests.browsing.seen import press
from tests.browsing.watching import Watch
from tests.customers.conftest import index_all
from tests.world import World
from webapp.store.customers import Customer

SHOTS = os.environ.get("MAILRUN_SHOTS", "")
"""A folder for pictures of the pages, to be looked at beside the design."""


def accessible(page: Page, what: str) -> None:
    expect(page.get_by_role("heading").first).to_be_visible()
    wrong = examine(page, what)
    if SHOTS:
        size = page.viewport_size
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 900})
            page.screenshot(path=Path(SHOTS) / f"{what.replace(' ', '-')}-{width}.png", full_page=True)
        if size:
            page.set_viewport_size(size)
    assert not wrong, "\n".join(wrong)


@pytest.fixture
def names(world: World) -> dict[str, int]:
    """Name → id of three customers of the test's own cluster, which has two children in a diamond."""
    mark = world.everybody.tag_name.rpartition(" ")[2]
    with world.runtime.database.writing() as session:
        left = factories.cluster(session, f"Left {mark}", world.everybody)
        right = factories.cluster(session, f"Right {mark}", world.everybody)
        factories.cluster(session, f"Both {mark}", left, right)
        technical = factories.recipient_key(session, "technical")
        over = factories.mail_server(session)
        factories.definition(session, over, name=f"Call records {mark}", recipient_key_id=technical.id)
        made = {}
        for name in ("Advocatenkantoor Postma", "Bakkerij Çelik", "Dijkstra Installatietechniek"):
            address = ("",) if name.startswith("D") else ()
            payer = factories.customer(session, world.everybody, *address, name=f"{name} {mark}")
            payer.extra = {"contract": "NB-2019-0412"}
            invoice = factories.invoice(session, payer)
            factories.document(session, world.runtime.documents, invoice)
            made[name.partition(" ")[0]] = payer.id
        index_all(session)
    return made


def table(page: Page) -> list[str]:
    """The names of the customers on screen."""
    rows = page.get_by_role("table", name="Customers").get_by_role("row").all()[1:]
    return [row.get_by_role("link").first.inner_text().partition(" ")[0] for row in rows]


def test_customers_are_found_while_typing_and_changed_together(
    page: Page, world: World, names: dict[str, int]
) -> None:
    page.goto(f"/customers?cluster={world.everybody.tag_name}")
    assert table(page) == ["Advocatenkantoor", "Bakkerij", "Dijkstra"]
    expect(
        page.get_by_role("navigation", name="Main").get_by_role("link", name="Customers")
    ).to_have_attribute("aria-current", "page")
    page.get_by_role("searchbox", name="Search customers").fill("celik")
    expect(page.get_by_role("link", name=re.compile("Dijkstra"))).to_have_count(0)
    assert table(page) == ["Bakkerij"]
    expect(page).to_have_url(re.compile("q=celik"))
    page.get_by_role("searchbox", name="Search customers").fill("")
    expect(page.get_by_role("link", name=re.compile("^Dijkstra"))).to_be_visible()
    page.keyboard.press("Tab")
    page.get_by_role("checkbox", name="Select all on this page").check()
    bar = page.get_by_role("region", name="Actions for selected customers")
    expect(bar).to_contain_text("3 selected")
    accessible(page, "customers")
    bar.get_by_role("button", name=re.compile("^Suspend 3")).click()
    dialog = page.get_by_role("dialog", name="Suspend 3 customers?")
    expect(dialog).to_contain_text("3 open invoices, €\u00a0363.00")
    accessible(page, "question of suspend")
    dialog.get_by_label("Reason").fill("a test")
    press(page, "Suspend 3", dialog)
    expect(page.get_by_text("3 customers suspended.")).to_be_visible()
    expect(page.get_by_role("table").get_by_text("Suspended")).to_have_count(3)
    page.get_by_role("link", name=re.compile("^Suspended")).click()
    expect(page).to_have_url(re.compile("status=suspended"))
    page.get_by_role("checkbox", name="Select all on this page").check()
    press(page, "Resume 3", bar)
    expect(page.get_by_role("heading", name=re.compile("No customer"))).to_be_visible()
    accessible(page, "customers without a match")


def test_what_would_be_skipped_is_fixed_in_its_line(page: Page, world: World, names: dict[str, int]) -> None:
    page.goto(f"/customers/{names['Dijkstra']}")
    would = page.get_by_role("region", name="What a run would do today")
    line = would.get_by_role("listitem").filter(has_text=world.definition.name)
    expect(line).to_contain_text("Would be skipped: no recipient")
    accessible(page, "customer")
    field = would.get_by_label("Address for “billing”")
    field.fill("half@")
    would.get_by_role("button", name="Save").first.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Write it as name@example.com")
    expect(field).to_have_value("half@")
    field.fill("ops@dijkstra.test")
    field.press("Enter")
    expect(line).to_contain_text("Would be sent")
    expect(line).to_contain_text("ops@dijkstra.test")
    expect(page.get_by_role("region", name="What was changed")).to_contain_text(
        Data("nothing → ops@dijkstra.test")
    )
    addresses = page.get_by_role("region", name="Addresses")
    addresses.get_by_text(Data(f"{said('Edit')} ops@dijkstra.test")).click()
    accessible(page, "customer with an open form")


def test_everything_works_without_javascript(
    marit: NewContext, world: World, names: dict[str, int], watch: Watch
) -> None:
    watch.expect("status of 422")
    page = marit(java_script_enabled=False).new_page()
    page.goto(f"/customers/{names['Dijkstra']}")
    lines = page.get_by_role("region", name="What a run would do today").get_by_role("listitem")
    line = lines.filter(has_text=world.definition.name)
    page.get_by_label("Address for “billing”").fill("half@")
    page.get_by_label("Address for “billing”").press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Write it as name@example.com")
    expect(page.get_by_label("Address for “billing”")).to_have_value("half@")
    page.goto(f"/customers/{names['Dijkstra']}")
    page.get_by_label("Address for “billing”").fill("ops@dijkstra.test")
    page.get_by_label("Address for “billing”").press("Enter")
    expect(line).to_contain_text("Would be sent")
    expect(page.get_by_role("status").first).to_contain_text("ops@dijkstra.test is added")
    page.get_by_role("button", name="Suspend").click()
    expect(page.get_by_role("button", name="Resume")).to_be_visible()
    page.goto(f"/customers?cluster={world.everybody.tag_name}&q=dijkstra")
    page.get_by_role("checkbox", name="Select all on this page").check()
    page.get_by_role("button", name="Move to cluster").click()
    expect(page.get_by_role("heading", name="Move 1 customer to another cluster?")).to_be_visible()
    to = f"Left {world.everybody.tag_name.rpartition(' ')[2]}"
    page.get_by_role("combobox", name="Move to cluster").fill(to)
    page.get_by_role("button", name="Move 1").click()
    expect(page.get_by_role("status").first).to_contain_text("1 customer moved to Left")
    page.goto("/clusters/new")
    page.get_by_label("Name", exact=True).fill(f"New {world.everybody.tag_name}")
    page.get_by_label("Parent", exact=True).fill(world.everybody.tag_name)
    page.get_by_role("button", name="Add cluster").click()
    page.get_by_role("checkbox", name=world.everybody.tag_name).uncheck()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name=f"Change New {world.everybody.tag_name}?")).to_be_visible()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("at the top", exact=True)).to_be_visible()


def test_a_cluster_tells_what_a_change_touches(page: Page, world: World, names: dict[str, int]) -> None:
    mark = world.everybody.tag_name.rpartition(" ")[2]
    page.goto("/clusters")
    page.get_by_role("table").get_by_role("link", name=f"Both {mark}", exact=True).click()
    expect(page.get_by_role("heading", name=f"Change Both {mark}")).to_be_visible()
    accessible(page, "clusters")
    page.get_by_label("Child", exact=True).fill(world.everybody.tag_name)
    press(page, "Add child")
    expect(page.get_by_role("alert")).to_contain_text("it would close a circle")
    page.get_by_role("checkbox", name=f"Right {mark}").uncheck()
    press(page, "Save", page.get_by_role("region", name=f"Change Both {mark}"))
    dialog = page.get_by_role("dialog", name=f"Change Both {mark}?")
    expect(dialog).to_contain_text("Existing runs keep their list.")
    accessible(page, "question of a cluster")
    press(page, "Save", dialog)
    expect(page.get_by_role("checkbox", name=f"Right {mark}")).to_have_count(0)


def test_narrow_the_doors_are_behind_a_button(page: Page, world: World) -> None:
    page.set_viewport_size({"width": 390, "height": 900})
    page.goto("/customers/new")
    doors = page.get_by_role("navigation", name="Main")
    expect(doors).to_be_hidden()
    page.get_by_role("button", name="Customers").click()
    expect(doors).to_be_visible()
    page.keyboard.press("Escape")
    page.set_viewport_size({"width": 1280, "height": 900})
    accessible(page, "new customer")


def test_two_people_at_one_customer(
    page: Page, marit: NewContext, installed: Installation, names: dict[str, int], watch: Watch
) -> None:
    watch.expect("status of 422")
    other = marit().new_page()
    url = f"/customers/{names['Bakkerij']}"
    page.goto(url)
    other.goto(url)
    for each, name in ((page, "Bakkerij Eén"), (other, "Bakkerij Twee")):
        each.get_by_role("region", name="Facts").get_by_label("Name").fill(name)
    press(page, "Save facts")
    expect(page.get_by_role("heading", level=1)).to_have_text("Bakkerij Eén")
    press(other, "Save facts")
    expect(other.get_by_role("alert")).to_contain_text("while you had it open")
    expect(other.get_by_role("region", name="Facts").get_by_label("Name")).to_have_value("Bakkerij Twee")
    expect(other.get_by_text("Stored now: Bakkerij Eén")).to_be_visible()
    press(other, "Save facts")
    expect(other.get_by_role("heading", level=1)).to_have_text("Bakkerij Twee")
    with installed.runtime.database.reading() as session:
        stored = session.scalars(select(Customer.name).where(Customer.id == names["Bakkerij"])).one()
    assert stored == "Bakkerij Twee"
