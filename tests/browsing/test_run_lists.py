"""Runs, their results and the preview's lists: each is the list that every page has, and what it says is
wrong leads to the fix; wide and narrow, light and dark."""

from __future__ import annotations

import re
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, expect

from tests.browsing.conftest import NewContext
from tests.browsing.installation import addresses, customers
from tests.browsing.reader import said
from tests.browsing.seen import invoices, press, results, state
from tests.browsing.test_customers import accessible
from tests.http_client import fields
from tests.world import World


@pytest.fixture
def made(world: World) -> int:
    """A run that has been made: three are ready, two have no address."""
    customers(world, *addresses(3))
    for _ in range(2):
        world.add("")
    return world.run()


def test_the_heads_of_the_results_sort_and_the_choice_follows(page: Page, made: int) -> None:
    page.goto(f"/runs/{made}")
    before = invoices(page)
    customer = results(page).get_by_role("columnheader", name="Customer")
    expect(customer).to_have_attribute("aria-sort", "ascending")
    customer.get_by_role("link").click()
    expect(customer).to_have_attribute("aria-sort", "descending")
    expect(page).to_have_url(re.compile(rf"/runs/{made}\?sort=-$"))
    assert invoices(page) == before[::-1]
    chosen = page.get_by_label("Sort by")
    expect(chosen.locator("option:checked")).to_have_text("Customer, reversed")
    chosen.select_option("Last change")
    changed = results(page).get_by_role("columnheader", name="Changed")
    expect(changed).to_have_attribute("aria-sort", "descending")
    expect(page).to_have_url(re.compile(rf"/runs/{made}\?sort=changed$"))


@pytest.mark.parametrize("script", [True, False])
def test_enter_in_a_box_presses_no_button_of_another_row(
    marit: NewContext, made: int, world: World, script: bool
) -> None:
    page = marit(java_script_enabled=script).new_page()
    page.goto(f"/runs/{made}?status=ready")
    results(page).get_by_role("checkbox").last.press("Enter")
    page.wait_for_timeout(500)
    page.goto(f"/runs?q={world.everybody.tag_name}")
    page.get_by_role("table", name=re.compile("^Runs")).get_by_role("checkbox").last.press("Enter")
    page.wait_for_timeout(500)
    assert set(world.statuses(made)) == {"ready", "skipped"}
    page.goto(f"/runs/{made}")
    state(page, "Created")


def test_what_was_skipped_leads_to_its_fix(page: Page, made: int) -> None:
    page.goto(f"/runs/{made}")
    expect(page.get_by_text("2 mails cannot be sent.")).to_be_visible()
    page.get_by_role("link", name=re.compile("^2 no recipient$")).click()
    expect(page.get_by_role("link", name="Fix these 2").last).to_be_visible()
    expect(results(page).get_by_role("link", name="Add an address")).to_have_count(2)
    accessible(page, "results to fix")
    page.get_by_role("link", name="Fix these 2").last.click()
    expect(page).to_have_url(re.compile(rf"/fix\?run={made}&cause=no_recipient$"))
    expect(page.get_by_role("heading", name="No address for a key")).to_be_visible()


def test_runs_are_selected_and_archived_together(page: Page, made: int, world: World) -> None:
    other = world.run()
    page.goto(f"/runs?q={world.everybody.tag_name}")
    boxes = page.get_by_role("table", name=re.compile("^Runs")).get_by_role("checkbox")
    expect(boxes).to_have_count(3)
    page.get_by_role("checkbox", name="Select all on this page").check()
    bar = page.get_by_role("region", name="Actions for selected runs")
    expect(bar).to_contain_text("2 selected")
    accessible(page, "runs")
    expect(page.get_by_role("link", name="Download these 2 (CSV)")).to_be_visible()
    press(page, "Archive 2", bar)
    expect(page.get_by_text("2 runs archived.")).to_be_visible()
    expect(page.get_by_role("heading", name=re.compile("^No run matches"))).to_be_visible()
    accessible(page, "no run")
    page.get_by_role("link", name=re.compile(rf"^{said('Archived')} \d+$")).click()
    expect(page.get_by_role("checkbox", name="Select all on this page")).to_be_visible()
    assert {made, other} <= {
        int(box.get_attribute("value") or 0) for box in boxes.all() if box.get_attribute("name") == "id"
    }


@pytest.mark.parametrize("script", [True, False])
def test_the_lists_of_the_preview_are_counted_searched_and_looked_into(
    marit: NewContext, world: World, script: bool
) -> None:
    customers(world, *addresses(3))
    _, without = world.add("")
    page = marit(java_script_enabled=script).new_page()
    query = urlencode(fields(world, cluster=world.everybody.tag_name))
    page.goto(f"/runs/preview/list?{query}&show=ready")
    lists = page.get_by_role("navigation", name="Lists of this preview")
    expect(lists.get_by_role("link", name="Will be sent 3")).to_have_attribute("aria-current", "true")
    documents = page.get_by_role("cell").get_by_role("link", name=re.compile(r"\.pdf$"))
    expect(documents).to_have_count(3)
    document = page.request.get(documents.first.get_attribute("href") or "")
    assert document.headers["content-type"] == "application/pdf"
    if script:
        accessible(page, "preview list")
    lists.get_by_role("link", name="All skipped 1").click()
    expect(page.get_by_role("cell", name=re.compile("^No recipient"))).to_be_visible()
    search = page.get_by_role("searchbox", name="Search invoices")
    search.fill("nothing like it")
    if not script:
        page.get_by_role("button", name="Show", exact=True).click()
    expect(page.get_by_role("heading", name="No invoice matches “nothing like it”")).to_be_visible()
    page.get_by_role("link", name="Show the whole list").click()
    expect(page.get_by_role("cell", name=without.number, exact=True)).to_be_visible()


def test_the_documents_of_a_mail_are_looked_at_before_create(page: Page, world: World) -> None:
    customers(world, *addresses(1))
    query = urlencode(fields(world, cluster=world.everybody.tag_name))
    page.goto(f"/runs/preview/mail?{query}")
    document = page.get_by_role("link", name=re.compile(r"\.pdf$")).first
    expect(document).to_have_attribute("href", re.compile(r"^/invoices/\d+/documents/\d+\?look=1$"))
    expect(document).to_have_attribute("rel", "noopener")
    accessible(page, "preview mail")
