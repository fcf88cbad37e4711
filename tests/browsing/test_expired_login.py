"""E11: the login has ended while a form is open. The password is asked for over the page, in both themes, and
what was typed is sent by the same person; without JavaScript the login page hands it back."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Dialog, Page, expect
from sqlalchemy import select

from tests.browsing.axe import examine
from tests.browsing.conftest import NewContext, log_in
from tests.browsing.installation import Installation
from tests.browsing.watching import Watch
from tests.http_client import PASSWORD
from tests.world import World
from webapp.store.customers import Customer

ENDED = "Log in to go on"


def log_in_again(page: Page, password: str = PASSWORD) -> None:
    dialog = page.get_by_role("dialog", name=ENDED)
    dialog.get_by_label("Password").fill(password)
    dialog.get_by_role("button", name="Log in").click()


def language_of(world: World, customer_id: int) -> str:
    with world.runtime.database.reading() as session:
        return session.scalars(select(Customer.language).where(Customer.id == customer_id)).one()


def opened(page: Page, world: World) -> int:
    """The page of a customer, with another language typed; the customer's id."""
    customer, _ = world.add()
    page.goto(f"/customers/{customer.id}")
    page.get_by_label("Language").fill("nl")
    return customer.id


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_e11_a_form_goes_on_with_what_was_typed(
    new_context: NewContext, installed: Installation, world: World, watch: Watch, scheme: str
) -> None:
    watch.expect("401")
    email = installed.person()
    page = new_context(color_scheme=scheme).new_page()
    log_in(page, email)
    customer_id = opened(page, world)
    page.context.clear_cookies()
    page.get_by_role("button", name="Save facts").click()
    dialog = page.get_by_role("dialog", name=ENDED)
    expect(dialog.get_by_label("Email")).to_have_value(email)
    expect(dialog.get_by_label("Password")).to_be_focused()
    assert not examine(page, "expired login")
    log_in_again(page, "not the password")
    expect(dialog.get_by_role("alert")).to_contain_text("do not match")
    assert language_of(world, customer_id) == ""
    log_in_again(page)
    expect(page.get_by_text("Saved.").first).to_be_visible()
    assert language_of(world, customer_id) == "nl"


def test_e11_an_answer_of_htmx_asks_too(
    new_context: NewContext, installed: Installation, world: World, watch: Watch
) -> None:
    """The dialog of a new run: the choice is kept, and Create goes on after the login."""
    watch.expect("401")
    watch.expect("422")
    world.add()
    page = new_context().new_page()
    log_in(page, installed.person())
    page.goto("/runs/new")
    page.get_by_label("Message definition").select_option(str(world.definition.id))
    page.get_by_label("Period from").fill("2026-10-01")
    page.get_by_label("Period to").fill("2026-10-31")
    page.context.clear_cookies()
    page.get_by_role("button", name="Create", exact=True).click()
    expect(page.get_by_role("dialog", name=ENDED)).to_be_visible()
    log_in_again(page)
    expect(page.get_by_role("dialog", name=ENDED)).to_have_count(0)
    expect(page.get_by_label("Message definition")).to_have_value(str(world.definition.id))
    expect(page.get_by_label("Period from")).to_have_value("2026-10-01")


def test_e11_a_login_in_another_tab_is_enough_and_anothers_is_not(
    new_context: NewContext, installed: Installation, world: World, watch: Watch
) -> None:
    watch.expect("401")
    mine, anothers = installed.person(), installed.person()
    context = new_context()
    page, tab = context.new_page(), context.new_page()
    log_in(page, mine)
    customer_id = opened(page, world)
    context.clear_cookies()
    log_in(tab, anothers)
    page.get_by_role("button", name="Save facts").click()
    dialog = page.get_by_role("dialog", name=ENDED)
    expect(dialog).to_contain_text(f"{anothers} has logged in with this browser since")
    dialog.get_by_role("button", name="Not now").click()
    assert language_of(world, customer_id) == ""
    context.clear_cookies()
    log_in(tab, mine)
    page.get_by_role("button", name="Save facts").click()
    expect(page.get_by_text("Saved.").first).to_be_visible()
    assert language_of(world, customer_id) == "nl"


def test_e11_without_javascript_the_login_page_hands_the_form_back(
    new_context: NewContext, installed: Installation, world: World, watch: Watch
) -> None:
    watch.expect("401")
    mine, anothers = installed.person(), installed.person()
    for who in (anothers, mine):
        page = new_context(java_script_enabled=False).new_page()
        log_in(page, mine)
        customer_id = opened(page, world)
        page.context.clear_cookies()
        page.get_by_role("button", name="Save facts").click()
        expect(page.get_by_text("Your login has ended")).to_be_visible()
        expect(page.get_by_text("What you typed is kept")).to_be_visible()
        page.get_by_label("Email").fill(who)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        assert language_of(world, customer_id) == ""  # nothing is sent without a press
        if who == anothers:
            expect(page.get_by_text("belongs to another login")).to_be_visible()
            expect(page.get_by_role("button", name="Send what I typed")).to_have_count(0)
    page.get_by_role("button", name="Send what I typed").click()
    expect(page).to_have_url(re.compile(rf"/customers/{customer_id}"))
    assert language_of(world, customer_id) == "nl"


def test_e11_leaving_what_is_not_saved_asks_once(
    new_context: NewContext, installed: Installation, world: World
) -> None:
    asked: list[str] = []

    def stay_first(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss() if len(asked) == 1 else dialog.accept()

    page = new_context().new_page()
    log_in(page, installed.person())
    customer_id = opened(page, world)
    page.on("dialog", stay_first)
    runs = page.get_by_role("link", name="Runs", exact=True)
    runs.click(no_wait_after=True)
    expect(page.get_by_label("Language")).to_have_value("nl")
    page.get_by_role("button", name="Save facts").click()
    expect(page.get_by_text("Saved.").first).to_be_visible()
    assert asked == ["beforeunload"]  # not for the press on Save
    assert language_of(world, customer_id) == "nl"
    runs.click()
    expect(page).to_have_url(re.compile(r"/runs$"))
    assert asked == ["beforeunload"]
