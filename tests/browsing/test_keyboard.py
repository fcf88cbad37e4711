"""The whole job without a mouse: Tab, Enter, Space, Escape and the single keys. The focus is never lost, and
titles follow."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests import factories
from tests.browsing.conftest import NewContext, log_in
from tests.browsing.installation import Installation, addresses, customers
from tests.browsing.reader import Data
from tests.browsing.seen import bulk, counted, invoices, results, row, state
from tests.http_client import PASSWORD
from tests.mailserver import MailServer
from tests.world import World


def tab_to(page: Page, goal: Locator, key: str = "Tab") -> None:
    """Presses Tab until the focus is there."""
    expect(goal).to_be_enabled()
    for _ in range(150):
        if goal.evaluate("goal => goal === document.activeElement"):
            return
        page.keyboard.press(key)
    raise AssertionError(f"Tab does not lead to {goal}")


def activate(page: Page, goal: Locator, key: str = "Tab") -> None:
    tab_to(page, goal, key)
    page.keyboard.press("Enter")


def has_focus(page: Page) -> bool:
    """Whether the focus is somewhere, not lost to the body."""
    return bool(page.evaluate("![document.body, null].includes(document.activeElement)"))


def button(page: Page | Locator, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def type_into(page: Page, label: str, text: str) -> None:
    tab_to(page, page.get_by_label(label, exact=True))
    page.keyboard.press("Control+A")
    page.keyboard.type(text)


def test_a_run_is_made_and_sent(
    new_context: NewContext, installed: Installation, world: World, server: MailServer
) -> None:
    customers(world, *addresses(3))
    page = new_context().new_page()
    page.goto("/login?next=/runs")
    expect(page.get_by_label("Email")).to_be_focused()
    page.keyboard.type(installed.person())
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page).to_have_title("Runs · Mailrun")
    page.wait_for_load_state()  # keys are heard once the scripts have run

    page.keyboard.press("n")
    dialog = page.get_by_role("dialog", name="New run")
    expect(dialog).to_be_visible()
    expect(page).to_have_title("New run · Mailrun")
    expect(dialog.get_by_label("Message definition")).to_be_focused()
    page.keyboard.type(world.definition.name)
    type_into(page, "Name of this run", "By keyboard")
    type_into(page, "Customer cluster", world.everybody.tag_name)
    tab_to(page, page.get_by_label("Period from"))
    page.keyboard.type("10012026")
    tab_to(page, page.get_by_label("Period to"))
    page.keyboard.type("10312026")
    expect(dialog.get_by_text("3 invoices match")).to_be_visible()
    activate(page, button(dialog, "Create"))
    expect(page).to_have_title(Data("By keyboard · Mailrun"))
    activate(page, button(page, "Start"))
    state(page, "Finished")
    assert has_focus(page)
    assert len(server.taken) == 3


def test_escape_closes_the_dialog_and_gives_focus_address_and_title_back(page: Page) -> None:
    page.goto("/runs")
    opener = page.get_by_role("link", name="New run")
    activate(page, opener)
    expect(page.get_by_role("dialog", name="New run")).to_be_visible()
    expect(page).to_have_url(re.compile("/runs/new$"))
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="New run")).to_have_count(0)
    expect(page).to_have_url(re.compile("/runs$"))
    expect(page).to_have_title("Runs · Mailrun")
    expect(opener).to_be_focused()


@pytest.fixture
def made(page: Page, world: World) -> list[str]:
    """The page of a run of six, and the invoices in the order of its rows."""
    customers(world, *addresses(6))
    page.goto(f"/runs/{world.run()}")
    return invoices(page)


def test_rows_are_walked_ticked_and_removed(page: Page, made: list[str]) -> None:
    page.keyboard.press("j")
    expect(row(page, made[0]).get_by_role("link")).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.get_by_role("checkbox", name=f"Select {made[1]}")).to_be_checked()
    for _ in range(3):
        page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("Shift+X")
    expect(bulk(page)).to_contain_text("3 selected")
    for invoice in made[1:4]:
        expect(page.get_by_role("checkbox", name=f"Select {invoice}")).to_be_checked()
    activate(page, button(bulk(page), "Remove 3"))
    counted(page, Ready=3, Removed=3)
    expect(page.get_by_text("3 results removed.")).to_be_visible()
    assert has_focus(page)
    page.keyboard.press("u")
    counted(page, Ready=6, Removed=0)
    assert has_focus(page)


def test_the_row_s_own_buttons_keep_the_focus_on_the_page(page: Page, made: list[str]) -> None:
    activate(page, button(row(page, made[2]), "Remove"))
    counted(page, Ready=5, Removed=1)
    assert has_focus(page)


def test_slash_searches_and_question_mark_tells_the_keys(page: Page, made: list[str]) -> None:
    page.keyboard.press("/")
    search = page.get_by_role("searchbox", name="Search results")
    expect(search).to_be_focused()
    page.keyboard.type(made[3])
    expect(results(page).get_by_role("checkbox")).to_have_count(2)
    expect(search).to_be_focused()
    expect(search).to_have_value(made[3])  # j, k, x and / are letters while typing
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_have_count(0)
    expect(page.get_by_text("No result matches")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Keys")).to_be_hidden()
    assert has_focus(page)


def test_single_keys_can_be_turned_off(
    page: Page, made: list[str], new_context: NewContext, installed: Installation
) -> None:
    """By a person of this test's own: it holds for all of their browsers."""
    address = page.url
    page = new_context().new_page()
    log_in(page, installed.person())
    page.goto("/account")
    page.get_by_role("checkbox", name="Keyboard shortcuts").uncheck()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    page.goto(address)
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox", name="Search results")).not_to_be_focused()


def test_paging_leads_to_the_top_of_the_next_page(page: Page, world: World) -> None:
    customers(world, *addresses(52))
    page.goto(f"/runs/{world.run()}")
    activate(page, page.get_by_role("link", name="Next"), "Shift+Tab")
    expect(results(page).get_by_role("checkbox")).to_have_count(3)
    expect(results(page)).to_be_focused()


def test_everything_that_matches_is_selected(page: Page, world: World) -> None:
    customers(world, *addresses(52))
    page.goto(f"/runs/{world.run()}")
    page.keyboard.press("j")
    page.keyboard.press("x")
    activate(page, button(bulk(page), "Clear"), "Shift+Tab")
    expect(bulk(page)).to_be_hidden()
    expect(results(page)).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("x")
    activate(page, page.get_by_role("link", name="Select all 52 matching"), "Shift+Tab")
    expect(bulk(page)).to_contain_text("All 52 matching selected")
    assert has_focus(page)
    activate(page, button(bulk(page), "Remove 52"), "Shift+Tab")
    question = page.get_by_role("dialog", name="Remove 52 results from this run?")
    expect(button(question, "Cancel")).to_be_focused()
    page.keyboard.press("Enter")
    expect(question).to_have_count(0)
    expect(button(bulk(page), "Remove 52")).to_be_focused()
    page.keyboard.press("Enter")
    activate(page, button(question, "Remove 52"))
    counted(page, All=0, Removed=52)
    assert has_focus(page)


def test_enter_opens_a_result_and_escape_leads_back_to_its_row(page: Page, made: list[str]) -> None:
    address, title = page.url, page.title()
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    drawer = page.get_by_role("dialog")
    expect(drawer).to_contain_text(made[1])
    expect(page).to_have_url(re.compile(r"/results/\d+"))
    page.keyboard.press("j")
    expect(drawer).to_contain_text(made[2])
    page.keyboard.press("k")
    expect(drawer).to_contain_text(made[1])
    page.keyboard.press("Escape")
    expect(drawer).to_have_count(0)
    expect(page).to_have_url(address)
    expect(page).to_have_title(Data(title))
    expect(row(page, made[1]).get_by_role("link")).to_be_focused()


def test_the_tree_of_clusters_and_the_bcc_addresses(page: Page, world: World) -> None:
    with world.runtime.database.writing() as session:
        below = factories.cluster(session, f"below {world.everybody.tag_name}", world.everybody)
        payer = factories.customer(session, below)
        factories.document(session, world.runtime.documents, factories.invoice(session, payer))
    page.goto(
        f"/runs/new?definition={world.definition.id}&cluster={world.everybody.tag_name}"
        "&period_from=2026-10-01&period_to=2026-10-31"
    )
    cluster = page.get_by_label("Customer cluster", exact=True)
    tree = page.get_by_role("group", name="Clusters, with the number of invoices in this period")
    tab_to(page, tree.get_by_role("radio", name=re.compile(f"^{world.everybody.tag_name} ?[0-9]")))
    twig = tree.get_by_role("radio", name=re.compile(f"^{below.tag_name}"))
    if not twig.count():
        page.keyboard.press("ArrowRight")
    expect(twig).to_be_visible()
    page.keyboard.press("ArrowDown")
    expect(twig).to_be_focused()
    page.keyboard.press("Space")
    expect(cluster).to_have_value(below.tag_name)
    expect(page.get_by_text("1 invoice matches")).to_be_visible()
    tab_to(page, page.get_by_label("Bcc"))
    page.keyboard.type("one@example.com, two@example.com")
    page.keyboard.press("Enter")
    expect(page.get_by_text("sends 1 mail and 2 Bcc copies")).to_be_visible()
    page.keyboard.press("Backspace")
    expect(page.get_by_text("sends 1 mail and 1 Bcc copy")).to_be_visible()
    expect(page.get_by_role("button", name="Take out two@example.com")).to_have_count(0)
    assert has_focus(page)
    expect(page.get_by_role("heading", name="New run")).to_be_visible()
