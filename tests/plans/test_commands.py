"""`mailrun plans`, and what the doctor says of plans."""

from __future__ import annotations

import json

import pytest
from flask import Flask
from sqlalchemy import update

from tests.plans.conftest import Plans
from webapp.launch.plan_checks import plan_checks
from webapp.plans.commands import plan_commands
from webapp.store.types import now
from webapp.store.users import User

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
        ({**FAR, "problem": "It was held."}, "warn", "It was held."),
        ({"next_at": None, "paused_at": now(), "paused_by": "marit"}, "warn", "paused by marit"),
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


def test_the_doctor_says_that_there_is_none(plans: Plans) -> None:
    [found] = plan_checks(plans.world.runtime)
    assert (found.look, found.words) == ("ok", "there is none")
