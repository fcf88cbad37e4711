"""An authenticator app in a browser, with JavaScript and without; the pages are accessible."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browsing.conftest import NewContext, log_in
from tests.browsing.installation import Installation
from tests.browsing.test_customers import accessible
from tests.browsing.watching import Watch
from tests.factors.codes import code
from tests.http_client import PASSWORD

FACTORS = "/account/factors"


def log_out(page: Page) -> None:
    page.goto("/account")
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/login")


def set_up_app(page: Page) -> str:
    """Sets up an app on the page of second factors; returns its secret."""
    secret = page.get_by_label("Secret", exact=True).input_value().replace(" ", "")
    page.get_by_label("2. Code that the app shows now").fill(code(secret, -1))
    page.locator("#app-password").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("heading", name="Your recovery codes", level=1)).to_be_visible()
    return secret


@pytest.mark.parametrize("script", [True, False], ids=["", "without JavaScript"])
def test_an_app_is_set_up_and_asked_for(
    new_context: NewContext, installed: Installation, watch: Watch, script: bool
) -> None:
    watch.expect("status of 401")
    page, person = new_context(java_script_enabled=script).new_page(), installed.person("manager")
    log_in(page, person)
    page.goto(FACTORS)
    if script:
        accessible(page, "no second factor")
    page.get_by_role("button", name="Set up an app").click()
    if script:
        expect(page.get_by_role("img", name="QR code with the secret")).to_be_visible()
        accessible(page, "setting up an app")
    secret = set_up_app(page)
    codes = page.get_by_role("list", name="Recovery codes").get_by_role("listitem")
    first = codes.first.inner_text()
    log_out(page)
    page.get_by_label("Email").fill(person)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).click()
    page.get_by_label("Code from your app").fill("000000")
    page.get_by_role("button", name="Log in", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("This code does not fit.")
    if script:
        accessible(page, "the second step, refused")
    page.get_by_label("Code from your app").fill(code(secret))
    page.get_by_role("button", name="Log in", exact=True).click()
    expect(page.get_by_role("heading", name="Overview", level=1)).to_be_visible()
    page.goto("/account")
    expect(page.locator("#factor")).to_contain_text("10 recovery codes are left.")
    if script:
        accessible(page, "the account with a second factor")
    log_out(page)
    page.get_by_label("Email").fill(person)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).click()
    page.get_by_label("Code from your app").fill(first)
    page.get_by_role("button", name="Log in", exact=True).click()
    page.goto("/account")
    expect(page.locator("#factor")).to_contain_text("9 recovery codes are left.")


def test_an_expired_login_asks_for_the_code_over_the_page(
    new_context: NewContext, installed: Installation, watch: Watch
) -> None:
    watch.expect("status of 401")
    page, person = new_context().new_page(), installed.person("admin")
    log_in(page, person)
    page.goto(FACTORS)
    page.get_by_role("button", name="Set up an app").click()
    secret = set_up_app(page)
    page.goto("/account")
    page.context.clear_cookies()
    page.get_by_label("Time zone").fill("Asia/Tokyo")
    page.get_by_role("button", name="Save").click()
    ask = page.get_by_role("dialog", name="Log in to go on")
    ask.get_by_label("Password").fill(PASSWORD)
    ask.get_by_role("button", name="Log in").click()
    expect(ask.get_by_role("alert")).to_contain_text("Enter a code from your app")
    accessible(page, "logging in again with a code")
    ask.get_by_label("Code from your app, or a recovery code").fill(code(secret))
    ask.get_by_role("button", name="Log in").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
