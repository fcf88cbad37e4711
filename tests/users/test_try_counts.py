"""Tries of logins in the database: all processes count together."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from tests.runtimes import open_runtime
from tests.store.secrets_in import dump
from webapp.extensions import Runtime
from webapp.store.database import Database
from webapp.store.types import now
from webapp.users.login_throttle import LoginThrottle
from webapp.users.try_counts import CountsInDatabase


@pytest.mark.security("C13")
def test_two_processes_count_together_and_a_restart_forgets_nothing(runtime: Runtime) -> None:
    other = open_runtime(runtime.settings)
    one, two = (
        LoginThrottle(CountsInDatabase(runtime.database)),
        LoginThrottle(CountsInDatabase(other.database)),
    )
    assert [each.take("a@x.test", "10.0.0.1") for each in (one, two, one, two, one)] == [None] * 5
    wait = two.take("a@x.test", "10.0.0.1")
    assert wait is not None
    assert timedelta(minutes=14) < wait - now() <= timedelta(minutes=15)
    assert two.take("b@x.test", "10.0.0.1") is None
    two.succeeded("a@x.test", "10.0.0.1")
    assert one.take("a@x.test", "10.0.0.1") is None
    assert one.failed("a@x.test", "10.0.0.1") == 4
    other.database.dispose()


@pytest.mark.security("C13", "C24")
def test_of_fifty_at_once_five_may_try(database: Database) -> None:
    tries, waits, begin = LoginThrottle(CountsInDatabase(database)), list[object](), threading.Barrier(50)

    def take() -> None:
        begin.wait()
        waits.append(tries.take("a@x.test", "10.0.0.1"))

    threads = [threading.Thread(target=take) for _ in range(50)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert (len(waits), waits.count(None)) == (50, 5)


def test_the_rows_name_neither_account_nor_address(runtime: Runtime) -> None:
    LoginThrottle(CountsInDatabase(runtime.database)).take("a@x.test", "10.0.0.1")
    kept = dump(runtime)
    assert ("a@x.test" in kept, "10.0.0.1" in kept) == (False, False)
