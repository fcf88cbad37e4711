"""The three cards of the start page, and the runs that need a person."""

from __future__ import annotations

from datetime import datetime

from tests.results.test_filters import set_fields
from tests.world import World
from webapp.access import OPERATOR
from webapp.lifecycle.counts import adjust
from webapp.lifecycle.throughput import SLOT_SECONDS
from webapp.results.to_fix import OpenCause
from webapp.runs import archive
from webapp.runs.overview import Overview, need_a_person, overview
from webapp.store.counts import SentCount

DAY = 86_400

NOTHING = dict.fromkeys(OpenCause, 0)


def seen(world: World) -> Overview:
    with world.runtime.database.reading() as session:
        return overview(session, OPERATOR)


def test_sent_per_day_of_the_last_fortnight(world: World) -> None:
    world.add()
    run_id = world.run()
    noon = datetime.now().astimezone().replace(hour=12, minute=7).timestamp()
    with world.runtime.database.writing() as session:
        for back, n in ((0, 5), (1, 7), (13, 11), (14, 1_000), (-1, 3)):
            session.add(
                SentCount(run_id=run_id, worker_id=1, slot=int(noon - back * DAY) // SLOT_SECONDS, n=n)
            )
            session.add(
                SentCount(run_id=run_id, worker_id=2, slot=int(noon - back * DAY) // SLOT_SECONDS, n=1)
            )
    per_day = seen(world).per_day
    assert len(per_day) == 14
    assert [n for _, n in per_day if n] == [12, 8, 6]
    assert (per_day[0][1], per_day[-1][1]) == (12, 6)
    assert seen(world).highest == per_day[0]


def test_an_empty_installation_has_days_without_mails(world: World) -> None:
    found = seen(world)
    assert sum(n for _, n in found.per_day) == 0
    assert (found.failed, set(found.waiting.values())) == ([], {0})


def test_what_waits_for_a_person_until_it_is_archived(world: World) -> None:
    for address in ("a@x.test", "b@x.test", ""):
        world.add(address)
    run_id, other = world.run(), world.run()
    failed, doubtful = world.results(run_id)[:2]
    set_fields(world, failed.id, status="failed", smtp_reply="550 5.1.1 gone")
    set_fields(world, doubtful.id, status="unconfirmed")
    with world.runtime.database.writing() as session:
        adjust(session, run_id, {("ready", ""): -2, ("failed", ""): 1, ("unconfirmed", ""): 1})  # type: ignore[arg-type]
    found = seen(world)
    assert found.waiting == {
        **NOTHING,
        OpenCause.UNCONFIRMED: 1,
        OpenCause.BAD_ADDRESS: 1,
        OpenCause.NO_RECIPIENT: 1,
    }
    assert found.failed == [("mailbox does not exist", "550 5.1.1", 1)]
    with world.runtime.database.reading() as session:
        assert [line.run.id for line in need_a_person(session, OPERATOR)] == [run_id]
    world.start(other)
    with world.runtime.database.reading() as session:
        assert [line.run.id for line in need_a_person(session, OPERATOR)] == [other, run_id]
    with world.runtime.database.writing() as session:
        archive.archive(session, run_id, OPERATOR)
    assert seen(world).waiting == {**NOTHING, OpenCause.NO_RECIPIENT: 1}
