"""Stop and go on, in the middle of a run."""

from __future__ import annotations

import time

from playwright.sync_api import Page, expect

from tests.browsing.installation import addresses, customers
from tests.browsing.seen import counted, press, state
from tests.launch.launched import until
from tests.mailserver import MailServer
from tests.world import World


def test_nothing_goes_out_while_a_run_is_stopped_and_all_of_it_afterwards(
    page: Page, world: World, server: MailServer
) -> None:
    server.delay = 0.25
    customers(world, *addresses(20))
    run_id = world.run()
    page.goto(f"/runs/{run_id}")
    expect(page.get_by_text("sends 20 mails, the first within seconds")).to_be_visible()
    press(page, "Start")
    until(lambda: server.taken, 30, "the first mail is taken")
    press(page, "Stop")
    state(page, "Stopped")
    expect(page.get_by_role("button", name="Stop", exact=True)).to_have_count(0)
    time.sleep(2 * server.delay)  # what was on the wire has ended
    taken = len(server.taken)
    assert 0 < taken < 20
    time.sleep(1.5)
    assert len(server.taken) == taken
    server.delay = 0.0
    press(page, "Start")
    state(page, "Finished")
    counted(page, Sent=20, Ready=0)
    assert len(server.taken) == 20
    assert len({taken.recipients for taken in server.taken}) == 20


def test_a_start_that_is_thought_better_of_can_be_pressed_again(page: Page, world: World) -> None:
    customers(world, *addresses(101))  # more than are started unasked
    page.goto(f"/runs/{world.run()}")
    press(page, "Start")
    question = page.get_by_role("dialog")
    press(page, "Cancel", question)
    start = page.get_by_role("button", name="Start", exact=True)
    expect(start).to_have_text("Start")
    expect(start).to_be_enabled()
    press(page, "Start")
    press(page, "Start", question)
    state(page, "Finished")
