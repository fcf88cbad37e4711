"""Ways to have mails go out without the second person, in runs that are sending or have finished."""

from __future__ import annotations

from typing import Any

from tests.approvals.conftest import MANAGER, FourEyes
from tests.world import World
from webapp.results import actions
from webapp.results.bulk import BulkSelection
from webapp.store.statuses import RunStatus


def take_out(world: World, run_id: int, ids: tuple[int, ...]) -> None:
    with world.runtime.database.writing() as session:
        actions.remove(session, BulkSelection(run_id, ids), MANAGER)


def put_back(world: World, run_id: int, ids: tuple[int, ...]) -> None:
    with world.runtime.database.writing() as session:
        actions.put_back(session, world.runtime.queue, BulkSelection(run_id, ids), MANAGER)


def test_bounces_that_are_taken_out_still_count(four_eyes: FourEyes, world: World, worker: Any) -> None:
    for _n in range(3):
        world.add()
    run_id = world.run()
    first, second, third = [result.id for result in world.results(run_id)]
    take_out(world, run_id, (second, third))
    four_eyes.start(run_id)
    world.work(worker, run_id)
    assert world.statuses(run_id) == ["sent", "removed", "removed"]
    with world.runtime.database.writing() as session:
        actions.mark_bounced(session, BulkSelection(run_id, (first,)), MANAGER)
    take_out(world, run_id, (first,))
    put_back(world, run_id, (second,))
    assert (world.status(run_id), four_eyes.awaits(run_id)) == (RunStatus.STOPPED, True)
