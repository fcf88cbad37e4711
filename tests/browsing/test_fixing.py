"""The list "To fix" in a browser: by keys alone, wide and narrow, light and dark, and without JavaScript."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browsing.conftest import NewContext
from tests.browsing.test_customers import accessible
from tests.browsing.watching import Watch
from tests.world import World
from webapp.workers import WorkerProcess


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


def test_the_list_is_searched_and_walked_by_keys(page: Page, world: World, run_id: int) -> None:
    page.goto(f"/fix?run={run_id}")
    part = page.get_by_role("region", name="No address for a key")
    rows = page.locator("[data-row]")
    expect(rows).to_have_count(3)
    fields = part.get_by_label(re.compile("Address for “billing”"))
    page.locator("body").press("j")
    expect(rows.nth(0)).to_be_focused()
    page.keyboard.press("j")
    expect(rows.nth(1)).to_be_focused()
    page.keyboard.press("k")
    expect(rows.nth(0)).to_be_focused()
    page.keyboard.press("Enter")
    expect(fields.nth(0)).to_be_focused()
    page.keyboard.type("s@x.test")
    expect(fields.nth(0)).to_have_value("s@x.test")  # typed, not skipped
    expect(part.get_by_role("button", name="Save 1", exact=True)).to_be_visible()
    rows.nth(0).focus()
    page.keyboard.press("s")
    expect(fields.nth(0)).to_have_value("")
    expect(rows.nth(1)).to_be_focused()
    expect(part.get_by_role("button", name="Save all that are filled in")).to_be_visible()
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox", name="Search what is open")).to_be_focused()
    page.keyboard.type("no such customer")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Nothing to fix")).to_be_visible()
    accessible(page, "to fix, searched")
    assert world.statuses(run_id) == ["skipped", "skipped", "skipped", "ready"]


def test_rows_without_a_field_are_selected_by_x_and_sent_by_enter(
    page: Page, world: World, worker: WorkerProcess
) -> None:
    world.add("reject-554@x.test")
    world.add("reject-554@y.test")
    run_id = world.deliver(worker)
    assert world.statuses(run_id) == ["failed", "failed"]
    page.goto(f"/fix?run={run_id}")
    page.wait_for_load_state()  # keys are heard once the scripts have run
    rows, boxes = page.locator("[data-row]"), page.get_by_role("checkbox", name=re.compile("^Select"))
    expect(boxes).to_have_count(2)
    page.locator("body").press("j")
    expect(rows.nth(0)).to_be_focused()
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("x")
    for n in range(2):
        expect(boxes.nth(n)).to_be_checked()
    page.keyboard.press("x")
    expect(boxes.nth(1)).not_to_be_checked()
    boxes.nth(0).focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Send 1 mail").click()
    expect(page.get_by_text("1 mail goes out.")).to_be_visible()
    numbers = sorted(result.message_number for result in world.results(run_id))
    assert numbers == [1, 2], "what is selected goes out again, and nothing else"
