"""Passkeys in a browser, by Chromium's virtual authenticator; what a browser cannot do is told in words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browsing import reader
from tests.browsing.conftest import NewContext, log_in
from tests.browsing.installation import Installation
from tests.browsing.test_customers import accessible
from tests.browsing.watching import Watch
from tests.http_client import PASSWORD

FACTORS = "/account/factors"


@pytest.fixture
def watch(installed: Installation) -> Iterator[Watch]:
    """Over the pages under a name: browsers keep no passkey for an address of numbers."""
    watching = Watch(installed.web.address.replace("127.0.0.1", "localhost"))
    yield watching
    watching.verify()


@pytest.fixture
def new_context(browser: Browser, watch: Watch) -> Iterator[NewContext]:
    """new_context(): a browser without a login, watched, whose addresses lead to that name."""
    with ExitStack() as opened:

        def make() -> BrowserContext:
            context = browser.new_context(base_url=watch.address, **reader.context_options())
            opened.callback(context.close)
            watch.over(context)
            return context

        yield make


def virtual_key(page: Page) -> Any:
    """A key of Chromium's, which this page's browser has from now on; returns the session to speak with
    it."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    kind = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
    options = {**kind, "isUserVerified": True, "automaticPresenceSimulation": True}
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return session


def add_passkey(page: Page, name: str) -> None:
    page.goto(FACTORS)
    page.get_by_label("Name of the new passkey").fill(name)
    page.locator("#passkey-password").fill(PASSWORD)
    page.get_by_role("button", name="Add a passkey").click()


def log_out(page: Page) -> None:
    page.goto("/account")
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/login")


def test_a_passkey_is_added_and_logs_in(
    new_context: NewContext, installed: Installation, watch: Watch
) -> None:
    page = new_context().new_page()
    log_in(page, installed.person())
    virtual_key(page)
    add_passkey(page, "My laptop")
    expect(page.get_by_role("heading", name="Your recovery codes", level=1)).to_be_visible()
    accessible(page, "recovery codes")
    page.get_by_role("link", name="I have kept them").click()
    expect(page.get_by_role("table", name="Passkeys")).to_contain_text("My laptop")
    accessible(page, "second factors with a passkey")
    log_out(page)
    accessible(page, "the login with passkeys")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", name="Overview", level=1)).to_be_visible()
    log_out(page)
    page.get_by_label("Email").fill("admin")
    page.goto("/login?next=/runs")
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url("**/runs")


def test_a_passkey_is_the_second_step_and_can_be_removed(
    new_context: NewContext, installed: Installation, watch: Watch
) -> None:
    page, person = new_context().new_page(), installed.person("manager")
    log_in(page, person)
    virtual_key(page)
    add_passkey(page, "Pixel")
    expect(page.get_by_role("list", name="Recovery codes").get_by_role("listitem")).to_have_count(10)
    log_out(page)
    page.get_by_label("Email").fill(person)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).click()
    expect(page.get_by_role("heading", name="Second step")).to_be_visible()
    accessible(page, "the second step with a passkey")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", name="Overview", level=1)).to_be_visible()
    page.goto(FACTORS)
    page.get_by_text("Remove a passkey").click()
    page.locator("#passkey-remove-password").fill(PASSWORD)
    page.get_by_role("button", name="Remove this passkey").click()
    expect(page.get_by_text("The passkey “Pixel” is removed.")).to_be_visible()


def test_what_the_browser_cannot_do_is_told_in_words(
    new_context: NewContext, installed: Installation, watch: Watch
) -> None:
    context = new_context()
    context.add_init_script("delete window.PublicKeyCredential?.parseRequestOptionsFromJSON")
    page = context.new_page()
    page.goto("/login")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("alert")).to_contain_text("This browser cannot use passkeys.")
    accessible(page, "a browser without passkeys")
    watch.expect("status of 422")
    other = new_context().new_page()
    log_in(other, installed.person("viewer"))
    other.goto(FACTORS)
    other.get_by_label("Name of the new passkey").fill("Pixel")
    other.locator("#passkey-password").fill("not this one")
    other.get_by_role("button", name="Add a passkey").click()
    expect(other.get_by_role("alert")).to_contain_text("This is not your present password.")
