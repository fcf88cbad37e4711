"""A page that is live: nothing moves under the hand, and it knows when to ask and when to stop.

The pages' clock is wound on, so that twenty polls take seconds."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, Request, Route, expect
from sqlalchemy import update

from tests.browsing.conftest import NewContext, log_in
from tests.browsing.installation import Installation, addresses, customers
from tests.browsing.reader import said
from tests.browsing.seen import counted, invoices, results, state, tab
from tests.browsing.watching import Watch
from tests.http_client import PASSWORD
from tests.mailserver import MailServer
from tests.world import World
from webapp.store.types import now
from webapp.store.users import User

DONE = re.compile(said("* of 60 done").replace("*", "") + r"\s+\d+\s?%")
"""How far the run is."""

EVERY = 2_000
"""Milliseconds between two polls."""


class Polls:
    """Winds the page's clock on, from one answered poll to the next."""

    def __init__(self, page: Page) -> None:
        self.page, self.asked = page, 0
        page.clock.install()
        page.on("request", self._count)

    def _count(self, request: Request) -> None:
        self.asked += "/live" in request.url

    def live_on(self, times: int) -> None:
        for _ in range(times):
            with self.page.expect_response(re.compile(r"/live")) as answer:
                self.page.clock.run_for(EVERY)
            answer.value.finished()
            self.page.wait_for_timeout(50)

    def pass_time(self, polls: int) -> int:
        """Lets the time of this number of polls go by; how many there were."""
        before = self.asked
        for _ in range(polls):
            self.page.clock.run_for(EVERY)
            self.page.wait_for_timeout(50)
        return self.asked - before


@pytest.fixture
def running(world: World, server: MailServer) -> int:
    """A run of 60 that takes longer than twenty wound polls."""
    server.delay = 0.8
    customers(world, *addresses(60))
    return world.run(start=True)


def test_what_a_person_holds_survives_twenty_updates(page: Page, running: int) -> None:
    polls = Polls(page)
    page.set_viewport_size({"width": 1280, "height": 500})
    page.goto(f"/runs/{running}?sort=changed&q=customer")
    box = results(page).get_by_role("checkbox").nth(30)
    box.check()
    page.get_by_label("More for this run").click()
    page.keyboard.press("/")
    search = page.get_by_role("searchbox", name="Search results")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.mouse.move(600, 300)
    page.mouse.wheel(0, 150)
    expect(page.get_by_role("link", name="Download report (CSV)")).to_be_visible()
    page.wait_for_timeout(200)
    before = hand(page, search), invoices(page)
    was = page.get_by_role("main").get_by_text(DONE).inner_text()
    polls.live_on(20)
    assert (hand(page, search), invoices(page)) == before
    expect(search).to_be_focused()
    expect(box).to_be_checked()
    expect(page.get_by_role("region", name="Actions for selected results")).to_contain_text("1 selected")
    expect(page.get_by_role("link", name="Download report (CSV)")).to_be_visible()
    assert page.get_by_role("main").get_by_text(DONE).inner_text() != was


def hand(page: Page, search: Locator) -> dict[str, object]:
    """Where the person is: text and caret in the search, how far the page is scrolled."""
    found: dict[str, object] = search.evaluate(
        "field => ({ text: field.value, from: field.selectionStart, to: field.selectionEnd, y: scrollY })"
    )
    assert found["text"] == "customer"
    assert found["from"] == found["to"] == 2
    assert found["y"]
    return found


def test_selected_text_survives_twenty_updates(page: Page, running: int) -> None:
    polls = Polls(page)
    page.goto(f"/runs/{running}")
    cell = results(page).get_by_role("cell", name=re.compile("@customers.test")).nth(5)
    cell.evaluate("cell => getSelection().selectAllChildren(cell)")
    selected = page.evaluate("String(getSelection())")
    assert "@customers.test" in selected
    polls.live_on(20)
    assert page.evaluate("String(getSelection())") == selected


def test_the_poll_stops_in_a_hidden_tab_and_when_the_run_is_over(
    page: Page, running: int, server: MailServer
) -> None:
    polls = Polls(page)
    page.goto(f"/runs/{running}")
    polls.live_on(2)
    hide = "is => Object.defineProperty(document, 'hidden', { configurable: true, get: () => is })"
    page.evaluate(hide, True)
    assert polls.pass_time(5) == 0
    page.evaluate(hide, False)
    polls.live_on(2)
    server.delay = 0
    state(page, "Finished")
    counted(page, Sent=60)
    assert polls.pass_time(5) == 0


@pytest.mark.parametrize("first", ["the look", "the press"])
def test_a_press_while_a_finished_run_refreshes_is_not_lost(
    page: Page, world: World, server: MailServer, first: str
) -> None:
    server.delay = 0.5
    customers(world, *addresses(9), *addresses(1, "data-554-1"))
    run = world.run(start=True)
    page.goto(f"/runs/{run}")
    looks, presses = Answers(page, rf"/runs/{run}$"), Answers(page, rf"/runs/{run}\?status=failed$")
    looks.asked()
    tab(page, "Failed").click()
    presses.asked()
    for answers in (looks, presses) if first == "the look" else (presses, looks):
        answers.come()
    state(page, "Finished")
    expect(page.locator("#done")).to_have_count(0)
    expect(page).to_have_url(re.compile(r"\?status=failed$"))
    expect(tab(page, "Failed")).to_have_attribute("aria-current", "true")
    expect(results(page).get_by_role("checkbox")).to_have_count(2)  # one row, and the header's


class Answers:
    """Keeps the first answer from this address back until it is let come."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.kept = page, list[Route]()
        page.route(re.compile(url), self._keep)

    def _keep(self, route: Route) -> None:
        if self.kept:
            route.continue_()
        self.kept.append(route)

    def asked(self) -> None:
        """Waits until the page has asked for it."""
        while not self.kept:
            self.page.wait_for_timeout(20)

    def come(self) -> None:
        """Lets it come, and gives the page the time to show it."""
        with self.page.expect_response(self.kept[0].request.url) as answer:
            self.kept[0].continue_()
        answer.value.finished()
        self.page.wait_for_timeout(200)


def test_a_lost_server_is_told_until_it_is_back(
    page: Page, running: int, installed: Installation, watch: Watch
) -> None:
    watch.expect("ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|Failed to fetch")
    polls = Polls(page)
    page.goto(f"/runs/{running}")
    polls.live_on(1)
    lost = page.get_by_text("The connection to Mailrun is lost.")
    installed.web.stop()
    try:
        polls.pass_time(2)
        expect(lost).to_be_visible()
        polls.pass_time(2)
        expect(lost).to_have_count(1)
    finally:
        installed.web.start()
    polls.live_on(1)
    expect(lost).to_have_count(0)


def test_e11_a_login_that_ended_is_asked_for_over_the_page(
    new_context: NewContext, running: int, installed: Installation, watch: Watch
) -> None:
    email = installed.person()
    page = new_context().new_page()
    log_in(page, email)
    page.goto(f"/runs/{running}?status=ready")
    watch.expect("status of 401")
    disable(installed, email, True)
    dialog = page.get_by_role("dialog", name="Log in to go on")
    expect(dialog).to_be_visible()
    disable(installed, email, False)
    dialog.get_by_label("Password").fill(PASSWORD)
    dialog.get_by_role("button", name="Log in").click()
    expect(dialog).to_have_count(0)
    expect(page).to_have_url(re.compile(rf"/runs/{running}\?status=ready$"))
    expect(page.get_by_role("table", name="Message results")).to_be_visible()


def disable(installed: Installation, email: str, is_disabled: bool) -> None:
    with installed.runtime.database.writing() as session:
        changed = update(User).where(User.email == email)
        session.execute(changed.values(disabled_at=now() if is_disabled else None))
