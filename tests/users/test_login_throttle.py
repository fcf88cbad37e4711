"""How often a person may try to log in."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import update

from tests.runtimes import open_database
from webapp.store.database import Database
from webapp.store.logins import LoginTry
from webapp.store.types import now
from webapp.users.login_throttle import LoginThrottle
from webapp.users.try_counts import CountsInDatabase


@pytest.mark.security("C13")
def test_f7_five_for_an_account_from_one_address() -> None:
    tries = LoginThrottle()
    assert [tries.take("a@x.test", "10.0.0.1") for _ in range(5)] == [None] * 5
    wait = tries.take("a@x.test", "10.0.0.1")
    assert wait is not None
    assert timedelta(minutes=14) < wait - now() <= timedelta(minutes=15)
    assert tries.take("b@x.test", "10.0.0.1") is None
    assert tries.take("a@x.test", "10.0.0.2") is None  # the owner, elsewhere


def test_f7_a_known_device_is_not_locked_out_by_others() -> None:
    tries = LoginThrottle()
    for n in range(200):
        tries.take("a@x.test", f"10.0.{n}.1")
        tries.failed("a@x.test", "10.0.0.1")
    assert tries.take("a@x.test", "10.0.0.1") is not None
    assert tries.take("a@x.test", "10.1.0.1") is not None
    assert [tries.take("a@x.test", "10.0.0.1", "device") for _ in range(10)] == [None] * 10
    assert tries.take("a@x.test", "10.0.0.1", "device") is not None


def test_how_many_are_left_is_told_and_a_login_resets_the_count() -> None:
    tries = LoginThrottle()
    tries.take("a@x.test", "10.0.0.1")
    assert tries.failed("a@x.test", "10.0.0.1") == 4
    tries.take("a@x.test", "10.0.0.1")
    assert tries.failed("a@x.test", "10.0.0.1") == 3
    tries.succeeded("a@x.test", "10.0.0.1")
    tries.take("a@x.test", "10.0.0.1")
    assert tries.failed("a@x.test", "10.0.0.1") == 4


@pytest.mark.security("C13")
def test_thirty_failed_ones_from_an_address_whatever_the_email() -> None:
    tries = LoginThrottle()
    for n in range(30):
        assert tries.take(f"{n}@x.test", "10.0.0.1") is None
        tries.failed(f"{n}@x.test", "10.0.0.1")
    assert tries.take("new@x.test", "10.0.0.1") is not None
    assert tries.take("new@x.test", "10.0.0.2") is None


def test_those_who_get_in_do_not_use_up_their_address() -> None:
    tries = LoginThrottle()
    for n in range(40):
        assert tries.take(f"{n}@x.test", "10.0.0.1") is None
        tries.succeeded(f"{n}@x.test", "10.0.0.1")


@pytest.mark.security("C13")
def test_tries_are_counted_over_all_processes(database: Database) -> None:
    """Four processes with the database in common, of which each has connections of its own; a guesser who
    goes to all of them at once has no more than five tries."""
    url = database.url.render_as_string(hide_password=False)
    processes = [LoginThrottle(CountsInDatabase(open_database(url))) for _ in range(4)]
    with ThreadPoolExecutor(8) as threads:
        waits = list(threads.map(lambda n: processes[n % 4].take("a@x.test", "10.0.0.1"), range(24)))
    assert waits.count(None) == 5
    assert [each.take("a@x.test", "10.0.0.1") is None for each in processes] == [False] * 4
    processes[0].succeeded("a@x.test", "10.0.0.1")
    assert processes[3].take("a@x.test", "10.0.0.1") is None


def test_counts_in_the_database_tell_what_those_of_one_process_tell(database: Database) -> None:
    tries = LoginThrottle(CountsInDatabase(database))
    tries.take("a@x.test", "10.0.0.1")
    assert tries.failed("a@x.test", "10.0.0.1") == 4
    for _ in range(4):
        tries.take("a@x.test", "10.0.0.1")
    wait = tries.take("a@x.test", "10.0.0.1")
    assert wait is not None
    assert timedelta(minutes=14) < wait - now() <= timedelta(minutes=15)
    for _ in range(30):
        tries.failed_from("10.0.0.2")
    assert tries.wait_of("10.0.0.2") is not None
    assert tries.wait_of("10.0.0.3") is None


def test_old_tries_are_forgotten(database: Database) -> None:
    tries = LoginThrottle(CountsInDatabase(database))
    for _ in range(5):
        tries.take("a@x.test", "10.0.0.1")
    with database.writing() as session:
        session.execute(update(LoginTry).values(at=now() - timedelta(minutes=16)))
    assert tries.take("a@x.test", "10.0.0.1") is None
    with database.writing() as session:
        session.execute(update(LoginTry).values(at=now() - timedelta(hours=3)))
    assert tries.take("b@x.test", "10.0.0.1") is None
    with database.reading() as session:
        assert {row.at > now() - timedelta(minutes=1) for row in session.query(LoginTry)} == {True}
