"""`mailrun plans`, and what the doctor says of plans."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from tests import factories
from tests.plans.conftest import THIRD_OF_NOVEMBER, Plans
from webapp.launch.plan_checks import plan_checks
from webapp.plans.commands import plan_commands
from webapp.store.definitions import MessageDefinition
from webapp.store.plans import Plan
from webapp.store.types import now
from webapp.store.users import User, UserCluster

FAR = {"next_at": now().replace(year=2030)}


def call(app: Flask, *words: str) -> tuple[int, str]:
    result = app.test_cli_runner().invoke(plan_commands, words)
    return result.exit_code, result.output


def test_list(app: Flask, plans: Plans) -> None:
    plans.add(**FAR)
    code, said = call(app, "list")
    assert code == 0
    assert "every month on the second working day at 07:00, Europe/Amsterdam" in said
    _code, said = call(app, "list", "--json")
    assert json.loads(said)["plan"] == "Monthly"


def test_run_makes_the_run_of_the_one_who_asks(app: Flask, plans: Plans) -> None:
    plan_id = plans.add(**FAR, action="create")
    code, _said = call(app, "run", "Monthly")
    [run], [made] = plans.runs(), plans.occurrences()
    assert (code, run.created_by, made.asked_by, made.state) == (
        0,
        "command line",
        "command line",
        "created",
    )
    assert plans.plan(plan_id).next_at == FAR["next_at"]
    code, said = call(app, "run", "Yearly")
    assert (code, "There is no plan “Yearly”." in said) == (1, True)


def test_run_says_why_it_made_none(app: Flask, plans: Plans) -> None:
    plans.add(**FAR)
    with plans.world.runtime.database.writing() as session:
        session.execute(update(User).values(may_send=False))
    code, said = call(app, "run", "Monthly")
    assert (code, "may not send any more" in said, plans.runs()) == (1, True, [])


@pytest.mark.parametrize(
    ("fields", "look", "words"),
    [
        (FAR, "ok", "next at 2030"),
        ({**FAR, "problem": "It was held."}, "warn", "It was held; next at 2030"),
        ({"next_at": None, "paused_at": now(), "paused_by": "marit"}, "warn", "paused by marit"),
        (
            {"next_at": None, "paused_at": now(), "paused_by": "Mailrun", "problem": "Its zone is gone."},
            "warn",
            "paused by Mailrun: Its zone is gone.",
        ),
        ({**FAR, "country": "ZZ"}, "WRONG", "are not known on this machine"),
        ({"next_at": now().replace(year=2020)}, "WRONG", "was due at 2020"),
    ],
)
def test_the_doctor_knows_plans(plans: Plans, fields: dict[str, object], look: str, words: str) -> None:
    plans.add(**fields)
    [found] = plan_checks(plans.world.runtime)
    assert found.look == look
    assert words in found.words


def test_the_doctor_finds_an_owner_without_rights(plans: Plans) -> None:
    plans.add(**FAR)
    with plans.world.runtime.database.writing() as session:
        session.execute(update(User).values(may_send=False))
    [found] = plan_checks(plans.world.runtime)
    assert found.look == "WRONG"


def test_the_doctor_finds_an_owner_who_does_not_see_the_cluster(plans: Plans) -> None:
    plans.add(**FAR)
    with plans.world.runtime.database.writing() as session:
        apart = factories.cluster(session, "apart")
        owner = session.scalars(select(User)).one()
        session.add(UserCluster(user_id=owner.id, cluster_id=apart.id))
    [found] = plan_checks(plans.world.runtime)
    assert (found.look, "does not see its cluster “all” any more" in found.words) == ("WRONG", True)


def test_the_doctor_finds_a_retired_definition(plans: Plans) -> None:
    plans.add(**FAR)
    with plans.world.runtime.database.writing() as session:
        session.execute(update(MessageDefinition).values(retired_at=now()))
    [found] = plan_checks(plans.world.runtime)
    assert (found.look, "is retired" in found.words) == ("WRONG", True)


def test_the_doctor_tells_of_a_missed_date_until_the_next_one_came(plans: Plans) -> None:
    plans.world.add()
    plan_id = plans.add()
    plans.work(THIRD_OF_NOVEMBER + timedelta(hours=13))
    _come_to(plans, plan_id, FAR["next_at"])
    [found] = plan_checks(plans.world.runtime)
    assert found.look == "warn"
    assert "missed its date 2026-11-03: No worker was up" in found.words
    assert "next at 2030" in found.words
    _come_to(plans, plan_id, now())
    plans.work(now())
    _come_to(plans, plan_id, FAR["next_at"])
    [found] = plan_checks(plans.world.runtime)
    assert (found.look, found.words[:7]) == ("ok", "next at")


def test_the_doctor_tells_of_a_run_that_waits_until_it_is_started(plans: Plans) -> None:
    plans.world.add()
    plan_id = plans.add(action="wait")
    plans.work()
    _come_to(plans, plan_id, FAR["next_at"])
    [run] = plans.runs()
    [found] = plan_checks(plans.world.runtime)
    assert (found.look, f"run {run.id} waits for a person" in found.words) == ("warn", True)
    plans.world.start(run.id)
    assert [each.look for each in plan_checks(plans.world.runtime)] == ["ok"]


def _come_to(plans: Plans, plan_id: int, at: object) -> None:
    """Have the plan's next date be at this time."""
    with plans.world.runtime.database.writing() as session:
        day = date(2029, 1, plan_id) if at == FAR["next_at"] else date(2026, 12, 1)
        values = {"next_at": at, "next_day": day, "next_nominal": date(2026, 11, 3)}
        session.execute(update(Plan).where(Plan.id == plan_id).values(values))


def test_the_doctor_says_that_there_is_none(plans: Plans) -> None:
    [found] = plan_checks(plans.world.runtime)
    assert (found.look, found.words) == ("ok", "there is none")
