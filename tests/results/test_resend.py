"""Send again in the pages: what a person is asked, what a yes is good for, with which version it goes."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import update

from tests.http_client import LogIn, text_of
from tests.results.staged import made, said
from tests.world import World
from webapp.store.definitions import DefinitionVersion, MessageDefinition
from webapp.store.runs import Result
from webapp.store.statuses import ResultStatus
from webapp.store.types import now
from webapp.workers import WorkerProcess


def test_send_again_asks_only_for_those_that_may_have_arrived(log_in: LogIn, world: World) -> None:
    run_id, ids = made(world, ResultStatus.FAILED, ResultStatus.SENT)
    browser = log_in("manager")
    browser.look(f"/runs/{run_id}")
    asked = text_of(browser.press(f"/runs/{run_id}/results/send-again", id=ids))
    assert "Send 2 mails again?" in asked
    assert "Also send the 1 that was or may have been sent already, here or by another run" in asked
    browser.press(f"/runs/{run_id}/results/send-again", id=ids, asked="1")
    assert world.statuses(run_id) == ["ready", "sent"]
    assert "sent: confirm that the customer may receive it twice" in said(browser, f"/runs/{run_id}")


def test_what_another_run_has_sent_is_asked_about_and_counted(
    log_in: LogIn, world: World, worker: WorkerProcess
) -> None:
    world.add()
    world.add()
    world.deliver(worker)
    run_id = world.run()
    assert world.statuses(run_id) == ["skipped", "skipped"]
    skipped, failed = (str(result.id) for result in world.results(run_id))
    with world.runtime.database.writing() as session:  # as if it had been before the other run came
        session.execute(
            update(Result).where(Result.id == int(failed)).values(status=ResultStatus.FAILED, reason="")
        )
    browser = log_in("manager")
    browser.look(f"/runs/{run_id}")
    asked = text_of(browser.press(f"/runs/{run_id}/results/send-again", id=[skipped, failed]))
    assert "Also send the 2 that were or may have been sent already, here or by another run" in asked


def test_who_was_asked_before_another_person_decided_sends_nothing_more(log_in: LogIn, world: World) -> None:
    run_id, [id] = made(world, ResultStatus.UNCONFIRMED)
    one, other = log_in("manager"), log_in("admin")
    forms = []
    for browser in (one, other):
        browser.look(f"/runs/{run_id}")
        asked = browser.press(f"/runs/{run_id}/results/send-again", only=id).text
        [as_of] = re.findall(r'name="as_of" value="([^"]*)"', asked)
        assert '<input type="hidden" name="twice" value="1">' in asked
        forms.append({"only": id, "asked": "1", "confirmed": "1", "as_of": as_of, "twice": "1"})
    one.press(f"/runs/{run_id}/results/mark-sent", only=id)
    other.press(f"/runs/{run_id}/results/send-again", **forms[1])
    assert world.statuses(run_id) == ["sent"]
    assert "changed meanwhile" in said(other, f"/runs/{run_id}")


def test_a_yes_for_fewer_than_there_are_by_now_is_asked_for_again(log_in: LogIn, world: World) -> None:
    run_id, ids = made(world, ResultStatus.SENT, ResultStatus.SENT)
    browser = log_in("manager")
    browser.look(f"/runs/{run_id}")
    url = f"/runs/{run_id}/results/send-again"
    yes = {"id": ids, "asked": "1", "confirmed": "1", "as_of": now().isoformat()}
    browser.press(url, **yes, twice="1")
    assert "Press Send again once more" in said(browser, f"/runs/{run_id}")
    assert world.statuses(run_id) == ["sent", "sent"]
    browser.press(url, **yes, twice="2")
    assert world.statuses(run_id) == ["ready", "ready"]


@pytest.mark.parametrize("as_of", ["yesterday", "2026-11-27", "0001-01-01T00:00:00+14:00"])
def test_a_moment_that_is_none_is_refused(log_in: LogIn, world: World, as_of: str) -> None:
    run_id, [id] = made(world, ResultStatus.SENT)
    browser = log_in("manager")
    browser.look(f"/runs/{run_id}")
    answer = browser.press(f"/runs/{run_id}/results/send-again", only=id, asked="1", as_of=as_of)
    assert answer.status_code == 400


def test_when_the_definition_has_changed_the_list_asks_which_version_is_meant(
    log_in: LogIn, world: World
) -> None:
    run_id, [id] = made(world, ResultStatus.FAILED)
    with world.runtime.database.writing() as session:
        session.execute(update(MessageDefinition).values(subject="Corrected"))
    browser = log_in("manager")
    browser.look(f"/runs/{run_id}")
    question = text_of(browser.press(f"/runs/{run_id}/results/send-again", id=id))
    assert "With which version of the message definition" in question
    assert world.statuses(run_id) == ["failed"]
    browser.press(f"/runs/{run_id}/results/send-again", id=id, asked="1", todays_version="1")
    [result] = world.results(run_id)
    assert result.status == "ready"
    with world.runtime.database.reading() as session:
        assert session.get_one(DefinitionVersion, result.version_id).content["subject"] == "Corrected"
