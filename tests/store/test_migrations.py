"""An installation with runs is brought to the newest schema: its old results are found as new ones are."""

from __future__ import annotations

from alembic import command

from tests import factories
from tests.world import World
from webapp import migrations
from webapp.lifecycle.throughput import sent_by_slot
from webapp.workers import WorkerProcess


def test_results_made_before_are_sorted_searched_and_plotted(world: World, worker: WorkerProcess) -> None:
    with world.runtime.database.writing() as session:
        payer = factories.customer(session, world.everybody, "a@x.test", "b@x.test", name="Ärzte & Co")
        factories.document(session, world.runtime.documents, factories.invoice(session, payer, gross="12.34"))
    world.add("")
    run_id = world.deliver(worker)
    before = [
        (result.sort_name, result.amount, sorted(result.search_text.split()))
        for result in world.results(run_id)
    ]
    assert before[0][0] == "ärzte & co"
    with world.runtime.database.reading() as session:
        slots = sent_by_slot(session, run_id)
    world.runtime.database.dispose()
    command.downgrade(migrations._config(world.runtime.database), "0001")
    migrations.upgrade(world.runtime.database)
    after = [
        (result.sort_name, result.amount, sorted(result.search_text.split()))
        for result in world.results(run_id)
    ]
    assert after == before
    with world.runtime.database.reading() as session:
        found = sent_by_slot(session, run_id)
    assert [n for _, n in found] == [n for _, n in slots] == [1]
    assert abs(found[0][0] - slots[0][0]) <= 10  # counted by when it was settled, to the slot
