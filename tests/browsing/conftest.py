"""A browser over a real installation: real pages with their strict policy, workers, Redis and mail server.

Every page of every test is watched (watching.py): whatever its browser complains of fails the test."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, StorageState, expect

from tests.browsing import chromium, reader
from tests.browsing.installation import Installation, installation
from tests.browsing.patience import patient
from tests.browsing.watching import Watch
from tests.http_client import PASSWORD
from tests.mailserver import MailServer, mail_server
from tests.world import World

NewContext = Callable[..., BrowserContext]

expect.set_options(timeout=30_000)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Launches the system's Chromium. Without one these tests are skipped, but not where all must run."""
    if not chromium.find():
        (pytest.fail if os.environ.get("CI") else pytest.skip)(chromium.INSTALL)
    return {**browser_type_launch_args, **chromium.launch_options()}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    """Every browser is the reader's (reader.py)."""
    return {**browser_context_args, **reader.context_options()}


@pytest.fixture(scope="session", autouse=True)
def uses_pages_as_the_reader() -> Iterator[None]:
    """Tests ask in English for what the reader reads, and use pages that have loaded."""
    with patient(), reader.translating():
        yield


@pytest.fixture(scope="session")
def installed(
    browser: Browser, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """One for all tests of a process; each has its own cluster, definition and mail server in it."""
    home = tmp_path_factory.mktemp("home")
    shutil.copy(sqlite_template, home / "mailrun.sqlite3")
    with installation(f"sqlite:///{home / 'mailrun.sqlite3'}", home) as running:
        running.person()  # without any user there is only the first start
        yield running


@pytest.fixture(scope="session")
def base_url(installed: Installation) -> str:
    """Where every address of a test that has no host leads."""
    return installed.web.address


@pytest.fixture(scope="session")
def marits_session(browser: Browser, installed: Installation) -> StorageState:
    """Marit, who may do everything, is logged in."""
    context = browser.new_context(base_url=installed.web.address, **reader.context_options())
    log_in(context.new_page(), installed.person())
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as running:
        yield running


@pytest.fixture
def world(installed: Installation, server: MailServer) -> Iterator[World]:
    """A cluster, a definition and a mail server of the test's own. Its runs end with it: the port of its mail
    server may be the next one's, in another process."""
    yield installed.world(server)
    installed.rest()


@pytest.fixture
def watch(installed: Installation) -> Iterator[Watch]:
    watching = Watch(installed.web.address)
    yield watching
    watching.verify()


@pytest.fixture
def new_context(watch: Watch, new_context: NewContext) -> NewContext:
    """new_context(): a browser without a login, watched. It takes the options of Playwright's."""

    def make(**options: Any) -> BrowserContext:
        size = {"width": 1280, "height": 900}
        context = new_context(**{"viewport": size, **options})
        watch.over(context)
        return context

    return make


@pytest.fixture
def marit(new_context: NewContext, marits_session: StorageState) -> NewContext:
    """marit(): a browser in which Marit is logged in."""
    return lambda **options: new_context(storage_state=marits_session, **options)


@pytest.fixture
def page(marit: NewContext) -> Page:
    """A page of Marit's."""
    return marit().new_page()


def log_in(page: Page, email: str, at: str = "/login") -> None:
    """Logs in by the form, as everybody does."""
    page.goto(at)
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(lambda url: "/login" not in url)
