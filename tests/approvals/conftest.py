"""A run of several mails above the limit, and the people around it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from sqlalchemy import select, update

from tests.world import World
from webapp.access import OPERATOR, Viewer
from webapp.extensions import Runtime
from webapp.lifecycle import approvals, approving, runs
from webapp.store.approvals import RunApproval
from webapp.store.installation import Installation
from webapp.store.runs import Run
from webapp.store.statuses import Role
from webapp.users.accounts import create_user

PASSWORD = "correct horse battery"
MANAGER = replace(OPERATOR, name="jonas@example.com", role=Role.MANAGER)
APPROVER = Viewer("marit@example.com", Role.VIEWER, right_to_approve=True)


@pytest.fixture
def people(runtime: Runtime) -> None:
    """Jonas, who sends, and Marit, who only looks and approves."""
    with runtime.database.writing() as session:
        create_user(session, MANAGER.name, PASSWORD, "manager")
        create_user(session, APPROVER.name, PASSWORD, "viewer", may_approve=True)


@dataclass
class FourEyes:
    """What is tried around an approval."""

    world: World

    def limit(self, mails: int | None = None, amount: object = None) -> None:
        """Set the limits."""
        with self.world.runtime.database.writing() as session:
            session.execute(update(Installation).values(approval_mails=mails, approval_amount=amount))

    def start(self, run_id: int, viewer: Viewer = MANAGER) -> str:
        """Press Start."""
        with self.world.runtime.database.writing() as session:
            return runs.start(session, self.world.runtime.queue, run_id, viewer)

    def approve(self, run_id: int, viewer: Viewer = APPROVER, seen: str | None = None) -> str:
        """Press Approve, on the list that was asked for unless another is named."""
        with self.world.runtime.database.writing() as session:
            digest = self.asked(run_id).digest if seen is None else seen
            return approving.approve(session, self.world.runtime.queue, run_id, viewer, digest)

    def asked(self, run_id: int) -> RunApproval:
        """The newest request."""
        with self.world.runtime.database.reading() as session:
            found = approvals.latest(session, run_id)
            assert found is not None
            return found

    def decisions(self, run_id: int) -> list[str]:
        """What became of every request, the oldest first."""
        with self.world.runtime.database.reading() as session:
            of_run = select(RunApproval.decision).where(RunApproval.run_id == run_id)
            return list(session.scalars(of_run.order_by(RunApproval.id)))

    def awaits(self, run_id: int) -> bool:
        """Whether the run waits for a second person."""
        with self.world.runtime.database.reading() as session:
            return session.get_one(Run, run_id).awaits_approval


@pytest.fixture
def four_eyes(world: World, people: None) -> FourEyes:
    """Runs of more than one mail need an approval."""
    found = FourEyes(world)
    found.limit(1)
    return found


@pytest.fixture
def big_run(four_eyes: FourEyes, world: World) -> Callable[[], int]:
    """Make a run of three mails."""

    def make() -> int:
        for _n in range(3):
            world.add()
        return world.run()

    return make
