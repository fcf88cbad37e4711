"""A plan over the small world, and the people around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import select

from tests.http_client import PASSWORD
from tests.world import World
from webapp.new_run import generation
from webapp.plans import making
from webapp.store.plans import Plan, PlanOccurrence
from webapp.store.runs import Run
from webapp.store.users import User
from webapp.users.accounts import create_user

OWNER = "jonas@example.com"
THIRD_OF_NOVEMBER = datetime(2026, 11, 3, 6, tzinfo=UTC)
"""07:00 in Amsterdam, the second working day of November 2026: the plan's date."""


@dataclass
class Plans:
    """What is tried with plans: the invoices of `world` are of October, a plan takes the last month."""

    world: World

    def add(self, **fields: object) -> int:
        """A plan that is due on 3 November 2026 at 07:00; returns its id."""
        with self.world.runtime.database.writing() as session:
            owner = session.scalars(select(User).where(User.email == OWNER)).one()
            values: dict[str, object] = {
                "name": "Monthly",
                "owner_id": owner.id,
                "definition_id": self.world.definition.id,
                "cluster_id": self.world.everybody.id,
                "period": "last_month",
                "every": "month",
                "day": "working_day",
                "nth": 2,
                "at": "07:00",
                "time_zone": "Europe/Amsterdam",
                "country": "NL",
                "action": "start",
                "next_day": date(2026, 11, 3),
                "next_nominal": date(2026, 11, 3),
                "next_at": THIRD_OF_NOVEMBER,
                "made_by": OWNER,
            }
            plan = Plan(**values | fields)
            session.add(plan)
            session.flush()
            return plan.id

    def work(self, at: datetime = THIRD_OF_NOVEMBER) -> None:
        """What the sweeps of a worker do at this time: runs are made, their lists too, then it is decided."""
        making.work_off(self.world.runtime, at)
        for run in self.runs():
            generation.generate(self.world.runtime, run.id)
        making.work_off(self.world.runtime, at)

    def runs(self) -> Sequence[Run]:
        with self.world.runtime.database.reading() as session:
            return session.scalars(select(Run).order_by(Run.id)).all()

    def occurrences(self) -> Sequence[PlanOccurrence]:
        with self.world.runtime.database.reading() as session:
            return session.scalars(select(PlanOccurrence).order_by(PlanOccurrence.id)).all()

    def plan(self, plan_id: int) -> Plan:
        with self.world.runtime.database.reading() as session:
            return session.get_one(Plan, plan_id)


@pytest.fixture
def owner(world: World) -> str:
    """Jonas, a manager who may send."""
    with world.runtime.database.writing() as session:
        create_user(session, OWNER, PASSWORD, "manager")
    return OWNER


@pytest.fixture
def plans(world: World, owner: str) -> Plans:
    return Plans(world)
