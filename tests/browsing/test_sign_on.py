"""Sign-on in a browser, with the strict policy of our pages: there, back, and out again; in both themes, wide
and narrow; with JavaScript and without."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browsing import reader
from tests.browsing.axe import examine
from tests.browsing.installation import Installation, installation
from tests.sign_on.lying_provider import CLIENT_ID, CLIENT_SECRET, LyingProvider, lying_provider
from webapp.store.users import User

Running = tuple[Installation, LyingProvider]


@pytest.fixture(scope="module")
def running(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    home = tmp_path_factory.mktemp("sign-on")
    shutil.copy(sqlite_template, home / "mailrun.sqlite3")
    with lying_provider() as provider:
        chosen = {
            "MAILRUN_SIGN_ON_ISSUER": provider.issuer,
            "MAILRUN_SIGN_ON_CLIENT_ID": CLIENT_ID,
            "MAILRUN_SIGN_ON_CLIENT_SECRET": CLIENT_SECRET,
            "MAILRUN_SIGN_ON_NAME": "Keyhole",
            "MAILRUN_SIGN_ON_ROLES": "admins = admin, send",
        }
        with installation(f"sqlite:///{home / 'mailrun.sqlite3'}", home, workers=0, **chosen) as installed:
            installed.person()  # without any user there is only the first start
            yield installed, provider


@pytest.fixture
def provider(running: Running) -> LyingProvider:
    """It is honest again for each test."""
    running[1].lie = ""
    running[1].claims = {"email": "marit@example.com", "email_verified": True, "name": "Marit"}
    running[1].claims["groups"] = ["admins"]
    return running[1]


def context_of(browser: Browser, running: Running, **options: object) -> BrowserContext:
    merged: dict[str, object] = {"base_url": running[0].web.address, **reader.context_options(), **options}
    return browser.new_context(**merged)  # type: ignore[arg-type]


def sign_on(page: Page, at: str = "/login?next=/users") -> None:
    page.goto(at)
    page.get_by_role("link", name="Sign in with Keyhole").click()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_there_and_back_and_out(
    browser: Browser, running: Running, provider: LyingProvider, scheme: str, width: int
) -> None:
    size = {"width": width, "height": 900}
    context = context_of(browser, running, color_scheme=scheme, viewport=size)
    page = context.new_page()
    page.goto("/login")
    assert not examine(page, "login with sign-on")
    sign_on(page)
    expect(page.get_by_role("heading", name="Users", level=1)).to_be_visible()
    page.goto("/account")
    expect(page.get_by_text("You sign in with Keyhole.")).to_be_visible()
    assert not examine(page, "account of a person who signs in elsewhere")
    left = len(provider.left)
    page.get_by_role("button", name="Log out").click()
    expect(page).to_have_url(re.compile(r"/login\?state="))
    assert len(provider.left) == left + 1
    provider.claims["groups"] = []
    sign_on(page)
    expect(page.get_by_role("alert")).to_contain_text("has no role in Mailrun")
    assert not examine(page, "a sign-in that was refused")
    context.close()


def test_without_javascript(browser: Browser, running: Running, provider: LyingProvider) -> None:
    """The logout leads on by a header: a form may lead nowhere else by the policy."""
    context = context_of(browser, running, java_script_enabled=False)
    page = context.new_page()
    sign_on(page)
    expect(page.get_by_role("heading", name="Users", level=1)).to_be_visible()
    page.goto("/account")
    left = len(provider.left)
    page.get_by_role("button", name="Log out").click()
    expect(page).to_have_url(re.compile(r"/login\?state="))
    assert len(provider.left) == left + 1
    context.close()


def test_a_form_goes_on_after_a_sign_in_in_another_tab(
    browser: Browser, running: Running, provider: LyingProvider
) -> None:
    context = context_of(browser, running)
    page = context.new_page()
    sign_on(page, "/login?next=/account")
    page.get_by_label("Name", exact=True).fill("Marit de Vries")
    context.clear_cookies()
    page.get_by_role("button", name="Save").click()
    dialog = page.get_by_role("dialog", name="Log in to go on")
    expect(dialog).to_be_visible()
    assert not examine(page, "expired login with sign-on")
    with context.expect_page() as opened:
        dialog.get_by_role("link", name="Sign in with Keyhole").click()
    expect(opened.value.get_by_role("heading", name="Your account")).to_be_visible()
    opened.value.close()
    page.bring_to_front()
    page.evaluate("dispatchEvent(new Event('focus'))")  # without a screen no window gets it
    expect(page.get_by_text("Saved.")).to_be_visible()
    with running[0].runtime.database.reading() as session:
        assert session.query(User.name).filter_by(email="marit@example.com").scalar() == "Marit de Vries"
    context.close()
