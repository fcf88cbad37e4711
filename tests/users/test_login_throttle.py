"""How often a person may try to log in."""

from __future__ import annotations

from datetime import timedelta

import pytest

from webapp.store.types import now
from webapp.users.login_throttle import LoginThrottle


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
