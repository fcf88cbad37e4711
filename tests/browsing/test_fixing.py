"""The list "To fix" in a browser: by keys alone, wide and narrow, light and dark, and without JavaScript."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browsing.conftest import NewContext
from tests.browsing.test_customers import accessible
from tests.browsing.watching import Watch
from tests.world import World


@pytest.fixture
def run_id(world: World) -> int:
    """A created run: two customers without an address, one without a document, and one that can be sent."""
    world.add("")
    world.add("")
    world.add("c@x.test", documents=False)
    world.add("d@x.test")
    return world.run()


def test_item5_an_address_is_typed_and_saved_by_keys(
    page: Page, world: World, run_id: int, watch: Watch
) -> None:
    watch.expect("status of 422")
    page.goto(f"/fix?run={run_id}")
    part = page.get_by_role("region", name="No address for a key")
    expect(page.get_by_role("navigation", name="Main").get_by_role("link", name="To fix")).to_be_visible()
    accessible(page, "to fix")
    page.locator("body").press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.keyboard.type("half@")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("half@")
    field = part.get_by_label(re.compile("Address for “billing”")).nth(1)
    expect(field).to_have_value("half@")
    field.fill("second@x.test")
    expect(part.get_by_role("button", name="Save 1", exact=True)).to_be_visible()
    page.keyboard.press("Enter")
    expect(part.get_by_text("Saved. 1 result is ready")).to_be_visible()
    assert world.statuses(run_id) == ["skipped", "ready", "skipped", "ready"]
    accessible(page, "to fix, saved")
    page.get_by_role("heading", name="To fix").click()
    page.evaluate("document.activeElement.blur()")
    page.locator("body").press("u")
    expect(page.get_by_text("Undone. 1 mail is held back again.")).to_be_visible()
    assert world.statuses(run_id) == ["skipped", "skipped", "skipped", "ready"]


def test_item5_the_list_works_without_javascript(
    marit: NewContext, world: World, run_id: int, watch: Watch
) -> None:
    page = marit(java_script_enabled=False, viewport={"width": 390, "height": 900}).new_page()
    world.start(run_id)
    page.goto(f"/fix?run={run_id}")
    part = page.get_by_role("region", name="No address for a key")
    field = part.get_by_label(re.compile("Address for “billing”")).first
    field.fill("first@x.test")
    field.press("Enter")
    page.get_by_role("button", name="Save 1 and send 1 mail").click()
    expect(part.get_by_text("Saved. 1 mail goes out.")).to_be_visible()
    page.reload()
    expect(part.get_by_text("Saved.")).to_have_count(0)
