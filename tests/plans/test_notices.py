"""The owner of a plan is told of a date that needs a person; where they cannot be, administrators are."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from tests import factories
from tests.http_client import PASSWORD
from tests.plans.conftest import OWNER, THIRD_OF_NOVEMBER, Plans
from webapp.store.notices import Notice
from webapp.store.types import now
from webapp.store.users import User, UserCluster
from webapp.users.accounts import create_user

ADMIN = "admin@example.com"


def told(plans: Plans) -> list[tuple[str, str, str, int | None]]:
    """(user, kind, state of the date, run) of each notice."""
    with plans.world.runtime.database.reading() as session:
        rows = session.execute(select(User.email, Notice).join(Notice, Notice.user_id == User.id)).all()
    return [(email, notice.kind, notice.details["state"], notice.run_id) for email, notice in rows]


@pytest.fixture
def admin(plans: Plans) -> str:
    with plans.world.runtime.database.writing() as session:
        create_user(session, ADMIN, PASSWORD, "admin")
    return ADMIN


@pytest.mark.parametrize(("action", "state"), [("wait", "waiting"), ("start", "unexpected")])
def test_a_run_that_waits_for_its_owner_is_told_once(
    plans: Plans, admin: str, action: str, state: str
) -> None:
    plans.world.add()
    plans.add(action=action, count_margin=5)
    plans.work()
    plans.work()
    [run] = plans.runs()
    assert told(plans) == [(OWNER, "plan_held", state, run.id)]


def test_a_run_that_starts_or_is_only_created_is_not(plans: Plans, admin: str) -> None:
    plans.world.add()
    plans.add()
    plans.add(name="Only created", action="create")
    plans.work()
    assert [kind for _email, kind, *_ in told(plans)] == []


def test_a_date_that_was_missed_is_told(plans: Plans, admin: str) -> None:
    plans.add(late_hours_max=1)
    plans.work(THIRD_OF_NOVEMBER + timedelta(hours=3))
    assert told(plans) == [(OWNER, "plan_held", "skipped", None)]


@pytest.mark.parametrize("why", ["disabled", "bound elsewhere"])
def test_where_the_owner_cannot_be_told_administrators_are(plans: Plans, admin: str, why: str) -> None:
    plans.world.add()
    plans.add()
    with plans.world.runtime.database.writing() as session:
        owner = session.scalars(select(User).where(User.email == OWNER)).one()
        if why == "disabled":
            session.execute(update(User).where(User.id == owner.id).values(disabled_at=now()))
        else:
            apart = factories.cluster(session, "apart")
            session.add(UserCluster(user_id=owner.id, cluster_id=apart.id))
    plans.work()
    assert told(plans) == [(ADMIN, "plan_held", "held", None)]
