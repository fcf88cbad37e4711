"""A run that waits for a second person, in two browsers; wide and narrow, light and dark."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect
from sqlalchemy import update

from tests.browsing.axe import examine
from tests.browsing.conftest import NewContext, log_in
from tests.browsing.installation import Installation
from tests.browsing.reader import Data
from tests.world import World
from webapp.store.definitions import MessageDefinition
from webapp.store.users import User

REASON = Data("The price list is missing.")


def waiting(page: Page, world: World) -> int:
    """A run whose definition asks for approval, which Marit has started."""
    with world.runtime.database.writing() as session:
        own = MessageDefinition.id == world.definition.id
        session.execute(update(MessageDefinition).where(own).values(needs_approval=True))
    for _n in range(2):
        world.add()
    run_id = world.run()
    page.goto(f"/runs/{run_id}")
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_text("This run waits for an approval.")).to_be_visible()
    return run_id


def approver(new_context: NewContext, installed: Installation, **options: object) -> Page:
    """A viewer with the right to approve is logged in."""
    email = installed.person("viewer")
    with installed.runtime.database.writing() as session:
        session.execute(update(User).where(User.email == email).values(may_approve=True))
    page = new_context(**options).new_page()
    log_in(page, email)
    return page


def accessible(page: Page, what: str) -> None:
    wrong = examine(page, what)
    assert not wrong, "\n".join(wrong)


def test_another_person_approves(
    page: Page, new_context: NewContext, installed: Installation, world: World
) -> None:
    run_id = waiting(page, world)
    accessible(page, "a run that waits for an approval")
    page.get_by_role("link", name="Look at it").click()
    expect(page.get_by_role("heading", name="Decision")).to_be_visible()
    expect(page.get_by_role("button", name="Approve")).to_have_count(0)
    second = approver(new_context, installed)
    second.goto(f"/runs/{run_id}/approval")
    expect(second.get_by_role("heading", name="Your decision")).to_be_visible()
    accessible(second, "an approval")
    second.get_by_role("button", name="Approve", exact=True).click()
    second.wait_for_url(re.compile(rf"/runs/{run_id}$"))
    expect(second.locator("#state")).to_have_text("Finished")
    assert world.statuses(run_id) == ["sent", "sent"]


def test_without_script_it_is_rejected_with_a_reason(
    page: Page, new_context: NewContext, installed: Installation, world: World
) -> None:
    run_id = waiting(page, world)
    second = approver(new_context, installed, java_script_enabled=False)
    second.goto(f"/runs/{run_id}/approval")
    second.get_by_label("Reason").fill(REASON)
    second.get_by_role("button", name="Reject").click()
    second.wait_for_url(re.compile(rf"/runs/{run_id}$"))
    page.goto(f"/runs/{run_id}")
    expect(page.get_by_role("main").get_by_text(REASON).first).to_be_visible()
    expect(page.get_by_role("button", name="Start")).to_be_visible()


def test_the_limits_are_accessible(page: Page, world: World) -> None:
    page.goto("/settings/approval")
    expect(page.get_by_role("heading", level=1)).to_have_text("Approval")
    accessible(page, "the limits of approval")
