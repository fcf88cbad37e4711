"""Runs are made slice by slice: by several workers at once, beside runs that send, and after a crash."""

from __future__ import annotations

from threading import Event, Thread

import pytest

from tests.world import World
from webapp.access import OPERATOR
from webapp.errors import Refused
from webapp.new_run import creation, generation, pacing
from webapp.store.runs import Run


def run_to_make(world: World, customers: int) -> Run:
    """A run whose results are yet to be made."""
    for _ in range(customers):
        world.add()
    with world.runtime.database.writing() as session:
        return creation.create(session, world.runtime.queue, creation.RunRequest(world.choice()), OPERATOR)


def slices_of(monkeypatch: pytest.MonkeyPatch, first: int, at_most: int | None = None) -> None:
    """Let the first slice have this many customers, a later one no more than `at_most` (None: as many)."""
    monkeypatch.setattr(generation, "SLICE_CUSTOMERS_FIRST", first)
    monkeypatch.setattr(pacing, "SLICE_CUSTOMERS_MAX", at_most or first)


@pytest.mark.parametrize("gives_way", [False, True])
def test_a_run_is_made_in_slices_by_two_makers_at_once(
    world: World, monkeypatch: pytest.MonkeyPatch, gives_way: bool
) -> None:
    slices_of(monkeypatch, 3)
    run = run_to_make(world, customers=20)
    how = {"gives_way": gives_way}
    makers = [Thread(target=generation.generate, args=(world.runtime, run.id), kwargs=how) for _ in "ab"]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join()
    assert world.statuses(run.id) == ["ready"] * 20


def test_a_worker_leaves_a_run_to_the_one_that_makes_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    slices_of(monkeypatch, 1)
    run = run_to_make(world, customers=40)
    ends = Event()

    def is_leaving() -> bool:
        return ends.wait(0.2)

    first = Thread(target=generation.generate, args=(world.runtime, run.id, is_leaving))
    first.start()
    while not world.results(run.id):
        ends.wait(0.05)
    generation.generate(world.runtime, run.id, gives_way=True)
    assert first.is_alive()
    assert len(world.results(run.id)) < 30
    ends.set()
    first.join()
    generation.generate(world.runtime, run.id, gives_way=True)  # no other worker is at it any more
    assert world.statuses(run.id) == ["ready"] * 40


def test_slices_are_smaller_while_another_run_sends(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    slices_of(monkeypatch, 5, at_most=10)
    monkeypatch.setattr(pacing, "SLICE_CUSTOMERS_MAX_SHARED", 2)
    for _ in range(25):
        world.add()
    slices: list[int] = []
    whole = generation._generate_slice

    def counted(*args: object, **kwargs: object) -> None:
        before = sum(slices)
        whole(*args, **kwargs)  # type: ignore[arg-type]
        slices.append(int(str(args[3])) - before)  # up to which customer

    monkeypatch.setattr(generation, "_generate_slice", counted)
    first = world.run()
    alone, slices[:] = slices[:], []
    assert alone == [5, 10, 10]
    world.start(first)
    monkeypatch.setattr(generation, "SHARED_PAUSE_SECONDS", 0)
    world.run()
    assert slices == [5, *[2] * 10]


def test_a_half_made_run_cannot_be_started_and_is_completed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    slices_of(monkeypatch, 2)
    run = run_to_make(world, customers=5)
    whole = generation._generate_slice

    def crash_in_the_second(*args: object, **kwargs: object) -> None:
        whole(*args, **kwargs)  # type: ignore[arg-type]
        if world.results(run.id):
            raise KeyboardInterrupt

    monkeypatch.setattr(generation, "_generate_slice", crash_in_the_second)
    with pytest.raises(KeyboardInterrupt):
        generation.generate(world.runtime, run.id)
    assert world.statuses(run.id) == ["ready"] * 2
    with pytest.raises(Refused, match="still being created"):
        world.start(run.id)
    monkeypatch.setattr(generation, "_generate_slice", whole)
    generation.generate(world.runtime, run.id)
    assert world.statuses(run.id) == ["ready"] * 5


def test_a_worker_leaves_between_two_slices_and_the_next_one_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    slices_of(monkeypatch, 2)
    run = run_to_make(world, customers=5)
    generation.generate(world.runtime, run.id, iter([False, True]).__next__)
    assert world.statuses(run.id) == ["ready"] * 2
    generation.generate(world.runtime, run.id)
    assert world.statuses(run.id) == ["ready"] * 5
