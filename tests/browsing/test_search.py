"""Finding anything in a browser: from the palette over any page, and on its own page; by keys, wide and
narrow, light and dark, and without JavaScript."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from tests import factories
from tests.browsing.conftest import NewContext
from tests.browsing.reader import said
from tests.browsing.test_customers import accessible
from tests.customers.conftest import index_all
from tests.world import World
from webapp.store.customers import Customer


@pytest.fixture
def jansen(world: World) -> str:
    """The number of the invoice of "Bakkerij Jansën", in a run of two that is not started."""
    mark = world.everybody.tag_name.rpartition(" ")[2]
    with world.runtime.database.writing() as session:
        for name in (f"Bakkerij Jansën {mark}", f"Slagerij Postma {mark}"):
            payer = factories.customer(session, world.everybody, name=name)
            factories.document(
                session,
                world.runtime.documents,
                factories.invoice(session, payer, number=f"NT-2610-{payer.code}"),
            )
        index_all(session)
        number = session.scalars(
            select(Customer.code).where(Customer.name == f"Bakkerij Jansën {mark}")
        ).one()
    world.run()
    return f"NT-2610-{number}"


def test_the_palette_leads_to_a_mail_by_keys(page: Page, world: World, jansen: str) -> None:
    page.goto("/runs")
    page.keyboard.press("Control+k")
    palette = page.get_by_role("dialog", name="Find anything")
    box = palette.get_by_role("searchbox", name="Find")
    expect(box).to_be_focused()
    expect(palette.get_by_role("link", name="New run")).to_be_visible()
    accessible(page, "palette")
    page.keyboard.type(f"jansen {jansen.lower()}")
    mails = palette.get_by_role("list", name="Mails, 1").get_by_role("link")
    expect(mails).to_have_accessible_name(re.compile(f"{jansen}, Bakkerij Jansën .* {said('Ready')}"))
    accessible(page, "palette with hits")
    page.keyboard.press("ArrowDown")
    expect(palette.get_by_role("list", name="Invoices, 1").get_by_role("link")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(mails).to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(box).to_be_focused()
    page.keyboard.press("Escape")
    expect(palette).to_be_hidden()
    page.get_by_role("link", name="Find anything").click()
    expect(box).to_be_focused()
    palette.get_by_role("list", name="Mails, 1").get_by_role("link").click()
    expect(page).to_have_url(re.compile(r"/results/\d+"))
    expect(page.get_by_role("main")).to_contain_text("Bakkerij Jansën")


def test_enter_opens_the_first_row_of_the_text_in_the_box(page: Page, jansen: str) -> None:
    page.goto("/search")
    box = page.get_by_role("searchbox", name="Find")
    expect(box).to_be_focused()
    page.keyboard.type(f"run {jansen} nothing")
    expect(page.get_by_role("heading", name=re.compile("Nothing matches"))).to_be_visible()
    accessible(page, "search without a hit")
    box.fill(jansen)
    expect(page.get_by_role("list", name="Invoices, 1")).to_be_visible()
    expect(page).to_have_url(re.compile(f"q={jansen}"))
    where = page.get_by_role("navigation", name="Where to look")
    expect(where.get_by_role("link", name="Mails 1")).to_be_visible()
    accessible(page, "search")
    where.get_by_role("link", name="Mails 1").click()
    expect(page.get_by_role("list", name="Invoices, 1")).to_be_hidden()
    box = page.get_by_role("searchbox", name="Find")
    box.focus()
    box.press("Control+k")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(box).to_be_focused()
    page.get_by_role("list", name="Mails, 1").get_by_role("link").wait_for()
    box.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/results/\d+"))


def test_without_javascript_the_link_leads_to_the_page(marit: NewContext, jansen: str) -> None:
    page = marit(java_script_enabled=False).new_page()
    page.goto("/customers")
    page.get_by_role("link", name="Find anything").click()
    page.get_by_role("searchbox", name="Find").fill(jansen)
    page.get_by_role("button", name="Find", exact=True).click()
    page.get_by_role("list", name="Mails, 1").get_by_role("link").click()
    expect(page.get_by_role("main")).to_contain_text("Bakkerij Jansën")


def test_the_palette_has_what_was_opened_last(page: Page, world: World, jansen: str) -> None:
    page.goto("/search")
    page.get_by_role("searchbox", name="Find").fill(jansen)
    page.get_by_role("list", name="Invoices, 1").get_by_role("link").click()
    expect(page.get_by_role("heading", name=jansen, level=1)).to_be_visible()
    page.goto("/runs")
    page.keyboard.press("Control+k")
    palette = page.get_by_role("dialog", name="Find anything")
    recent = palette.get_by_role("list", name="Recent").get_by_role("link")
    expect(recent.first).to_have_accessible_name(re.compile(f"^{jansen} Bakkerij Jansën"))
    accessible(page, "palette with recent")
    page.keyboard.press("ArrowDown")
    expect(recent.first).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=jansen, level=1)).to_be_visible()
