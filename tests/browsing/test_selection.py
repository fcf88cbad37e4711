"""Everything that a filter matches: the server keeps the selection, not the page."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browsing.installation import addresses, customers
from tests.browsing.seen import bulk, counted, invoices, press, results, state, tab, tick
from tests.mailserver import MailServer
from tests.world import World


@pytest.fixture
def skipped(world: World) -> int:
    """A run that has been made: 51 lack their document, 3 are ready."""
    customers(world, *addresses(51), documents=False)
    customers(world, *addresses(3))
    return world.run()


def select_all(page: Page, n: int) -> None:
    page.get_by_role("checkbox", name="Select all on this page").check()
    expect(bulk(page)).to_contain_text("50 selected")
    page.get_by_role("link", name=f"Select all {n} matching").click()
    expect(bulk(page)).to_contain_text(f"All {n} matching selected")


def test_everything_that_matches_is_sent_again_and_removed(
    page: Page, world: World, server: MailServer
) -> None:
    customers(world, *addresses(51, "data-554-1"), *addresses(2))
    customers(world, *addresses(52), documents=False)
    page.goto(f"/runs/{world.run(start=True)}")
    state(page, "Finished")
    counted(page, Failed=51, Sent=2)
    tab(page, "Failed").click()
    expect(page).to_have_url(re.compile(r"status=failed"))
    expect(page.get_by_text("50 of 51 results")).to_be_visible()
    select_all(page, 51)
    press(page, "Send again 51", bulk(page))
    counted(page, Failed=0, Sent=53)
    assert len(server.taken) == 53
    tab(page, "Skipped").click()
    select_all(page, 52)
    press(page, "Remove 52", bulk(page))
    question = page.get_by_role("dialog", name="Remove 52 results from this run?")
    expect(question.get_by_role("button", name="Cancel")).to_be_focused()
    press(page, "Remove 52", question)
    counted(page, All=53, Removed=52)


def test_a_changed_filter_clears_the_selection_and_says_so(page: Page, skipped: int) -> None:
    page.goto(f"/runs/{skipped}")
    select_all(page, 54)
    tab(page, "Skipped").click()
    expect(page.get_by_text("The list has changed: nothing is selected any more.")).to_be_visible()
    expect(results(page).get_by_role("checkbox", checked=True)).to_have_count(0)
    expect(bulk(page)).to_be_hidden()


def test_one_row_taken_out_is_no_longer_everything(page: Page, skipped: int) -> None:
    page.goto(f"/runs/{skipped}")
    select_all(page, 54)
    results(page).get_by_role("checkbox").nth(1).uncheck()
    expect(bulk(page)).to_contain_text("49 selected")
    expect(bulk(page).get_by_role("button", name="Remove 49")).to_be_visible()


def test_the_buttons_count_the_rows_that_they_would_touch(page: Page, skipped: int) -> None:
    page.goto(f"/runs/{skipped}?status=ready")
    tick(page, *invoices(page)[:2])
    expect(bulk(page)).to_contain_text("2 selected")
    expect(bulk(page).get_by_role("button", name="Remove 2")).to_be_visible()
    expect(bulk(page).get_by_role("button", name="Send again 0")).to_be_visible()  # they are ready as it is
    press(page, "Clear", bulk(page))
    expect(bulk(page)).to_be_hidden()


def test_a_row_that_is_ticked_while_a_press_is_under_way_stays_ticked(page: Page, world: World) -> None:
    first, second, _ = customers(world, *addresses(3))
    page.goto(f"/runs/{world.run()}")
    tick(page, first)
    held: list[Route] = []
    page.route("**/results/remove", lambda route: held.append(route))
    with page.expect_request("**/results/remove"):
        press(page, "Remove 1", bulk(page))
    tick(page, second)
    held[0].continue_()
    counted(page, Removed=1)
    expect(page.get_by_role("checkbox", name=f"Select {second}", exact=True)).to_be_checked()
    expect(bulk(page)).to_contain_text("1 selected")
