"""What is asked about before results change, and what a yes covers."""

from __future__ import annotations

import re

import pytest

from tests.http_client import LogIn, text_of
from tests.results.staged import lead, made, said
from tests.world import World
from webapp.lifecycle.results import lock_results, transition
from webapp.store.runs import Result, Run
from webapp.store.statuses import ResultStatus, RunStatus


def test_more_than_was_selected_is_never_changed(log_in: LogIn, world: World) -> None:
    """A worker goes on while a person looks: what matches by now is asked about again."""
    run_id, _ = made(world, ResultStatus.FAILED, ResultStatus.FAILED)
    browser = log_in("manager")
    page = browser.look(f"/runs/{run_id}?status=failed&all=1").text
    assert "All 2 matching selected" in page
    assert '<input type="hidden" name="seen" value="2">' in page
    for verb, question in (("send-again", "Send 2 mails again?"), ("remove", "Remove 2 results")):
        answer = browser.press(
            f"/runs/{run_id}/results/{verb}", all="1", seen="1", status="failed", asked="1", confirmed="1"
        )
        assert question in text_of(answer)
        assert world.statuses(run_id) == ["failed", "failed"]
    browser.press(f"/runs/{run_id}/results/send-again", all="1", seen="2", status="failed")
    assert world.statuses(run_id) == ["ready", "ready"]


def test_what_was_removed_meanwhile_is_not_put_back_unasked(log_in: LogIn, world: World) -> None:
    run_id, ids = made(
        world, ResultStatus.REMOVED, ResultStatus.REMOVED, ResultStatus.READY, ResultStatus.READY
    )
    world.start(run_id)
    browser = log_in("manager")
    page = browser.look(f"/runs/{run_id}?status=removed&all=1").text
    assert '<input type="hidden" name="seen" value="2">' in page
    lead(world, run_id, ResultStatus.REMOVED, Result.id == int(ids[2]))
    url, selected = f"/runs/{run_id}/results/put-back", {"all": "1", "status": "removed"}
    asked = browser.press(url, **selected, seen="2")
    assert "Put 3 results back?" in text_of(asked)
    assert "More were removed than you had selected" in text_of(asked)
    assert world.statuses(run_id).count("removed") == 3
    [as_of] = re.findall(r'name="as_of" value="([^"]*)"', asked.text)
    assert '<input type="hidden" name="seen" value="3">' in asked.text
    browser.press(url, only=ids[0])
    lead(world, run_id, ResultStatus.REMOVED, Result.id == int(ids[3]))
    browser.look(f"/runs/{run_id}")
    browser.press(url, **selected, seen="3", asked="1", as_of=as_of)
    assert world.statuses(run_id) == ["ready", "ready", "ready", "removed"]
    assert "1 not put back: changed meanwhile" in said(browser, f"/runs/{run_id}")


def test_what_has_come_under_the_filter_since_the_question_is_not_removed(
    log_in: LogIn, world: World
) -> None:
    run_id, ids = made(world, ResultStatus.FAILED, ResultStatus.FAILED, ResultStatus.READY)
    browser = log_in("manager")
    browser.look(f"/runs/{run_id}?status=failed&all=1")
    url, selected = f"/runs/{run_id}/results/remove", {"all": "1", "seen": "2", "status": "failed"}
    asked = browser.press(url, **selected)
    [as_of] = re.findall(r'name="as_of" value="([^"]*)"', asked.text)
    with world.runtime.database.writing() as session:
        transition(session, run_id, lock_results(session, Result.id == int(ids[0])), ResultStatus.READY)
    lead(world, run_id, ResultStatus.FAILED, Result.id == int(ids[2]))
    browser.press(url, **selected, asked="1", as_of=as_of)
    assert world.statuses(run_id) == ["ready", "removed", "failed"]
    assert "1 not removed: changed meanwhile" in said(browser, f"/runs/{run_id}")


@pytest.mark.parametrize(
    ("verb", "was"), [("mark-sent", ResultStatus.UNCONFIRMED), ("mark-bounced", ResultStatus.SENT)]
)
def test_what_a_person_knows_is_for_the_mail_that_the_page_showed(
    log_in: LogIn, world: World, verb: str, was: ResultStatus
) -> None:
    """Another has sent it again meanwhile."""
    run_id, [id] = made(world, was)
    browser = log_in("manager")
    page = browser.look(f"/results/{id}").text
    [as_of] = re.findall(rf'results/{verb}" name="as_of" value="([^"]*)"', page)
    with world.runtime.database.writing() as session:
        transition(session, run_id, lock_results(session, Result.id == int(id)), ResultStatus.READY)
    lead(world, run_id, was)
    url = f"/runs/{run_id}/results/{verb}"
    browser.press(url, only=id, from_result=id, as_of=as_of)
    assert world.statuses(run_id) == [was]
    page = browser.look(f"/results/{id}").text
    assert "changed meanwhile" in page
    [as_of] = re.findall(rf'results/{verb}" name="as_of" value="([^"]*)"', page)
    browser.press(url, only=id, from_result=id, as_of=as_of)
    assert world.statuses(run_id) != [was]


def test_what_a_finished_run_would_send_is_put_back_after_a_question_only(
    log_in: LogIn, world: World
) -> None:
    run_id, ids = made(world, ResultStatus.SENT, ResultStatus.REMOVED)
    with world.runtime.database.writing() as session:
        session.get_one(Run, run_id).status = RunStatus.FINISHED
    browser = log_in("manager")
    browser.look(f"/runs/{run_id}")
    asked = browser.press(f"/runs/{run_id}/results/put-back", only=ids[1])
    assert "Put 1 result back and send it?" in text_of(asked)
    assert world.statuses(run_id) == ["sent", "removed"]
    browser.press(f"/runs/{run_id}/results/put-back", only=ids[1], asked="1")
    assert world.statuses(run_id) == ["sent", "ready"]
    assert world.status(run_id) == "running"
    browser.press(f"/runs/{run_id}/results/remove", only=ids[0])
    browser.press(f"/runs/{run_id}/results/put-back", only=ids[0])  # nothing of this would be sent
    assert world.statuses(run_id) == ["sent", "ready"]
