"""The whole job with JavaScript off: every control is a link or a form. Only live updates are missing."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browsing import seen
from tests.browsing.conftest import NewContext
from tests.browsing.installation import addresses, customers
from tests.browsing.seen import bulk, counted, invoices, results, row, tab, tick
from tests.mailserver import MailServer
from tests.world import World


@pytest.fixture
def page(marit: NewContext) -> Page:
    return marit(java_script_enabled=False).new_page()


def press(page: Page, name: str, within: Locator | None = None) -> None:
    """Presses the button and waits for the page that answers: the one before it must not be loaded again."""
    with page.expect_navigation():
        seen.press(page, name, within)


def loaded_until(page: Page, word: str) -> None:
    """Reloads the page until the run is in this state, as a person without script does."""
    for _ in range(100):
        if page.get_by_role("main").get_by_text(word, exact=True).count():
            return
        page.wait_for_timeout(200)
        page.reload()
    raise AssertionError(f"the run did not become {word}")


def until_made(page: Page) -> None:
    """Reloads the page until the list of the run is made and it can be started."""
    start = page.get_by_role("button", name="Start", exact=True, disabled=False)
    for _ in range(100):
        if start.count():
            return
        page.wait_for_timeout(200)
        page.reload()
    raise AssertionError("the list was not made")


def test_a_run_is_made_started_stopped_and_seen_through(page: Page, world: World, server: MailServer) -> None:
    server.delay = 0.3
    customers(world, *addresses(10))
    world.add("")
    page.goto("/runs")
    page.get_by_role("link", name="New run").click()
    page.get_by_label("Message definition").select_option(world.definition.name)
    page.get_by_label("Customer cluster").fill(world.everybody.tag_name)
    page.get_by_label("Period from").fill("2026-10-01")
    page.get_by_label("Period to").fill("2026-10-31")
    page.get_by_role("button", name="Show preview").last.click()
    expect(page.get_by_text("11 invoices match")).to_be_visible()
    press(page, "Create")
    until_made(page)
    counted(page, Ready=10, Skipped=1)
    press(page, "Start")
    loaded_until(page, "Running")
    expect(page.get_by_text("Started.", exact=True)).to_be_visible()
    press(page, "Stop")
    expect(page.get_by_text("Stopped. Only mails already being handed over")).to_be_visible()
    assert len(server.taken) < 10
    server.delay = 0
    press(page, "Start")
    loaded_until(page, "Finished")
    counted(page, Sent=10)
    assert len(server.taken) == 10


@pytest.fixture
def sent(world: World, page: Page) -> int:
    """A finished run: 51 skipped, 8 sent, 2 failed."""
    customers(world, *addresses(51), documents=False)
    customers(world, *addresses(8), *addresses(2, "data-554-1"))
    run_id = world.run(start=True)
    page.goto(f"/runs/{run_id}")
    loaded_until(page, "Finished")
    return run_id


def test_results_are_filtered_searched_paged_and_downloaded(page: Page, sent: int) -> None:
    tab(page, "Failed").click()
    expect(results(page).get_by_role("checkbox")).to_have_count(3)
    tab(page, "All").click()
    expect(page.get_by_text("50 of 61 results")).to_be_visible()
    page.get_by_role("link", name="Next").click()
    expect(results(page).get_by_role("checkbox")).to_have_count(12)
    page.get_by_role("link", name="Previous").click()
    page.get_by_label("Sort by").select_option("Last change")
    press(page, "Show")
    expect(page).to_have_url(re.compile("sort=changed"))
    page.get_by_role("searchbox").fill(invoices(page)[3])
    page.get_by_role("searchbox").press("Enter")
    expect(results(page).get_by_role("checkbox")).to_have_count(2)
    page.get_by_label("More for this run").click()
    with page.expect_download() as download:
        page.get_by_role("group").get_by_role("link", name="Download report (CSV)").click()
    assert len(download.value.path().read_text().splitlines()) == 62


def test_results_are_sent_again_removed_and_put_back(page: Page, server: MailServer, sent: int) -> None:
    page.goto(f"/runs/{sent}?status=failed")
    numbers = invoices(page)
    press(page, "Send again", row(page, numbers[0]))
    expect(page.get_by_text("1 mail will be sent again.")).to_be_visible()
    loaded_until(page, "Finished")
    page.goto(f"/runs/{sent}?q={numbers[0]}")
    counted(page, Sent=9, Failed=1)
    press(page, "Send again", row(page, numbers[0]))
    expect(page.get_by_role("heading", name="Send this mail again?")).to_be_visible()
    page.get_by_role("checkbox", name="the customer may receive it twice").check()
    press(page, "Send again")
    loaded_until(page, "Finished")
    assert len(server.taken) == 10
    page.goto(f"/runs/{sent}?status=failed")
    tick(page, numbers[1])
    bulk(page).get_by_role("button", name="Remove").click()
    expect(page.get_by_text("1 result removed.")).to_be_visible()
    press(page, "Undo")
    expect(page.get_by_text("1 result put back.")).to_be_visible()
    counted(page, Failed=1, Removed=0)
    press(page, "Remove", row(page, numbers[1]))
    page.goto(f"/runs/{sent}?status=removed")
    press(page, "Put back", row(page, numbers[1]))
    counted(page, Failed=1, Removed=0)


def test_everything_that_matches_is_removed_after_a_question(page: Page, sent: int) -> None:
    page.get_by_role("link", name="Select all 61 matching").click()
    expect(bulk(page)).to_contain_text("All 61 matching selected")
    press(page, "Remove 53", bulk(page))  # what was sent stays
    expect(page.get_by_role("heading", name="Remove 53 results from this run?")).to_be_visible()
    press(page, "Remove 53")
    counted(page, All=8, Sent=8, Removed=53)
