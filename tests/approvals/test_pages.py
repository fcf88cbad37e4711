"""The pages around an approval, as people press them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import select, update

from tests.approvals.conftest import APPROVER, MANAGER, PASSWORD, FourEyes
from tests.approvals.test_ways_around import give_addresses
from tests.fixing.conftest import fields as fix_fields
from tests.fixing.conftest import hidden as asked_fields
from tests.http_client import Browser, LogIn, text_of
from tests.world import World
from webapp.results.to_fix import OpenCause
from webapp.store.installation import Installation
from webapp.store.users import AuditEntry, User

BigRun = Callable[[], int]


def hidden(text: str) -> dict[str, str]:
    """The hidden fields of the page's first form that has a fingerprint of what was seen."""
    form = text.partition('name="seen"')[2]
    return {"seen": form.partition('value="')[2].partition('"')[0]}


@pytest.fixture
def approver(pages: Flask, four_eyes: FourEyes) -> Browser:
    browser = Browser(pages.test_client())
    assert browser.log_in(APPROVER.name, PASSWORD).status_code == 303
    return browser


@pytest.fixture
def manager(pages: Flask, four_eyes: FourEyes) -> Browser:
    browser = Browser(pages.test_client())
    assert browser.log_in(MANAGER.name, PASSWORD).status_code == 303
    return browser


def test_a_viewer_with_the_right_approves_what_another_started(
    manager: Browser, approver: Browser, big_run: BigRun, world: World
) -> None:
    run_id = big_run()
    assert "asks for an approval: 3 mails, above the limit of 1" in text_of(manager.look(f"/runs/{run_id}"))
    manager.press(f"/runs/{run_id}/sending")
    assert "Waiting for approval" in text_of(manager.look("/runs"))
    assert "This run waits for your approval." in text_of(approver.look("/"))
    page = approver.look(f"/runs/{run_id}/approval")
    said = text_of(page)
    assert "3 mails go out" in said
    assert "nothing has changed since" in said
    assert "No run to compare with." in said
    assert "€ 363.00" in said.replace("\u00a0", " ")
    assert said.count("INV-") == 3  # the largest, and two by chance
    approver.press(f"/runs/{run_id}/approval", **{**hidden(page.text), "decision": "approve"})
    assert world.status(run_id) == "running"
    assert "marit@example.com approved this run." in text_of(approver.look(f"/runs/{run_id}/approval"))


def test_the_one_who_started_it_reads_why_it_is_not_theirs_to_approve(
    manager: Browser, four_eyes: FourEyes, big_run: BigRun, world: World
) -> None:
    run_id = big_run()
    manager.look(f"/runs/{run_id}")
    manager.press(f"/runs/{run_id}/sending")
    said = text_of(manager.look(f"/runs/{run_id}/approval"))
    assert "You do not have the right to approve runs." in said
    with world.runtime.database.writing() as session:
        session.execute(update(User).where(User.email == MANAGER.name).values(may_approve=True))
    said = text_of(manager.look(f"/runs/{run_id}/approval"))
    assert "You asked for this approval, so another person has to give it." in said
    digest = four_eyes.asked(run_id).digest
    manager.look(f"/runs/{run_id}")
    refused_page = manager.press(f"/runs/{run_id}/approval", decision="approve", seen=digest)
    assert refused_page.status_code == 303
    assert world.status(run_id) == "created"
    with world.runtime.database.reading() as session:
        refused = session.scalars(select(AuditEntry).where(AuditEntry.action == "refused")).one()
    assert (refused.actor, refused.subject, refused.detail) == (MANAGER.name, f"run {run_id}", "approval")


def test_a_rejection_is_read_on_the_run(manager: Browser, approver: Browser, big_run: BigRun) -> None:
    run_id = big_run()
    manager.look(f"/runs/{run_id}")
    manager.press(f"/runs/{run_id}/sending")
    approver.look(f"/runs/{run_id}/approval")
    approver.press(f"/runs/{run_id}/approval", decision="reject", reason="The price list is missing.")
    said = text_of(manager.look(f"/runs/{run_id}"))
    assert "marit@example.com rejected this run." in said
    assert "The price list is missing." in said


def test_a_changed_list_offers_no_approval(
    manager: Browser, approver: Browser, big_run: BigRun, world: World
) -> None:
    run_id = big_run()
    manager.look(f"/runs/{run_id}")
    manager.press(f"/runs/{run_id}/sending")
    removed = str(world.results(run_id)[0].id)
    manager.look(f"/runs/{run_id}")
    assert manager.press(f"/runs/{run_id}/results/remove", id=removed, asked="1").status_code == 303
    assert world.statuses(run_id).count("removed") == 1
    page = approver.look(f"/runs/{run_id}/approval")
    assert "The list has changed." in text_of(page)
    assert 'value="approve"' not in page.text


def test_administrators_set_the_limits(log_in: LogIn, four_eyes: FourEyes, world: World) -> None:
    browser = log_in()
    page = browser.look("/settings/approval")
    assert 'value="1"' in page.text
    given = {
        **hidden(page.text),
        "mails": "1000",
        "amount": "50000,50",
        "definitions": str(world.definition.id),
    }
    assert browser.press("/settings/approval", **given).status_code == 303
    with world.runtime.database.reading() as session:
        row = session.execute(select(Installation.approval_mails, Installation.approval_amount)).one()
        told = session.scalars(select(AuditEntry.detail).where(AuditEntry.subject == "approval")).one()
    assert (row.approval_mails, str(row.approval_amount.normalize())) == (1000, "50000.5")
    assert "mails: 1 → 1000" in told
    assert "always: none → " in told
    browser.look("/settings/approval")
    late = browser.press("/settings/approval", **{**given, "mails": "5"})
    assert (late.status_code, "was changed by" in text_of(late)) == (422, True)


@pytest.mark.parametrize(("field", "typed"), [("mails", "many"), ("mails", "-1"), ("amount", "1,000.00x")])
def test_what_is_no_limit_is_told(log_in: LogIn, four_eyes: FourEyes, field: str, typed: str) -> None:
    browser = log_in()
    page = browser.look("/settings/approval")
    answer = browser.press("/settings/approval", **{**hidden(page.text), field: typed})
    assert (answer.status_code, "in digits" in text_of(answer)) == (422, True)
    assert typed in answer.text


def test_mails_that_are_added_beyond_the_limits_are_told_to_wait(
    manager: Browser, four_eyes: FourEyes, world: World
) -> None:
    """The run had finished: Send again would have let them go at once."""
    customers = [world.add("")[0] for _n in range(2)]
    run_id = world.run()
    four_eyes.start(run_id)
    give_addresses(world, customers)
    manager.look(f"/runs/{run_id}")
    ids = [str(result.id) for result in world.results(run_id)]
    manager.press(f"/runs/{run_id}/results/send-again", id=ids, asked="1")
    assert world.statuses(run_id) == ["ready", "ready"]
    said = text_of(manager.look(f"/runs/{run_id}"))
    assert "Nothing goes out before another person has approved the run." in said


def test_a_fix_beyond_the_limits_is_told_to_wait(manager: Browser, four_eyes: FourEyes, world: World) -> None:
    four_eyes.limit(0)
    world.add("")
    run_id = world.run()
    four_eyes.start(run_id)
    posted = fix_fields(manager, OpenCause.NO_RECIPIENT, value="new@x.test")
    asked = manager.press("/fix", **posted)
    manager.press("/fix", **asked_fields(asked.text), send="1")
    assert (world.status(run_id), world.statuses(run_id)) == ("stopped", ["ready"])
    assert "1 mail waits for another person to approve its run." in text_of(manager.look("/fix"))
