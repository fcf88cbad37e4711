"""Whose a result is, and by what it is looked at anew."""

from __future__ import annotations

from tests import factories
from tests.runs.conftest import World
from webapp.runs import claims
from webapp.runs.workers import WorkerLife
from webapp.store.definitions import DefinitionVersion
from webapp.store.runs import Result, Run


def test_a_result_is_claimed_by_one_worker_only(world: World, worker: WorkerLife) -> None:
    for _ in range(5):
        world.add()
    run_id = world.run()
    world.start(run_id)

    def claimed(by: WorkerLife) -> claims.Claim:
        with world.runtime.database.writing() as session:
            return claims.claim(session, run_id, by.id, 10)

    first, second = claimed(worker), claimed(WorkerLife(world.runtime.database))
    assert (len(first.result_ids), len(second.result_ids)) == (5, 0)
    assert world.statuses(run_id) == ["ready"] * 5
    with world.runtime.database.writing() as session:
        claims.give_back(session, [first])
    assert len(claimed(worker).result_ids) == 5


def test_each_result_is_looked_at_by_the_version_that_it_would_be_sent_with(world: World) -> None:
    world.add()
    world.add()
    run_id = world.run()
    by_run, by_itself = (result.id for result in world.results(run_id))
    with world.runtime.database.writing() as session:
        old = session.get_one(Run, run_id).version
        content = {**old.content, "recipient_key_id": factories.recipient_key(session, "nobody has this").id}
        newer = DefinitionVersion(definition_id=old.definition_id, number=old.number + 1, content=content)
        session.add(newer)
        session.flush()
        session.get_one(Result, by_itself).version_id = newer.id
    with world.runtime.database.reading() as session:
        own = claims.reasons_of(session, [by_run, by_itself])
        with_it = claims.reasons_of(session, [by_run, by_itself], newer.id)
    assert [list(own[id].values()) for id in (by_run, by_itself)] == [[""], ["no_recipient"]]
    assert [list(with_it[id].values()) for id in (by_run, by_itself)] == [["no_recipient"]] * 2
