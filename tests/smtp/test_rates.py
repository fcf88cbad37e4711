"""Mails a minute: counted in a real Redis for everybody, and without one by each worker for its share."""

from __future__ import annotations

import time
from pathlib import Path

from webapp.smtp.rates import Counters, Rates


def taken(rates: Rates, per_minute: int) -> int:
    """How many mails may go out right now."""
    n = 0
    while not rates.pause_before(1, per_minute):
        n += 1
    return n


def test_no_limit(redis_url: str) -> None:
    assert Rates(Counters(redis_url)).pause_before(1, 0) == 0.0


def test_all_workers_share_one_count(redis_url: str) -> None:
    one, other, began = Rates(Counters(redis_url), 2), Rates(Counters(redis_url), 2), time.monotonic()
    assert taken(one, 6) == 6
    pause = other.pause_before(1, 6)
    assert 58 - (time.monotonic() - began) < pause <= 61
    assert other.pause_before(2, 6) == 0.0  # another server


def test_a_minutes_mails_do_not_all_go_in_its_first_second(redis_url: str) -> None:
    rates = Rates(Counters(redis_url))
    assert taken(rates, 120) == 10
    assert 0 < rates.pause_before(1, 120) <= 6


def test_each_domain_has_its_own_count(redis_url: str) -> None:
    rates = Rates(Counters(redis_url))
    assert [bool(rates.pause_for_domain(1, "a.test", 2)) for _ in range(3)] == [False, False, True]
    assert not rates.pause_for_domain(1, "b.test", 2)


def test_without_redis_each_worker_takes_its_share() -> None:
    assert taken(Rates(Counters(""), 3), 6) == 2


def test_a_redis_that_is_away_leaves_each_worker_its_share(tmp_path: Path) -> None:
    assert taken(Rates(Counters(f"unix://{tmp_path}/none.sock"), 2), 6) == 3


def test_the_next_drain_knows_what_the_last_one_sent() -> None:
    counters = Counters("")
    assert taken(Rates(counters), 6) == 6
    assert taken(Rates(counters), 6) == 0
    assert taken(Rates(counters, 2), 6) == 0  # another worker has come


def test_what_nothing_has_gone_to_lately_is_let_go_of() -> None:
    counters = Counters("")
    rates = Rates(counters)
    for domain in ("a.test", "b.test"):
        rates.pause_for_domain(1, domain, 2)
    counted = counters._memory.events
    assert len(counted) == 2
    counted[next(iter(counted))] = []  # as after a minute
    counters._tidy_at[0] = 0.0
    rates.pause_for_domain(1, "b.test", 2)
    assert len(counted) == 1
    assert rates.pause_for_domain(1, "b.test", 2) > 0


def test_a_share_is_spread_over_its_minute_too() -> None:
    assert taken(Rates(Counters(""), 3), 180) == 5
    assert taken(Rates(Counters(""), 3), 1) == 1
