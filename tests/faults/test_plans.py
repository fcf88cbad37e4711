"""A plan's date, with three workers killed around its minute: one run, never two and never none."""

from __future__ import annotations

import random
import time
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from tests.faults.installation import Site
from tests.http_client import PASSWORD
from tests.plans.conftest import OWNER, Plans
from webapp.store.plans import PlanOccurrence
from webapp.store.types import now
from webapp.users.accounts import create_user

WORKERS = 3
AHEAD_SECONDS, SPREAD_SECONDS = 0.4, 0.6
"""How long after its round begins a date is due, and how long from just before it the kills are spread."""
DECIDED_SECONDS = 60.0


def storm(site: Site, rounds: int, dice: random.Random) -> None:
    """One plan a round. All workers are killed at random moments around its time, and replaced."""
    with site.world.runtime.database.writing() as session:
        create_user(session, OWNER, PASSWORD, "manager")
    plans = Plans(site.world)
    for number in range(1, rounds + 1):
        site.world.add()
        while len(site.workers) < WORKERS:
            site.start_worker()
        due = now() + timedelta(seconds=AHEAD_SECONDS)
        plans.add(name=f"Plan {number}", next_at=due, next_day=date(2026, 11, 3))
        moments = sorted(AHEAD_SECONDS - 0.1 + dice.random() * SPREAD_SECONDS for _worker in range(WORKERS))
        began = time.monotonic()
        for moment in moments:
            time.sleep(max(0.0, began + moment - time.monotonic()))
            site.workers.pop(0).kill()
            site.start_worker()
        _wait_until_decided(site, number)
        assert len(plans.runs()) == number


def _wait_until_decided(site: Site, number: int) -> None:
    """Until the date of the round's plan has been decided on."""
    of_round = select(PlanOccurrence.state).where(PlanOccurrence.plan_name == f"Plan {number}")
    until = time.monotonic() + DECIDED_SECONDS
    while time.monotonic() < until:
        with site.world.runtime.database.reading() as session:
            if session.scalars(of_round).all() == ["started"]:
                return
        time.sleep(0.05)
    pytest.fail(f"round {number} was not decided: {Plans(site.world).occurrences()[-1:]}")


def _each_once(site: Site, rounds: int) -> None:
    plans = Plans(site.world)
    made = plans.occurrences()
    assert [each.plan_name for each in made] == [f"Plan {number}" for number in range(1, rounds + 1)]
    assert len({each.run_id for each in made}) == len(plans.runs()) == rounds
    assert None not in {each.run_id for each in made}


def test_workers_killed_around_the_minute_make_one_run(site: Site) -> None:
    storm(site, 4, random.Random(20))
    _each_once(site, 4)


@pytest.mark.slow_fault
@pytest.mark.timeout(1800)
def test_a_hundred_minutes_with_three_workers_killed(site: Site) -> None:
    storm(site, 100, random.Random(100))
    _each_once(site, 100)
