"""Archived runs are out of the way, and nothing else about them changes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.world import World
from webapp.access import OPERATOR
from webapp.errors import Refused
from webapp.runs import archive, queries
from webapp.runs.queries import RunFilter
from webapp.store.statuses import Role
from webapp.store.users import AuditEntry


def listed(world: World, **shown: object) -> list[int]:
    with world.runtime.database.reading() as session:
        page = queries.runs(session, OPERATOR, RunFilter(**shown), None)  # type: ignore[arg-type]
        return [line.run.id for line in page.rows]


def test_archived_and_back(world: World) -> None:
    world.add()
    first, second = world.run(), world.run()
    with world.runtime.database.writing() as session:
        archive.archive(session, first, OPERATOR)
        archive.archive(session, first, OPERATOR)
    assert (listed(world), listed(world, state="archived")) == ([second], [first])
    assert listed(world, state="created") == [second]
    with world.runtime.database.reading() as session:
        states = queries.states(session, OPERATOR)
        assert (states["created"], states["archived"]) == (1, 1)
    assert world.start(first) == "Started."
    with world.runtime.database.writing() as session:
        archive.unarchive(session, first, OPERATOR)
    assert listed(world) == [second, first]
    with world.runtime.database.reading() as session:
        done = [entry.action for entry in session.query(AuditEntry).order_by(AuditEntry.id)]
    assert done[2:] == ["archive", "start", "unarchive"]


def test_a_run_that_runs_is_not_archived(world: World) -> None:
    world.add()
    run_id = world.run(start=True)
    with pytest.raises(Refused, match="Stop it first"), world.runtime.database.writing() as session:
        archive.archive(session, run_id, OPERATOR)


def test_a_viewer_may_not(world: World) -> None:
    run_id = world.run()
    looking = replace(OPERATOR, role=Role.VIEWER)
    with pytest.raises(Refused), world.runtime.database.writing() as session:
        archive.archive(session, run_id, looking)


def test_the_list_by_definition_problem_and_who_stopped(world: World) -> None:
    world.add()
    world.add("")
    first, second = world.run(), world.run(start=True)
    world.stop(second)
    assert listed(world, definition=world.definition.id) == [second, first]
    assert listed(world, definition=world.definition.id + 1) == []
    assert listed(world, problem="no_recipient") == [second, first]
    assert listed(world, problem="failed") == []
    with pytest.raises(ValueError, match="nonsense"):
        listed(world, problem="nonsense")
    with world.runtime.database.reading() as session:
        lines = queries.some_runs(session, OPERATOR, [second])
    assert [line.stopped_by for line in lines] == ["command line"]
