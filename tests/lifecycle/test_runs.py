"""Start and Stop: exact, harmless when repeated, and only for those who may."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from sqlalchemy import update

from tests.world import World
from webapp.access import OPERATOR
from webapp.delivery import claims, drain
from webapp.delivery.attempts import ClaimLost, ClaimRef
from webapp.errors import Refused
from webapp.lifecycle import runs
from webapp.messages.inputs import load_inputs
from webapp.new_run import creation, generation
from webapp.store.customers import Cluster
from webapp.store.definitions import MessageDefinition
from webapp.store.runs import Run
from webapp.store.statuses import Role
from webapp.store.users import AuditEntry
from webapp.workers import WorkerProcess


def test_twenty_starts_at_once_have_one_effect(world: World) -> None:
    world.add()
    run_id = world.run()
    said: list[str] = []
    threads = [threading.Thread(target=lambda: said.append(world.start(run_id))) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(said) == ["Started."] + ["This run is already running."] * 19
    with world.runtime.database.reading() as session:
        assert session.query(AuditEntry).filter_by(action="start").count() == 1


def test_a_run_with_nothing_to_send_is_finished_by_start(world: World) -> None:
    world.add("")
    run_id = world.run()
    assert world.status(run_id) == "created"
    assert "nothing to send" in world.start(run_id)
    assert world.status(run_id) == "finished"
    assert "already finished" in world.start(run_id)
    assert "already finished" in world.stop(run_id)


def test_no_mark_holds_after_stop_has_answered(world: World, worker: WorkerProcess) -> None:
    world.add()
    run_id = world.run()
    world.start(run_id)
    with world.runtime.database.writing() as session:
        claim = claims.claim(session, run_id, worker.id, 10)
        [work] = load_inputs(session, claim.result_ids)
    world.stop(run_id)
    with pytest.raises(ClaimLost):
        world.mark(work, ClaimRef(worker.id, claim.token, 1))
    assert world.statuses(run_id) == ["ready"]


def test_stop_in_mid_run_then_start_goes_on(world: World, worker: WorkerProcess) -> None:
    for _ in range(60):
        world.add()
    world.server.delay = 0.05
    run_id = world.run()
    world.start(run_id)
    draining = threading.Thread(target=drain.drain, args=(world.runtime, worker, run_id))
    draining.start()
    while len(world.server.taken) < 5:
        worker.stopping.wait(0.01)
    world.stop(run_id)
    taken = len(world.server.taken)
    draining.join()
    assert len(world.server.taken) - taken <= 4  # one per connection
    found = world.statuses(run_id)
    assert set(found) == {"ready", "sent"}
    assert all(result.worker_id is None for result in world.results(run_id))
    assert world.start(run_id) == "Started."
    world.work(worker, run_id)
    assert world.statuses(run_id) == ["sent"] * 60
    assert len(world.server.taken) == 60


def test_stop_while_the_list_is_made_keeps_it_from_starting_by_itself(world: World) -> None:
    world.add()
    with world.runtime.database.writing() as session:
        queue, choice = world.runtime.queue, world.choice()
        run = creation.create(session, queue, creation.RunRequest(choice, start=True), OPERATOR)
    assert "no longer starts by itself" in world.stop(run.id)
    assert world.stop(run.id) == "This run has not been started."
    generation.generate(world.runtime, run.id)
    assert world.status(run.id) == "created"
    assert world.start(run.id) == "Started."


def test_long_names_make_a_run_that_has_no_name_of_its_own(world: World) -> None:
    with world.runtime.database.writing() as session:
        session.execute(update(MessageDefinition).values(name="D" * 200))
        session.get_one(Cluster, world.everybody.id).tag_name = "C" * 200
    world.add()
    with world.runtime.database.reading() as session:
        name = session.get_one(Run, world.run()).name
    assert "DD…, CC" in name
    assert name.endswith("CC…, 1 to 31 October 2026")


def test_a_viewer_may_not_start(world: World) -> None:
    world.add()
    run_id = world.run()
    onlooker = replace(OPERATOR, role=Role.VIEWER)
    with pytest.raises(Refused, match="read-only"), world.runtime.database.writing() as session:
        runs.start(session, world.runtime.queue, run_id, onlooker)
    assert world.status(run_id) == "created"
