"""Who owns a result, and what its re-check looks at."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests import factories
from tests.world import World
from webapp.access import OPERATOR
from webapp.delivery import claims
from webapp.lifecycle.results import lock_results, transition
from webapp.mailservers import connection_slots
from webapp.results import actions
from webapp.results.bulk import BulkSelection
from webapp.selection.recheck import recheck
from webapp.store.definitions import DefinitionVersion
from webapp.store.mailservers import ConnectionSlot, MailServer
from webapp.store.runs import Result, Run
from webapp.store.statuses import ResultStatus
from webapp.workers import WorkerProcess


def test_a_result_is_claimed_by_one_worker_only(world: World, worker: WorkerProcess) -> None:
    for _ in range(5):
        world.add()
    run_id = world.run()
    world.start(run_id)

    def claimed(by: WorkerProcess) -> claims.Claim:
        with world.runtime.database.writing() as session:
            return claims.claim(session, run_id, by.id, 10)

    first, second = claimed(worker), claimed(WorkerProcess(world.runtime.database))
    assert (len(first.result_ids), len(second.result_ids)) == (5, 0)
    assert world.statuses(run_id) == ["ready"] * 5
    with world.runtime.database.writing() as session:
        claims.release(session, [first])
    assert len(claimed(worker).result_ids) == 5


def test_each_result_is_looked_at_by_the_version_that_it_would_be_sent_with(world: World) -> None:
    world.add()
    world.add()
    run_id = world.run()
    by_run, by_itself = (result.id for result in world.results(run_id))
    with world.runtime.database.writing() as session:
        old = session.get_one(Run, run_id).version
        content = {**old.content, "recipient_key_id": factories.recipient_key(session, "no one has this").id}
        newer = DefinitionVersion(definition_id=old.definition_id, number=old.number + 1, content=content)
        session.add(newer)
        session.flush()
        session.get_one(Result, by_itself).version_id = newer.id
    with world.runtime.database.reading() as session:
        own = recheck(session, [by_run, by_itself])
        with_it = recheck(session, [by_run, by_itself], newer.id)
    assert [list(own[id].values()) for id in (by_run, by_itself)] == [[""], ["no_recipient"]]
    assert [list(with_it[id].values()) for id in (by_run, by_itself)] == [["no_recipient"]] * 2


def test_a_claim_whose_commit_is_still_under_way_is_given_back(world: World, worker: WorkerProcess) -> None:
    """Its worker has lost the connection, and does not know whether it was committed."""
    world.add()
    run_id = world.run()
    world.start(run_id)
    with world.runtime.database.writing() as session:
        claim = claims.claim(session, run_id, worker.id, 10)
        given_back = beside(world, lambda other: claims.release(other, [claim]))
    given_back.join()
    assert [result.worker_id for result in world.results(run_id)] == [None]


@pytest.mark.parametrize("rows_are_there", [True, False])
def test_connections_whose_taking_is_still_under_way_are_given_back(
    world: World, worker: WorkerProcess, rows_are_there: bool
) -> None:
    with world.runtime.database.writing() as session:
        server = session.scalars(select(MailServer)).one()
        if rows_are_there:
            connection_slots.take(session, server, worker.id, "before", 1)
            connection_slots.give_back(session, "before")
    with world.runtime.database.writing() as session:
        assert connection_slots.take(session, server, worker.id, "token", 1)
        given_back = beside(
            world, lambda other: connection_slots.give_back(other, "token", in_doubt_of=server)
        )
    given_back.join()
    with world.runtime.database.reading() as session:
        taken = select(func.count()).where(ConnectionSlot.worker_id.is_not(None))
        assert session.scalar(taken) == 0


def beside(world: World, verb: Callable[[Session], object]) -> threading.Thread:
    """Begins this in a transaction of its own, while that of the caller is open."""

    def write() -> None:
        with world.runtime.database.writing() as session:
            verb(session)

    thread = threading.Thread(target=write)
    thread.start()
    thread.join(0.5)
    return thread


def test_a_worker_counts_what_it_skips_though_a_person_waits_to_change_the_run(
    world: World, worker: WorkerProcess
) -> None:
    """It holds results and has a row of its own to add for the run, the transaction that holds the run waits
    for the results: on PostgreSQL one of the two would be broken off."""
    world.add()
    run_id = world.run()
    world.start(run_id)
    if world.runtime.database.is_sqlite:
        pytest.skip("SQLite's writers come one after the other")
    with world.runtime.database.writing() as session:
        held = lock_results(session, Result.run_id == run_id)
        changing = beside(world, lambda other: actions.remove(other, BulkSelection(run_id), OPERATOR))
        transition(session, run_id, held, ResultStatus.SKIPPED, reason="not_approved", worker_id=worker.id)
    changing.join()
    assert world.statuses(run_id) == ["removed"]
