"""Users and accounts in a browser, with JavaScript and without: a person is invited, chooses a password, and
sets how they read; the pages are accessible."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browsing import reader
from tests.browsing.conftest import NewContext
from tests.browsing.installation import installation
from tests.browsing.test_customers import accessible
from tests.browsing.watching import Watch
from tests.world import World
from webapp.users import first_start

NEW_PASSWORD = "another horse battery"


def mark(world: World) -> str:
    return world.everybody.tag_name.rpartition(" ")[2]


def invite(page: Page, email: str) -> str:
    """Invites a manager; returns the link."""
    page.goto("/users")
    page.get_by_role("link", name="Invite a user").click()
    page.get_by_label("Email").fill(email)
    page.get_by_label("Name", exact=True).fill("Tom Visser")
    page.get_by_role("radio", name=re.compile("^Manager")).check()
    page.get_by_role("button", name="Invite").click()
    return page.get_by_label("One-time link").input_value()


@pytest.mark.parametrize("script", [True, False], ids=["", "without JavaScript"])
def test_a_person_is_invited_and_sets_how_they_read(
    marit: NewContext, new_context: NewContext, world: World, watch: Watch, script: bool
) -> None:
    email = f"tom.{mark(world)}.{script}@example.com".lower()
    page = marit(java_script_enabled=script).new_page()
    link = invite(page, email)
    theirs = new_context(java_script_enabled=script).new_page()
    theirs.goto(link)
    theirs.get_by_label("New password", exact=True).fill(NEW_PASSWORD)
    theirs.get_by_label("New password again").fill(NEW_PASSWORD)
    theirs.get_by_role("button", name="Set password").click()
    expect(theirs.get_by_role("heading", name="Overview", level=1)).to_be_visible()
    theirs.goto("/account")
    theirs.get_by_label("Time zone").fill("Asia/Tokyo")
    theirs.get_by_label("Dates").select_option(label="2026-11-24")
    theirs.get_by_label("Keyboard shortcuts").uncheck()
    theirs.get_by_role("button", name="Save").click()
    expect(theirs.get_by_text("Saved.")).to_be_visible()
    expect(theirs.locator("#sessions time").first).to_have_attribute("title", re.compile("Asia/Tokyo"))
    expect(theirs.get_by_role("table", name="Sessions")).to_contain_text("this one")
    if script:
        theirs.keyboard.press("?")
        expect(theirs.get_by_role("dialog", name="Keys")).to_be_hidden()
    page.get_by_role("link", name="Done").click()
    page.get_by_role("button", name="End all").click()
    expect(page.get_by_text("All sessions of Tom Visser have ended.")).to_be_visible()
    theirs.goto("/account")
    expect(theirs.get_by_role("button", name="Log in")).to_be_visible()
    page.get_by_role("button", name="Disable Tom Visser").click()
    expect(page.get_by_role("button", name="Enable Tom Visser")).to_be_visible()


def test_the_pages_of_users_are_accessible(
    page: Page, new_context: NewContext, world: World, watch: Watch
) -> None:
    watch.expect("status of 404")
    watch.expect("status of 422")
    page.goto("/account")
    accessible(page, "the account")
    page.get_by_label("Present password").fill("not this one")
    page.get_by_label("New password", exact=True).fill(NEW_PASSWORD)
    page.get_by_label("New password again").fill(NEW_PASSWORD)
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_text("This is not your present password.")).to_be_visible()
    accessible(page, "the account, refused")
    link = invite(page, f"axe.{mark(world)}@example.com".lower())
    accessible(page, "a link")
    page.get_by_role("link", name="Done").click()
    accessible(page, "a user")
    page.goto("/users")
    accessible(page, "users")
    page.goto("/users/new")
    accessible(page, "an invitation")
    theirs = new_context().new_page()
    theirs.goto(link)
    accessible(theirs, "choosing a password")
    theirs.goto(link + "x")
    expect(theirs.get_by_role("alert")).to_contain_text("This link opens nothing")
    accessible(theirs, "a void link")
    page.goto("/own-data")
    accessible(page, "own data without the demo")


@pytest.mark.parametrize("script", [True, False], ids=["", "without JavaScript"])
def test_the_first_administrator_is_made(
    browser: Browser, sqlite_template: Path, tmp_path: Path, script: bool
) -> None:
    """In an installation of its own, which has no user."""
    shutil.copy(sqlite_template, tmp_path / "mailrun.sqlite3")
    with installation(f"sqlite:///{tmp_path / 'mailrun.sqlite3'}", tmp_path) as running:
        with running.runtime.database.reading() as session:
            code = first_start.code(session)
        options = {"java_script_enabled": script, **reader.context_options()}
        context = browser.new_context(base_url=running.web.address, **options)
        page = context.new_page()
        page.goto("/runs")
        expect(page.get_by_role("heading", name="Make the first administrator")).to_be_visible()
        if script:
            accessible(page, "the first start")
        page.get_by_label("One-time code").fill(code)
        page.get_by_label("Name", exact=True).fill("Ann")
        page.get_by_label("Email").fill("ann@example.com")
        page.get_by_label("New password", exact=True).fill(NEW_PASSWORD)
        page.get_by_label("New password again").fill(NEW_PASSWORD)
        page.get_by_role("button", name="Make administrator").click()
        expect(page.get_by_text("You are the first administrator.")).to_be_visible()
        page.goto("/users")
        expect(page.get_by_role("table", name="Users")).to_contain_text("ann@example.com")
        context.close()
