"""Where things stand on the pages: what must not jump, cover or stand in the wrong place."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import FloatRect, Locator, Page, expect
from sqlalchemy import select

from tests.browsing.conftest import NewContext
from tests.browsing.installation import addresses, customers
from tests.browsing.reader import said
from tests.browsing.seen import bulk, press, state, tick
from tests.mailserver import MailServer
from tests.world import World
from webapp.store.definitions import TemplateText
from webapp.store.runs import Run
from webapp.workers import WorkerProcess

WIDTHS = (1280, 390)
AS_HIGH_AS_ITS_MAIL = """
wide => {
  const frame = document.querySelector("iframe.mail"), twin = document.querySelector("iframe.measure");
  const mail = twin.contentDocument.documentElement;
  const laidOut = innerWidth === wide && mail.clientWidth === twin.clientWidth;
  return laidOut && frame.height === String(mail.scrollHeight) && mail.scrollHeight;
}
"""
"""The height in pixels once the window is this wide, and its frames with it; else false."""


def box(element: Locator) -> FloatRect:
    """Where this element is, in pixels of the window."""
    found = element.bounding_box()
    assert found
    return found


def overlap(one: FloatRect, other: FloatRect) -> bool:
    across = one["x"] < other["x"] + other["width"] and other["x"] < one["x"] + one["width"]
    along = one["y"] < other["y"] + other["height"] and other["y"] < one["y"] + one["height"]
    return across and along


def middle(element: Locator) -> float:
    place = box(element)
    return place["y"] + place["height"] / 2


@pytest.mark.parametrize("width", WIDTHS)
def test_e13_start_and_stop_stand_in_one_place(
    marit: NewContext, world: World, server: MailServer, width: int
) -> None:
    server.delay = 0.4
    customers(world, *addresses(20))
    page = marit(viewport={"width": width, "height": 900}).new_page()
    run_id = world.run()
    with world.runtime.database.writing() as session:
        session.get_one(Run, run_id).name += " by the month"
    page.goto(f"/runs/{run_id}")
    places = []
    for name, after in (("Start", "Running"), ("Stop", "Stopped"), ("Start", "Running")):
        places.append(place_in_page(page, name))
        press(page, name)
        state(page, after)
    assert places[0] == places[1] == places[2]


def place_in_page(page: Page, button: str) -> tuple[float, float, float]:
    """Where the button is, below what the page's frame says: the trouble of another test's mail server may
    come and go there."""
    found, main = box(page.get_by_role("button", name=button, exact=True)), box(page.get_by_role("main"))
    return found["x"], round(found["y"] - main["y"], 2), found["width"]


def test_the_top_bar_fits_at_every_width(page: Page) -> None:
    page.goto("/runs")
    for width in (360, 390, 961, 1024, 1101, 1181, 1280, 1401):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        bar = page.get_by_role("banner")
        assert box(bar)["height"] < 90, width
        assert not page.evaluate(
            "[...document.querySelectorAll('.topbar .end > *')].filter(one => one.scrollHeight > 40).length"
        ), f"what is at the right end has one line at {width}"


@pytest.mark.parametrize("width", WIDTHS)
def test_e13_a_toast_covers_neither_rows_nor_the_bulk_bar(
    marit: NewContext, world: World, width: int
) -> None:
    first, second, *_ = customers(world, *addresses(12))
    page = marit(viewport={"width": width, "height": 900}).new_page()
    page.goto(f"/runs/{world.run()}")
    tick(page, first)
    bulk(page).get_by_role("button", name="Remove").click()
    toast = page.locator(".toast")
    expect(toast).to_be_visible()
    removed = page.get_by_role("checkbox", name=f"Select {first}", exact=True)
    expect(removed).to_have_count(0)  # the list has been read again: that scrolls to what has the focus
    tick(page, second)
    assert not overlap(box(toast), box(bulk(page)))
    page.evaluate("scrollTo(0, 0)")
    assert overlap(box(toast), box(page.get_by_role("banner")))
    for row in page.get_by_role("table").get_by_role("row").all():
        assert not overlap(box(toast), box(row))


def test_e13_the_reasons_of_skipped_stand_below_it_on_a_phone(marit: NewContext, world: World) -> None:
    customers(world, "", *addresses(2))
    page = marit(viewport={"width": 390, "height": 844}).new_page()
    page.goto(f"/runs/{world.run()}")
    skipped, removed, reason = (
        box(page.locator(f"#tab-{name}")) for name in ("skipped", "removed", "no_recipient")
    )
    assert skipped["y"] + skipped["height"] <= reason["y"]
    assert reason["y"] + reason["height"] <= removed["y"]


def test_e13_chips_are_in_line_with_what_they_stand_beside(marit: NewContext, world: World) -> None:
    world.add()
    page = marit().new_page()
    page.goto("/runs/new")
    chip = page.get_by_role("group", name="Common periods").get_by_role("button").first
    assert middle(chip) == pytest.approx(middle(page.get_by_label("Period to")), abs=1)


def test_e13_a_printed_run_has_its_facts_and_no_buttons(marit: NewContext, world: World) -> None:
    customers(world, *addresses(51))
    page = marit().new_page()
    page.goto(f"/runs/{world.run()}")
    page.emulate_media(media="print")
    expect(page.get_by_text("Rows 1 to 50 of 51. The report (CSV) has all of them.")).to_be_visible()
    for role in ("button", "checkbox", "searchbox", "navigation"):
        assert not [each for each in page.get_by_role(role).all() if _is_a_control(each)], role
    created = page.locator(".facts time").last
    shown = created.evaluate(
        "time => [getComputedStyle(time).fontSize, getComputedStyle(time, '::after').content]"
    )
    assert shown == ["0px", f'"{created.get_attribute("title")}"']
    assert re.search(r"\b20\d\d\b", str(created.get_attribute("title")))
    _columns_have_their_heads(page)


def _is_a_control(element: Locator) -> bool:
    """Whether it would be printed; the counts by status are links, and facts."""
    return element.is_visible() and element.get_attribute("aria-label") != said("Filter by status")


def _columns_have_their_heads(page: Page) -> None:
    table = page.get_by_role("table", name="Message results")
    head = table.get_by_role("columnheader", name="Invoice")
    cell = table.locator("tbody [data-column=invoice]").first
    assert box(head)["x"] == pytest.approx(box(cell)["x"], abs=1)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_toast_covers_no_head_of_a_scrolled_table(marit: NewContext, world: World, width: int) -> None:
    first, *_ = customers(world, *addresses(12))
    page = marit(viewport={"width": width, "height": 400}).new_page()
    page.goto(f"/runs/{world.run()}")
    tick(page, first)
    bulk(page).get_by_role("button", name="Remove").click()
    toast = page.locator(".toast")
    expect(toast).to_be_visible()
    heads = page.get_by_role("table", name="Message results").get_by_role("columnheader")
    last = page.get_by_role("table", name="Message results").get_by_role("row").last
    last.scroll_into_view_if_needed()
    assert page.evaluate("scrollY") > 100
    for head in heads.all():
        if head.is_visible():
            assert not overlap(box(toast), box(head))
    toast.get_by_role("button", name="Close this message").click()
    expect(toast).to_have_count(0)
    assert page.evaluate("document.documentElement.style.getPropertyValue('--below-toast')") == "0px"


@pytest.mark.parametrize("width", WIDTHS)
def test_a_frame_is_as_high_as_its_mail(
    marit: NewContext, world: World, worker: WorkerProcess, width: int
) -> None:
    with world.runtime.database.writing() as session:
        of = world.definition.template_id
        text = session.scalars(select(TemplateText).where(TemplateText.template_id == of)).one()
        before = text.source
        text.source = "<p>One paragraph of a long mail, which has many lines.</p>" * 120
    world.add("long@x.test")
    run_id = world.deliver(worker)
    with world.runtime.database.writing() as session:
        session.merge(text).source = before
    page = marit(viewport={"width": width, "height": 900}).new_page()
    page.goto(f"/results/{world.results(run_id)[-1].id}")
    frame, twin = page.locator("iframe.mail"), page.locator("iframe.measure")
    expect(frame).to_have_attribute("sandbox", "")
    expect(twin).to_have_attribute("sandbox", "allow-same-origin")
    heights = []
    for wide in (width, 320):
        page.set_viewport_size({"width": wide, "height": 900})
        heights.append(page.wait_for_function(AS_HIGH_AS_ITS_MAIL, arg=wide).json_value())
    assert heights[-1] >= heights[0] > 3_000
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing scrolls sideways"
