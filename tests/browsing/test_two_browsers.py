"""Two people at the same run press the same button at the same moment: it happens once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browsing.conftest import NewContext
from tests.browsing.installation import addresses, customers
from tests.browsing.reader import said
from tests.browsing.seen import counted, press, row, state
from tests.mailserver import MailServer
from tests.world import World


@pytest.fixture
def both(marit: NewContext) -> tuple[Page, Page]:
    return marit().new_page(), marit().new_page()


@contextmanager
def at_once(both: tuple[Page, Page]) -> Iterator[None]:
    """What is pressed in the block leaves the browsers only when both have pressed."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        if route.request.method == "POST":
            held.append(route)
        else:
            route.continue_()

    for page in both:
        page.route("**/*", hold)
    yield
    while len(held) < 2:
        both[0].wait_for_timeout(20)
    for route in held:
        route.continue_()
    for page in both:
        page.unroute("**/*")


def test_start_and_stop_have_one_effect(both: tuple[Page, Page], world: World, server: MailServer) -> None:
    server.delay = 0.2
    customers(world, *addresses(10))
    run_id = world.run()
    for page in both:
        page.goto(f"/runs/{run_id}")
    with at_once(both):
        for page in both:
            press(page, "Start")
    for page in both:
        state(page, "Running")
    with at_once(both):
        for page in both:
            press(page, "Stop")
    for page in both:
        state(page, "Stopped")
    server.delay = 0
    with at_once(both):
        for page in both:
            press(page, "Start")
    for page in both:
        state(page, "Finished")
        counted(page, Sent=10)
    assert len(server.taken) == 10


def test_remove_has_one_effect(both: tuple[Page, Page], world: World) -> None:
    number = world.add()[1].number
    world.add()
    run_id = world.run()
    for page in both:
        page.goto(f"/runs/{run_id}")
    with at_once(both):
        for page in both:
            press(page, "Remove", row(page, number))
    removed = said("1 result removed.")
    not_again = f"{said('Not removed')}: {said('already removed')}."
    words = page_words(both, re.compile(f"^({re.escape(removed)}|{re.escape(not_again)})"))
    assert sorted(words) == sorted((removed, not_again))
    for page in both:
        counted(page, Ready=1, Removed=1)


def page_words(pages: tuple[Page, Page], pattern: re.Pattern[str]) -> list[str]:
    """What the pages say that is like this."""
    return [page.get_by_text(pattern).inner_text() for page in pages]


def test_a_question_answered_twice_has_one_effect(
    both: tuple[Page, Page], world: World, server: MailServer
) -> None:
    """Another page lies over this one: its timers come late, and so do the dialog's own events."""
    page, _ = both
    [invoice] = customers(world, *addresses(1))
    run_id = world.run(start=True)
    page.goto(f"/runs/{run_id}")
    state(page, "Finished")
    page.context.new_page()
    press(page, "Send again", row(page, invoice))
    question = page.get_by_role("dialog")
    question.get_by_role("checkbox").check()
    question.get_by_role("button", name="Send again").dblclick()
    expect(question).to_have_count(0)
    expect(page.get_by_text("Nothing was done a second time.")).to_be_visible()
    counted(page, Sent=1)
    assert len(server.taken) == 2
