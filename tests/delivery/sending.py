"""What the tests of sending share."""

from __future__ import annotations

from tests.world import World
from webapp.access import OPERATOR
from webapp.results import resend
from webapp.results.bulk import BulkOutcome, BulkSelection
from webapp.workers import WorkerProcess


def send_again(
    world: World, run_id: int, *, confirmed: bool = False, status: str = "", reason: str = ""
) -> BulkOutcome:
    chosen = BulkSelection(run_id, status=status, reason=reason)
    with world.runtime.database.writing() as session:
        return resend.send_again(session, world.runtime.queue, chosen, OPERATOR, confirmed=confirmed)


def sent(world: World, worker: WorkerProcess, customers: int = 1) -> int:
    for _ in range(customers):
        world.add()
    run_id = world.deliver(worker)
    assert world.statuses(run_id) == ["sent"] * customers
    return run_id
