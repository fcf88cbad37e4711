"""What differs from what was usual, in a browser: under the preview once that is shown, as a page, and its
lists; wide and narrow, light and dark."""

from __future__ import annotations

import re
from urllib.parse import urlencode

from playwright.sync_api import Page, expect

from tests import factories
from tests.browsing.axe import examine
from tests.browsing.conftest import NewContext
from tests.http_client import fields
from tests.oddities.usual import SEPTEMBER, bill, mailed, months
from tests.world import World

COMPARED = re.compile("Compared with September 2026", re.IGNORECASE)
"""Dutch writes months in small letters."""


def odd(world: World) -> dict[str, object]:
    """A month that was mailed, one that is odd, and the dialog filled in for it."""
    (stays, _), _ = (world.add(f"{name}@known.test", period=SEPTEMBER) for name in ("a", "b"))
    mailed(world)
    months(world, stays, "10.00", "10.00", "10.00")
    bill(world, stays, "98765.43")
    for _ in range(5):
        world.add("accounts-payable@a-rather-long-name-of-a-host.customers.test")
    with world.runtime.database.writing() as session:
        payer = factories.customer(session, world.everybody, "shared@x.test")
    bill(world, payer, "1234.00", currency="CHF")
    return fields(world, cluster=world.everybody.tag_name)


def accessible(page: Page, what: str) -> None:
    wrong = examine(page, what)
    assert not wrong, "\n".join(wrong)


def test_the_section_comes_by_itself_and_is_accessible(page: Page, world: World) -> None:
    given = odd(world)
    page.goto(f"/runs/new?{urlencode(given)}")
    section = page.locator("#preview .compare")
    expect(section.get_by_role("heading")).to_have_text(COMPARED)
    expect(section).to_contain_text("1 amount is more than 5 times the customer’s usual")
    accessible(page, "oddities under the preview")
    section.get_by_role("link", name="1 address").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("One address for many customers")
    accessible(page, "a list of oddities")
    page.goto(f"/runs/preview/oddities?{urlencode(given)}")
    accessible(page, "oddities as a page")


def test_a_change_in_the_form_compares_again(page: Page, world: World) -> None:
    given = odd(world)
    page.goto(f"/runs/new?{urlencode(given)}")
    section = page.locator("#preview .compare")
    expect(section).to_contain_text(COMPARED)
    page.get_by_label("Period to").fill("2026-10-30")
    expect(section).to_have_count(0)  # nothing is sent
    page.get_by_label("Period to").fill("2026-10-31")
    expect(section).to_contain_text(COMPARED)
    with page.expect_response(lambda answer: "/runs/preview?" in answer.url):
        page.get_by_label("Name of this run").fill("October")  # the numbers stay the same
    expect(section).to_contain_text(COMPARED)
    with page.expect_response(lambda answer: "/runs/preview?" in answer.url):
        page.get_by_label("Send again those already sent").check()
    expect(section).to_contain_text(COMPARED)
    page.get_by_label("Period to").fill("2026-11-30")
    expect(section).to_contain_text(COMPARED)


def test_without_script_it_is_a_link(marit: NewContext, world: World) -> None:
    page = marit(java_script_enabled=False).new_page()
    page.goto(f"/runs/new?{urlencode(odd(world))}")
    page.get_by_role("link", name="Compare with the last run").click()
    expect(page.get_by_role("heading", level=2)).to_have_text(COMPARED)
