"""axe-core finds nothing, and nothing scrolls sideways: every page and open dialog, wide and narrow, light
and dark."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests import factories
from tests.browsing.axe import examine
from tests.browsing.conftest import NewContext, log_in
from tests.browsing.installation import Installation, addresses, customers
from tests.browsing.reader import Data
from tests.browsing.seen import bulk, counted, press, results, state
from tests.browsing.watching import Watch
from tests.mailserver import MailServer
from tests.world import World

LONG = "Samtgemeinde Heidmoor-Großenwerder, Amt für Liegenschaften, z. Hd. Frau Dr. Müller-Lüdenscheidt"


def accessible(page: Page, what: str) -> None:
    expect(page.get_by_role("heading").first).to_be_visible()
    wrong = examine(page, what)
    assert not wrong, "\n".join(wrong)


@pytest.fixture
def mixed(world: World) -> int:
    """A run with a result of almost every status; it goes on, since one address is greylisted for good."""
    orders = ("reject-550", "greylist-9999", "cut-ack", "fine", "data-554")
    for number, order in enumerate(orders):
        world.add(f"{order}.accounts-payable-{number}@a-rather-long-name-of-a-host.customers.test")
    world.add("", status="approved")
    world.add(status="open")
    with world.runtime.database.writing() as session:
        payer = factories.customer(session, world.everybody, name=LONG)
        factories.document(session, world.runtime.documents, factories.invoice(session, payer))
    return world.run(start=True, bcc=["archive@example.com"])


def settle(page: Page, run_id: int) -> None:
    page.goto(f"/runs/{run_id}")
    counted(page, Sent=2, Failed=2, Unconfirmed=1, Deferred=1, Skipped=2)


def test_the_page_of_a_run_that_is_running(page: Page, mixed: int) -> None:
    settle(page, mixed)
    results(page).get_by_role("checkbox").nth(2).check()
    page.get_by_label("More for this run").click()
    accessible(page, "running run, rows ticked, menu open")


def test_the_page_of_a_run_that_was_created(page: Page, world: World) -> None:
    customers(world, *addresses(52))
    page.goto(f"/runs/{world.run()}")
    accessible(page, "created run of two pages")


def test_the_page_of_a_run_that_is_stopped(page: Page, world: World, mixed: int) -> None:
    settle(page, mixed)
    press(page, "Stop")
    state(page, "Stopped")
    accessible(page, "stopped run")


def test_the_page_of_a_run_that_waits(page: Page, world: World, server: MailServer) -> None:
    world.add()
    server.stop()
    page.goto(f"/runs/{world.run(start=True)}")
    expect(page.get_by_role("main").get_by_text("connection refused")).to_be_visible()
    accessible(page, "waiting run")


def test_the_page_of_a_run_that_is_finished(page: Page, world: World, mixed: int) -> None:
    settle(page, mixed)
    press(page, "Remove", results(page).get_by_role("row").filter(has_text="retry at"))
    state(page, "Finished")
    accessible(page, "finished run")
    page.goto(f"/runs/{mixed}?status=removed")
    accessible(page, "removed results")
    page.goto(f"/runs/{mixed}?q=no+one+has+this")
    accessible(page, "no match")


def test_the_pages_of_results_and_the_drawer(page: Page, world: World, mixed: int) -> None:
    settle(page, mixed)
    found = {line.status: line.id for line in world.results(mixed)}
    for status in ("failed", "unconfirmed", "sent", "deferred", "skipped"):
        page.goto(f"/results/{found[status]}")
        accessible(page, f"result {status}")
    page.goto(f"/runs/{mixed}?status=unconfirmed")
    results(page).locator("tbody").get_by_role("row").get_by_role("link").first.click()
    drawer = page.get_by_role("dialog")
    expect(drawer).to_be_visible()
    accessible(page, "drawer")
    press(page, "Send again", drawer)
    expect(page.get_by_role("dialog", name="Send this mail again?")).to_be_visible()
    accessible(page, "question over the drawer")


def test_the_questions_of_a_run(page: Page, mixed: int) -> None:
    settle(page, mixed)
    page.get_by_role("checkbox", name="Select all on this page").check()
    bulk(page).get_by_role("button", name="Send again").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    accessible(page, "question of Send again")


PAGES = {
    "list": "/runs",
    "start page": "/",
    "account": "/account",
    "mailbox": "/dev/mailbox",
    "new run": "/runs/new",
    "list without a match": "/runs?q=no+one+has+this",
    "page that is not there": "/nowhere",
}


@pytest.mark.parametrize("what", PAGES)
def test_the_other_pages(page: Page, world: World, watch: Watch, what: str) -> None:
    world.add()
    world.run()
    watch.expect("status of 404")
    page.goto(PAGES[what])
    accessible(page, what)


def test_the_run_dialog_and_its_question(page: Page, world: World, watch: Watch) -> None:
    world.add()
    world.add("")
    with world.runtime.database.writing() as session:
        factories.cluster(session, f"below {world.everybody.tag_name}", world.everybody)
    page.goto("/runs")
    page.get_by_role("link", name="New run").click()
    dialog = page.get_by_role("dialog", name="New run")
    dialog.get_by_label("Message definition").select_option(world.definition.name)
    dialog.get_by_label("Period from").fill("2026-10-01")
    dialog.get_by_label("Period to").fill("2026-10-31")
    dialog.get_by_label("Customer cluster").fill(world.everybody.tag_name)
    expect(dialog.get_by_role("radio", name=Data(f"below {world.everybody.tag_name}"))).to_be_visible()
    dialog.get_by_label("Bcc").fill("archive@example.com, books@example.com,")
    expect(dialog.get_by_role("button", name="Take out books@example.com")).to_be_visible()
    expect(dialog.get_by_text("sends 1 mail and 2 Bcc copies")).to_be_visible()
    page.wait_for_timeout(600)  # the field that was left has the tree looked up once more
    accessible(page, "run dialog")
    world.add()
    press(page, "Create", dialog)
    question = page.get_by_role("dialog", name="The list has changed.")
    expect(question.get_by_role("button", name="Back")).to_be_focused()
    accessible(page, "question of the run dialog")
    press(page, "Back", question)
    watch.expect("status of 422")
    dialog.get_by_label("Period to").fill("2026-09-30")
    press(page, "Create", dialog)
    expect(dialog.get_by_text("The period ends before it begins.").first).to_be_visible()
    accessible(page, "run dialog, wrong")


def test_the_pages_behind_the_preview(page: Page, world: World) -> None:
    customer, _ = world.add()
    world.add("")
    choice = f"definition={world.definition.id}&cluster={world.everybody.tag_name}"
    choice += "&period_from=2026-10-01&period_to=2026-10-31"
    for url in (
        f"/runs/new?{choice}",
        f"/runs/preview/list?{choice}&show=ready",
        f"/runs/preview/list?{choice}&show=no_recipient",
        f"/runs/preview/mail?{choice}",
    ):
        page.goto(url)
        accessible(page, url.partition("?")[0])
    expect(page.get_by_role("heading", name=Data(customer.name))).to_be_visible()


def test_the_list_of_keys(page: Page) -> None:
    page.goto("/runs")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    accessible(page, "keys")


def test_the_login_right_and_wrong(new_context: NewContext, watch: Watch) -> None:
    watch.expect("status of 4")
    page = new_context().new_page()
    page.goto("/login")
    accessible(page, "login")
    page.get_by_label("Email").fill("stranger@example.com")
    page.get_by_label("Password").fill("not the password")
    press(page, "Log in")
    expect(page.get_by_role("alert")).to_be_visible()
    accessible(page, "refused login")


def test_the_empty_list(new_context: NewContext, installed: Installation, world: World) -> None:
    with installed.runtime.database.writing() as session:
        unknown = factories.cluster(session, f"below {world.everybody.tag_name}")
    page = new_context().new_page()
    log_in(page, installed.person("manager", unknown))
    for url in ("/runs", "/"):
        page.goto(url)
        accessible(page, f"empty {url}")
