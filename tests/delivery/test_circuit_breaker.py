"""A run stops itself when refusals pile up, and says why."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.world import World
from webapp.runs import report
from webapp.store.runs import Run
from webapp.workers import WorkerProcess


def problem(world: World, run_id: int) -> str | None:
    with world.runtime.database.reading() as session:
        return report.problem(session, session.get_one(Run, run_id))


@pytest.fixture
def strict(world: World) -> World:
    """Five refusals are too many."""
    world.runtime = replace(world.runtime, settings=replace(world.runtime.settings, refusals_to_stop=5))
    return world


def test_refusals_that_pile_up_stop_the_run(strict: World, worker: WorkerProcess) -> None:
    for n in range(60):
        strict.add(f"reject-550.{n}@customers.test")
    run_id = strict.deliver(worker)
    assert strict.status(run_id) == "stopped"
    failed = strict.statuses(run_id).count("failed")
    assert 5 <= failed <= 5 + 4  # what the other connections had under way
    told = problem(strict, run_id)
    assert told is not None
    assert "550 <reject-550." in told
    assert "stopped itself" in told


def test_start_goes_on_and_counts_from_zero(strict: World, worker: WorkerProcess) -> None:
    for n in range(20):
        strict.add(f"reject-550.{n}@customers.test")
    run_id = strict.deliver(worker)
    first = strict.statuses(run_id).count("failed")
    assert strict.start(run_id) == "Started."
    assert problem(strict, run_id) is None
    strict.work(worker, run_id)
    assert strict.status(run_id) == "stopped"
    assert strict.statuses(run_id).count("failed") >= first + 5


def test_some_refusals_among_many_mails_do_not(strict: World, worker: WorkerProcess) -> None:
    for n in range(80):
        strict.add(f"{'reject-550.' if n % 20 == 0 else ''}{n}@customers.test")
    run_id = strict.deliver(worker)
    assert strict.status(run_id) == "finished"


def test_nought_means_never(strict: World, worker: WorkerProcess) -> None:
    strict.runtime = replace(strict.runtime, settings=replace(strict.runtime.settings, refusals_to_stop=0))
    for n in range(20):
        strict.add(f"reject-550.{n}@customers.test")
    assert strict.status(strict.deliver(worker)) == "finished"
