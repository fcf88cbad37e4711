"""What a run, the list of runs and the command line say of its mail server."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from tests.http_client import LogIn, text_of
from tests.world import World
from webapp.mailservers import backoff, pace, stored_pace
from webapp.runs import report
from webapp.store.mailservers import MailPace
from webapp.store.runs import Run
from webapp.store.statuses import TroubleKind


def running(world: World) -> int:
    world.add()
    run_id = world.run()
    world.start(run_id)
    return run_id


def slow(world: World, per_second: float, domain: str = "", **fields: object) -> None:
    """The mail server is slowed, and takes mails."""
    row = MailPace(mail_server_id=1, domain=domain, reply="454 4.7.0 slow down")
    stored_pace.write(row, pace.slowed(time.time(), 10, time.time() - 1))
    row.per_second, row.shut_at, row.cycle = per_second, None, 1.0
    for name, value in fields.items():
        setattr(row, name, value)
    with world.runtime.database.writing() as session:
        session.merge(row)


def problem(world: World, run_id: int) -> str | None:
    with world.runtime.database.reading() as session:
        run = session.get_one(Run, run_id)
        return str(report.show(session, run)["problem"] or "")


@pytest.mark.parametrize(
    ("per_second", "words"),
    [(9.2, "sending about 9 a second"), (1.6, "sending about 96 a minute"), (0.2, "about 12 a minute")],
)
def test_b1_a_run_says_what_throttles_it(world: World, per_second: float, words: str) -> None:
    run_id = running(world)
    assert problem(world, run_id) == ""
    slow(world, per_second)
    said = problem(world, run_id) or ""
    assert said.startswith("127.0.0.1 is throttling: 454 4.7.0 slow down; ")
    assert words in said


def test_b1_a_slowed_domain_is_named(world: World) -> None:
    run_id = running(world)
    slow(world, 1.0, "customers.test")
    assert (problem(world, run_id) or "").startswith("127.0.0.1 is throttling mails to customers.test: 454")


def test_b1_it_is_forgotten_after_an_hour(world: World) -> None:
    run_id = running(world)
    slow(world, 9.0, refused_at=datetime.fromtimestamp(time.time() - 3601, UTC))
    assert problem(world, run_id) == ""
    with world.runtime.database.writing() as session:
        assert stored_pace.take_turn(session, 1) is None


def test_b1_a_run_that_has_ended_says_nothing_of_it(world: World) -> None:
    run_id = running(world)
    slow(world, 9.0)
    world.stop(run_id)
    assert problem(world, run_id) == ""


@pytest.mark.parametrize("url", ["/", "/runs", "/runs/1"])
def test_b1_overview_list_and_run_say_it(world: World, log_in: LogIn, url: str) -> None:
    running(world)
    slow(world, 9.0)
    assert "127.0.0.1 is throttling: 454 4.7.0 slow down; sending about 9 a second" in text_of(
        log_in().look(url)
    )


@pytest.mark.parametrize("url", ["/", "/runs", "/runs/1"])
def test_b4_overview_list_and_run_say_who_must_act(world: World, log_in: LogIn, url: str) -> None:
    running(world)
    with world.runtime.database.writing() as session:
        words = "it refuses the login: 535 5.7.8 authentication failed"
        settings = world.runtime.settings
        backoff.note_trouble(session, settings, 1, words, TroubleKind.LOGIN, probing=False)
    assert f"{words}; a person must correct the user name or the password" in text_of(log_in().look(url))
