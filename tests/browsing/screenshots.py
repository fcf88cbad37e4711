"""Takes the pictures in docs/screenshots (`make screenshots`): of what `make run` starts, with its demo
company, but with a mail server that misbehaves for a few, in every state that a run can be seen in."""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browsing import chromium
from tests.launch.launched import STARTED, launched, up
from tests.mailserver import MailServer, mail_server
from tests.runtimes import open_runtime
from webapp import config
from webapp.access import OPERATOR
from webapp.demo import loading
from webapp.extensions import Runtime
from webapp.results import export
from webapp.store.runs import Run

FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"
LOOKS = {
    "1280-light": (1280, 900, "light"),
    "1280-dark": (1280, 900, "dark"),
    "390-light": (390, 844, "light"),
}
LIGHT = ("1280-light", "390-light")
FAULTS = ("reject-550", "data-554", "cut-ack", "greylist-1", "reject-550", "data-452-1", "cut-ack")
EVERY = 19
"""One fault per this number of results."""
SLOWLY = 0.6
"""Seconds that the mail server takes for a mail."""


@dataclass
class Camera:
    """One page per look, all logged in; in the first one things are done."""

    pages: dict[str, Page]
    folder: Path

    @property
    def page(self) -> Page:
        return next(iter(self.pages.values()))

    def take(self, name: str, *looks: str, settles: int = 700) -> None:
        """A picture of the page as it is, in the first look; in the others of the same address, after that
        many milliseconds."""
        for look in looks or tuple(self.pages):
            page = self.pages[look]
            if page is not self.page:
                page.goto(self.page.url)
                page.wait_for_timeout(settles)
            page.screenshot(path=self.folder / f"{name}-{look}.png")


def main(folder: Path = FOLDER) -> None:
    """Takes all of them again."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with company() as (address, runtime, server), sync_playwright() as playwright:
        browser = playwright.chromium.launch(**chromium.launch_options())
        login = loading.login(runtime.settings.home)
        assert login is not None
        pages = {look: logged_in(browser, address, login, *size) for look, size in LOOKS.items()}
        camera = Camera(pages, folder)
        before_a_run(camera)
        a_run(camera, runtime, server)
        its_results(camera)
        the_lists(camera)
        what_mails_say(camera)
    shutil.copy(folder / "run-1280-light.png", folder / "run.png")


@contextmanager
def company() -> Iterator[tuple[str, Runtime, MailServer]]:
    """The demo company as `mailrun up` has it: where its pages are, its database, and its mail server."""
    with tempfile.TemporaryDirectory(prefix="mailrun-shots-") as place, mail_server() as server:
        home = Path(place) / "home"
        environ = {"MAILRUN_CATCHER_PORT": str(server.port), "MAILRUN_TIME_SCALE": "30"}
        with launched(home, up("--no-catcher"), environ) as started:
            started.wait_for(STARTED, 120)
            runtime = open_runtime(config.load({"MAILRUN_HOME": str(home)}))
            yield started.address, runtime, server
            runtime.database.dispose()


def logged_in(
    browser: Browser, address: str, login: tuple[str, str], width: int, height: int, scheme: str
) -> Page:
    """A page of the demo's user, who may do everything."""
    context = browser.new_context(
        base_url=address,
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    page = context.new_page()
    page.goto("/login")
    page.get_by_label("Email").fill(login[0])
    page.get_by_label("Password").fill(login[1])
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(lambda url: "/login" not in url)
    return page


def before_a_run(camera: Camera) -> None:
    """The empty list, the dialog, its question."""
    page = camera.page
    page.goto("/runs")
    camera.take("runs-empty", *LIGHT)
    page.get_by_role("link", name="New run").first.click()
    page.get_by_label("Customer cluster").fill("Noordlicht Telecom")
    expect(page.get_by_text("invoices match")).to_be_visible()
    page.wait_for_timeout(1_500)
    camera.take("new-run")
    page.get_by_role("button", name="Create and start").click()
    expect(page.locator("dialog.ask[open]")).to_be_visible()
    page.screenshot(path=camera.folder / "new-run-confirm-1280-light.png")
    page.get_by_role("button", name="Back").click()
    page.get_by_role("button", name="Create", exact=True).click()
    page.wait_for_url(made)
    page.screenshot(path=camera.folder / "run-creating-1280-light.png")


def made(url: str) -> bool:
    """Whether this is the address of a run."""
    return url.rsplit("/", 1)[-1].isdecimal()


def a_run(camera: Camera, runtime: Runtime, server: MailServer) -> None:
    """Created, running, waiting for its mail server, stopped, finished."""
    page = camera.page
    state_is(page, "Created")
    camera.take("run-created", *LIGHT)
    with runtime.database.reading() as session:
        results = export.results(session, OPERATOR, session.get_one(Run, 1), status="ready")
        first = [result["recipients"][0] for result in results][::EVERY]
    server.orders.update({address: FAULTS[i % len(FAULTS)] for i, address in enumerate(first)})
    server.delay = SLOWLY
    start(page)
    page.wait_for_timeout(8_000)
    camera.take("run")
    server.stop()
    expect(page.get_by_text("Waiting for mail server")).to_be_visible(timeout=60_000)
    camera.take("run-waiting", *LIGHT)
    server.start(server.port)
    expect(page.get_by_text("Waiting for mail server")).to_be_hidden(timeout=90_000)
    page.get_by_role("button", name="Stop").click()
    state_is(page, "Stopped")
    camera.take("run-stopped", *LIGHT)
    server.delay = 0.0
    start(page)
    state_is(page, "Finished")
    camera.take("run-finished", *LIGHT)


def start(page: Page) -> None:
    """Presses Start, and once more if it is asked about."""
    page.get_by_role("button", name="Start").click()
    asked = page.locator("dialog.ask[open]").get_by_role("button", name="Start")
    expect(asked.or_(page.get_by_role("button", name="Stop"))).to_be_visible()
    if asked.is_visible():
        asked.click()
    expect(page.locator("#state")).to_have_text(re.compile("Running|Finished"))


def state_is(page: Page, word: str) -> None:
    expect(page.locator("#state")).to_have_text(word, timeout=120_000)


def its_results(camera: Camera) -> None:
    """The drawer with what may have been sent, its question, the result's own page."""
    page, run = camera.page, camera.page.url.partition("?")[0]
    page.goto(f"{run}?status=unconfirmed")
    page.locator("#list a.row-title").first.click()
    expect(page.locator("dialog.drawer")).to_be_visible()
    page.wait_for_timeout(800)
    page.screenshot(path=camera.folder / "result-drawer-1280-light.png")
    page.locator("dialog.drawer").get_by_role("button", name="Send again").click()
    expect(page.locator("dialog.ask[open]")).to_be_visible()
    page.screenshot(path=camera.folder / "run-again-1280-light.png")
    page.reload()
    camera.take("result")


def the_lists(camera: Camera) -> None:
    """Several runs, and the start page that sums them up."""
    page = camera.page
    for cluster, press in (
        ("DACH", "Create"),
        ("Public Sector", "Create and start"),
        ("Wholesale", "Create"),
    ):
        page.goto(f"/runs/new?cluster={cluster}&include_children=y&resend=y")
        expect(page.locator("#preview-said")).to_contain_text("match")
        page.get_by_role("button", name=press, exact=True).click()
        page.wait_for_url(made)
        page.wait_for_timeout(2_500)
    page.goto("/runs")
    camera.take("runs")
    page.goto("/")
    camera.take("overview", *LIGHT)


def what_mails_say(camera: Camera) -> None:
    """A definition and a template, each with its mail beside it."""
    page = camera.page
    for name, link in (("definition", "Monthly invoice"), ("template", "Invoice")):
        page.goto(f"/{name}s")
        page.get_by_role("link", name=link, exact=True).first.click()
        expect(page.get_by_text("no errors.")).to_be_visible()
        page.wait_for_timeout(1_500)
        camera.take(name, settles=2_500)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
