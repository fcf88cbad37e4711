"""When a run sends, in the dialog, on the run's page and on a page of its own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import update

from tests.http_client import Browser, LogIn, text_of
from tests.runs.dialog import made, runs, shown_preview
from tests.world import World
from webapp.store.runs import Run
from webapp.store.statuses import RunStatus
from webapp.store.users import User

LogInThere = Callable[[str], Browser]
AMSTERDAM = ZoneInfo("Europe/Amsterdam")


def typed(hours: float) -> str:
    """What a person in Amsterdam types for this many hours from now."""
    return (datetime.now(AMSTERDAM) + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M")


@pytest.fixture
def in_amsterdam(log_in: LogIn, world: World) -> LogInThere:
    world.add("a@x.test")

    def log_in_there(role: str) -> Browser:
        browser = log_in(role)
        with world.runtime.database.writing() as session:
            session.execute(update(User).values(time_zone="Europe/Amsterdam"))
        return browser

    return log_in_there


def test_a_run_is_created_to_start_later(in_amsterdam: LogInThere, world: World) -> None:
    browser = in_amsterdam("manager")
    start, end = typed(30), typed(40)
    run_id = made(browser, world, start="1", start_at=start, send_until=end)
    [run] = runs(world)
    assert run.status == RunStatus.CREATED
    assert run.start_at == datetime.fromisoformat(start).replace(tzinfo=AMSTERDAM).astimezone(UTC)
    assert run.send_until == datetime.fromisoformat(end).replace(tzinfo=AMSTERDAM).astimezone(UTC)
    said = text_of(browser.look(f"/runs/{run_id}"))
    assert f"Starts {run.start_at.astimezone(AMSTERDAM):%-d %b %Y, %H:%M}" in said
    assert "nothing after" in said
    assert "Do not start by itself" in said
    assert "Starts" in text_of(browser.look("/runs"))


def test_create_alone_asks_what_the_time_of_the_start_is_for(in_amsterdam: LogInThere, world: World) -> None:
    browser = in_amsterdam("manager")
    answer = browser.press("/runs", **shown_preview(browser, world), start_at=typed(3))
    assert answer.status_code == 422
    assert "Press Create and start to have it start then, or clear this." in text_of(answer)
    assert runs(world) == []


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"start_at": "soon"}, "This is not a date with a time."),
        ({"send_until": "2026-13-45T07:00"}, "This is not a date with a time."),
        ({"start_at": "2020-01-01T07:00"}, "The time of the start has passed."),
        ({"send_until": "2020-01-01T07:00"}, "The time after which nothing is sent has passed."),
    ],
)
def test_a_time_that_cannot_be_is_told(
    in_amsterdam: LogInThere, world: World, given: dict[str, str], words: str
) -> None:
    browser = in_amsterdam("manager")
    answer = browser.press("/runs", **shown_preview(browser, world), **given, start="1")
    assert answer.status_code == 422
    assert words in text_of(answer)
    assert next(iter(given.values())) in answer.text
    assert runs(world) == []


def test_the_question_before_a_start_says_when_and_keeps_it(in_amsterdam: LogInThere, world: World) -> None:
    browser = in_amsterdam("manager")
    start = typed(30)
    given = {**shown_preview(browser, world), "fingerprint": ""}
    asked = browser.press("/runs", **given, start="1", start_at=start)
    assert "The first mails go out at" in text_of(asked)
    assert f'name="start_at" value="{start}"' in asked.text


def test_the_times_are_changed_on_a_page_of_their_own(in_amsterdam: LogInThere, world: World) -> None:
    browser = in_amsterdam("manager")
    run_id = world.run()
    page = browser.look(f"/runs/{run_id}/window")
    assert "Europe/Amsterdam" in text_of(page)
    start = typed(5)
    answer = browser.press(f"/runs/{run_id}/window", start_at=start, send_until="")
    assert answer.status_code == 303
    assert f'value="{start}"' in browser.look(f"/runs/{run_id}/window").text
    with world.runtime.database.writing() as session:
        session.execute(update(Run).values(status=RunStatus.STOPPED, start_at=None))
    assert "Start at" not in text_of(browser.look(f"/runs/{run_id}/window"))
    wrong = browser.press(f"/runs/{run_id}/window", send_until="2020-01-01T07:00")
    assert wrong.status_code == 422
    assert "has passed" in text_of(wrong)
    assert "2020-01-01T07:00" in wrong.text


def test_only_a_person_who_may_send_says_when(in_amsterdam: LogInThere, world: World) -> None:
    run_id = world.run()
    browser = in_amsterdam("manager")
    with world.runtime.database.writing() as session:
        session.execute(update(User).values(may_send=False))
    assert browser.client.get(f"/runs/{run_id}/window").status_code == 403
    assert "Do not send after" not in text_of(browser.look("/runs/new"))
    assert f"/runs/{run_id}/window" not in browser.look(f"/runs/{run_id}").text
