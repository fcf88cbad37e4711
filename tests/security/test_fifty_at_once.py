"""Fifty people who press the same at the same moment: one effect (Start: tests/faults/test_people.py)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest
from sqlalchemy import func, select

from tests.results.staged import made
from tests.world import World
from webapp.access import OPERATOR
from webapp.lifecycle import runs
from webapp.results import actions, resend
from webapp.results.bulk import BulkSelection
from webapp.store.statuses import ResultStatus
from webapp.store.users import AuditEntry

PEOPLE = 50
Pressed = TypeVar("Pressed")


def together(press: Callable[[], Pressed]) -> list[Pressed]:
    """What each of them is answered."""
    gate = threading.Barrier(PEOPLE)

    def one() -> Pressed:
        gate.wait()
        return press()

    with ThreadPoolExecutor(PEOPLE) as people:
        return [future.result() for future in [people.submit(one) for _ in range(PEOPLE)]]


def noted(world: World, action: str) -> int:
    with world.runtime.database.reading() as session:
        return session.scalar(select(func.count()).where(AuditEntry.action == action)) or 0


@pytest.mark.security("C24")
def test_fifty_stops_stop_once(world: World) -> None:
    world.add()
    run_id = world.run()
    world.start(run_id)
    said = together(lambda: world.stop(run_id))
    assert (world.status(run_id), noted(world, "stop")) == ("stopped", 1)
    assert len(set(said)) == 2


@pytest.mark.security("C24")
def test_fifty_removals_remove_once(world: World) -> None:
    run_id, ids = made(world, *[ResultStatus.READY] * 3)
    chosen = BulkSelection(run_id, tuple(map(int, ids)))

    def press() -> int:
        with world.runtime.database.writing() as session:
            return actions.remove(session, chosen, OPERATOR).changed

    assert sum(together(press)) == 3
    assert world.statuses(run_id) == ["removed"] * 3


@pytest.mark.security("C24")
def test_fifty_send_agains_send_once_more(world: World) -> None:
    run_id, [id] = made(world, ResultStatus.SENT)
    with world.runtime.database.writing() as session:
        runs.start(session, world.runtime.queue, run_id, OPERATOR)

    def press() -> int:
        with world.runtime.database.writing() as session:
            chosen = BulkSelection(run_id, (int(id),))
            return resend.send_again(session, world.runtime.queue, chosen, OPERATOR, confirmed=True).changed

    assert sum(together(press)) == 1
    assert world.statuses(run_id) == ["ready"]
