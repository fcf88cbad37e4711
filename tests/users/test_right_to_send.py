"""The right to send is apart from the role: without it a manager prepares, and no mail goes out."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import update

from tests.fixing.conftest import fields as fix_fields
from tests.fixing.conftest import hidden
from tests.http_client import LogIn, fields, text_of
from tests.world import World
from webapp.access import OPERATOR, Viewer, viewer_of
from webapp.errors import Refused
from webapp.extensions import Runtime
from webapp.lifecycle import runs
from webapp.new_run import creation
from webapp.results import actions, resend
from webapp.results.bulk import BulkSelection
from webapp.results.to_fix import OpenCause
from webapp.store.statuses import Role
from webapp.store.users import User
from webapp.users.accounts import change, create_user
from webapp.workers import WorkerProcess

PREPARER = replace(OPERATOR, name="luc@example.com", role=Role.MANAGER, right_to_send=False)
PASSWORD = "correct horse battery"


def take_the_right(runtime: Runtime) -> None:
    with runtime.database.writing() as session:
        session.execute(update(User).values(may_send=False))


@pytest.mark.parametrize(
    ("role", "may_send", "sends"),
    [
        ("viewer", None, False),
        ("manager", None, True),
        ("manager", False, False),
        ("admin", None, True),
    ],
)
def test_the_right_comes_with_a_role_that_can_have_it(
    runtime: Runtime, role: str, may_send: bool | None, sends: bool
) -> None:
    with runtime.database.writing() as session:
        user = create_user(session, "luc@example.com", PASSWORD, role, may_send=may_send)
        assert viewer_of(user).may_send is sends


def test_a_viewer_who_becomes_a_manager_has_no_right_yet(runtime: Runtime) -> None:
    with runtime.database.writing() as session:
        create_user(session, "luc@example.com", PASSWORD, "viewer")
        assert change(session, "luc@example.com", "manager").may_send is False
        assert change(session, "luc@example.com", may_send=True).may_send is True
        assert change(session, "luc@example.com", "viewer").may_send is False
    with pytest.raises(Refused, match="viewers and editors cannot"), runtime.database.writing() as session:
        change(session, "luc@example.com", may_send=True)


def test_without_the_right_nothing_starts_stops_or_is_sent_again(world: World, worker: WorkerProcess) -> None:
    world.add()
    run_id = world.run()
    queue = world.runtime.queue
    with pytest.raises(Refused, match="right to send"), world.runtime.database.writing() as session:
        runs.start(session, queue, run_id, PREPARER)
    with pytest.raises(Refused, match="right to send"), world.runtime.database.writing() as session:
        runs.stop(session, run_id, PREPARER)
    assert world.status(run_id) == "created"
    world.start(run_id)
    world.work(worker, run_id)
    assert world.statuses(run_id) == ["sent"]
    selection = BulkSelection(run_id, (world.results(run_id)[0].id,))
    with pytest.raises(Refused, match="right to send"), world.runtime.database.writing() as session:
        resend.send_again(session, queue, selection, PREPARER, confirmed=True)
    assert world.statuses(run_id) == ["sent"]


def test_a_created_run_can_be_prepared_without_the_right(world: World) -> None:
    world.add()
    world.add()
    run_id = world.run()
    selection = BulkSelection(run_id, (world.results(run_id)[0].id,))
    queue = world.runtime.queue
    with world.runtime.database.writing() as session:
        actions.remove(session, selection, PREPARER)
    assert sorted(world.statuses(run_id)) == ["ready", "removed"]
    with world.runtime.database.writing() as session:
        actions.put_back(session, queue, selection, PREPARER)
    assert world.statuses(run_id) == ["ready", "ready"]


def test_create_and_start_needs_the_right_and_create_does_not(world: World) -> None:
    world.add()
    wanted = creation.RunRequest(world.choice(), start=True)
    with pytest.raises(Refused, match="right to send"), world.runtime.database.writing() as session:
        creation.create(session, world.runtime.queue, wanted, PREPARER)
    with world.runtime.database.writing() as session:
        creation.create(session, world.runtime.queue, replace(wanted, start=False), PREPARER)


def test_a_fix_is_saved_without_the_right_and_sends_nothing(
    log_in: LogIn, world: World, runtime: Runtime, worker: WorkerProcess
) -> None:
    """The run has finished: what is fixed would go out at once."""
    world.add("")
    world.add()
    run_id = world.deliver(worker)
    browser = log_in("manager")
    take_the_right(runtime)
    posted = fix_fields(browser, OpenCause.NO_RECIPIENT, value="new@x.test")
    asked = browser.press("/fix", **posted)
    browser.press("/fix", **hidden(asked.text), send="1")
    said = text_of(browser.look("/fix"))
    assert "Saved." in said
    assert "a person with the right to send has to press Send again" in said
    assert world.status(run_id) == "finished"
    assert sorted(world.statuses(run_id)) == ["sent", "skipped"]


def test_the_pages_offer_and_do_only_what_the_right_allows(
    log_in: LogIn, world: World, runtime: Runtime
) -> None:
    world.add()
    run_id = world.run()
    browser = log_in("manager")
    take_the_right(runtime)
    page = browser.look(f"/runs/{run_id}")
    assert "Ready for a person with the right to send" in text_of(page)
    assert f'action="/runs/{run_id}/sending"' not in page.text
    refused = browser.press(f"/runs/{run_id}/sending")
    assert (refused.status_code, world.status(run_id)) == (303, "created")
    assert "do not have the right to send" in text_of(browser.look(f"/runs/{run_id}"))
    assert "Create and start" not in browser.look("/runs/new").text
    assert browser.press("/runs", **fields(world)).status_code in (200, 303)
    assert browser.look("/customers/new").status_code == 200
    assert "without the right to send" in text_of(browser.look("/account"))


def test_the_command_gives_and_takes_it(runtime: Runtime) -> None:
    with runtime.database.writing() as session:
        user = create_user(session, "luc@example.com", PASSWORD, "manager")
        assert viewer_of(change(session, "luc@example.com", may_send=False)) == Viewer(
            user.email, Role.MANAGER, frozenset(), False
        )
