"""Everything that a filter matches, over several pages: the server keeps the selection, not the page."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browsing.seen import bulk, counted, press, results, state, tab, tick
from tests.mailserver import MailServer
from tests.runs.conftest import World


@pytest.fixture
def refused(world: World) -> int:
    """A finished run: 60 were refused at the first try, 3 were sent."""
    for number in range(60):
        world.add(f"data-554-1.c{number}@customers.test")
    for number in range(3):
        world.add(f"fine.c{number}@customers.test")
    return world.run(start=True)


def select_all(page: Page, n: int) -> None:
    page.get_by_role("checkbox", name="Select all on this page").check()
    expect(bulk(page)).to_contain_text("50 selected")
    page.get_by_role("link", name=f"Select all {n} matching").click()
    expect(bulk(page)).to_contain_text(f"All {n} matching selected")


def test_everything_that_matches_is_sent_again_and_removed(
    page: Page, world: World, server: MailServer, refused: int
) -> None:
    page.goto(f"/runs/{refused}")
    state(page, "Finished")
    counted(page, Failed=60, Sent=3)
    tab(page, "Failed").click()
    expect(page).to_have_url(re.compile(r"status=failed"))
    expect(page.get_by_text("50 of 60 results")).to_be_visible()
    select_all(page, 60)
    press(page, "Send again 60", bulk(page))
    counted(page, Failed=0, Sent=63)
    assert len(server.taken) == 63
    tab(page, "All").click()
    select_all(page, 63)
    press(page, "Remove 63", bulk(page))
    question = page.get_by_role("dialog", name="Remove 63 results from this run?")
    expect(question.get_by_role("button", name="Cancel")).to_be_focused()
    press(page, "Remove 63", question)
    counted(page, All=0, Removed=63)


def test_a_changed_filter_clears_the_selection_and_says_so(page: Page, refused: int) -> None:
    page.goto(f"/runs/{refused}")
    state(page, "Finished")
    select_all(page, 63)
    tab(page, "Failed").click()
    expect(page.get_by_text("The list has changed: nothing is selected any more.")).to_be_visible()
    expect(results(page).get_by_role("checkbox", checked=True)).to_have_count(0)
    expect(bulk(page)).to_be_hidden()


def test_one_row_taken_out_is_no_longer_everything(page: Page, refused: int) -> None:
    page.goto(f"/runs/{refused}")
    state(page, "Finished")
    select_all(page, 63)
    results(page).get_by_role("checkbox").nth(1).uncheck()
    expect(bulk(page)).to_contain_text("49 selected")
    expect(bulk(page).get_by_role("button", name="Remove 49")).to_be_visible()


def test_a_ticked_range_counts(page: Page, refused: int) -> None:
    page.goto(f"/runs/{refused}?status=sent")
    state(page, "Finished")
    tab(page, "Sent").click()
    numbers = results(page).get_by_role("checkbox").all()[1:]
    names = [box.get_attribute("aria-label") or "" for box in numbers]
    tick(page, *(name.removeprefix("Select ") for name in names[:2]))
    expect(bulk(page)).to_contain_text("2 selected")
    press(page, "Clear", bulk(page))
    expect(bulk(page)).to_be_hidden()
