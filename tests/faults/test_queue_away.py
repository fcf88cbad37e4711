"""F08 to F11: Redis killed, emptied, away. The database is the truth; the work goes on within 60 s (R6)."""

from __future__ import annotations

import os
import time

import pytest

from tests.faults.accounts import accounted
from tests.faults.installation import Site, numbered
from tests.http_client import text_of

WITHIN = 60.0
AWAY = float(os.environ.get("MAILRUN_FAULTS_REDIS_AWAY", "20"))
"""Seconds for which Redis is away in F11; the table says ten minutes."""

MANY = 60


def under_way(site: Site) -> int:
    """A run of many mails, some of which have gone out."""
    site.start_worker()
    site.server.delay = 0.03
    run_id = site.send(*numbered(MANY))
    site.until(lambda: len(site.server.taken) >= 5)
    return run_id


def goes_on(site: Site) -> None:
    """Something more goes out within a minute."""
    before, began = len(site.server.taken), time.monotonic()
    site.until(lambda: len(site.server.taken) > before or len(site.server.taken) == MANY, WITHIN)
    assert time.monotonic() - began < WITHIN


def test_f08_redis_killed_and_started_again(site: Site) -> None:
    run_id = under_way(site)
    site.kill_redis()
    goes_on(site)
    site.start_redis()
    goes_on(site)
    site.until_finished(run_id)
    assert accounted(site.world, run_id) == {"sent": MANY}


def test_f09_redis_emptied_in_mid_run(site: Site) -> None:
    """FLUSHALL takes the jobs and the workers' registrations; the sweep finds the work in the database."""
    run_id = under_way(site)
    for _ in range(3):
        site.rq.flushall()
        goes_on(site)
    site.until_finished(run_id)
    assert accounted(site.world, run_id) == {"sent": MANY}


def test_f10_redis_down_when_start_is_pressed(site: Site) -> None:
    """The run is running, the page says that the queue is away, and it goes out."""
    site.kill_redis()
    site.add(*numbered(3))
    run_id = site.world.run()
    browser = site.pages()
    browser.look(f"/runs/{run_id}")
    answer = browser.press(f"/runs/{run_id}/sending")
    assert answer.status_code == 303
    assert site.world.status(run_id) == "running"
    said = text_of(browser.look(f"/runs/{run_id}"))
    assert "Redis is away" in said
    assert accounted(site.world, run_id) == {"ready": 3}
    site.start_worker()
    site.until_finished(run_id)
    assert accounted(site.world, run_id) == {"sent": 3}


@pytest.mark.slow_fault
@pytest.mark.timeout(AWAY + 200)
def test_f11_redis_away_for_long_with_workers_up(site: Site) -> None:
    """Without a hand: a run that is started meanwhile goes out, and one that is started when Redis is back
    does so within a minute. Away for 20 s; MAILRUN_FAULTS_REDIS_AWAY=600 makes it the ten minutes of the
    table."""
    for _ in range(2):
        site.start_worker()
    site.until(lambda: site.rq.scard("rq:workers") == 2)
    site.kill_redis()
    gone = time.monotonic()
    run_id = site.send(*numbered(5))
    site.until_finished(run_id)
    assert accounted(site.world, run_id) == {"sent": 5}
    site.until(lambda: time.monotonic() - gone > AWAY, AWAY + 10)
    assert [worker.poll() for worker in site.workers] == [None, None]
    site.start_redis()
    second = site.send(*numbered(5, "later"))
    site.until_finished(second, WITHIN)
    assert accounted(site.world, second) == {"sent": 5, "skipped": 5}  # these had theirs
