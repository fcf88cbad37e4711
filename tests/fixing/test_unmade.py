"""A mail that could not be made leads to its definition, and is made again with what that says today."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fixing.conftest import fields, hidden, part
from tests.http_client import LogIn, text_of
from tests.world import World
from webapp.results.to_fix import OpenCause
from webapp.store.definitions import MessageDefinition
from webapp.workers import WorkerProcess


def set_definition(world: World, **values: Any) -> None:
    with world.runtime.database.writing() as session:
        definition = session.get_one(MessageDefinition, world.definition.id)
        for name, value in values.items():
            setattr(definition, name, value)


@pytest.fixture
def failed_run(world: World, worker: WorkerProcess) -> int:
    """A run whose definition names an invoice where there are several."""
    world.add("a@x.test")
    set_definition(world, collate=True)
    return world.deliver(worker)


def test_it_leads_to_the_definition_and_not_to_the_address(
    world: World, log_in: LogIn, failed_run: int
) -> None:
    browser = log_in("manager")
    link = f'href="/definitions/{world.definition.id}"'
    [result] = world.results(failed_run)
    shown = browser.look(f"/results/{result.id}")
    assert link in shown.text
    assert "This mail could not be made." in text_of(shown)
    assert "Check the address" not in shown.text + browser.look(f"/runs/{failed_run}").text
    assert link in browser.look(f"/runs/{failed_run}").text
    assert "could not be made" in part(browser, "failed-otherwise")
    assert link in browser.look("/fix").text


def test_it_goes_out_with_todays_version(
    world: World, log_in: LogIn, worker: WorkerProcess, failed_run: int
) -> None:
    set_definition(world, collate=False)
    browser = log_in("manager")
    asked = browser.press("/fix", **fields(browser, OpenCause.FAILED_OTHERWISE))
    assert "Send 1 mail?" in text_of(asked)
    browser.press("/fix", **hidden(asked.text), send="1")
    world.work(worker, failed_run)
    assert world.statuses(failed_run) == ["sent"]
