"""How fast a run goes, and the curve of what it has sent."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from tests.world import World
from webapp import audit
from webapp.lifecycle import counts
from webapp.lifecycle.throughput import SLOT_SECONDS, Throughput, sent_by_slot, throughput
from webapp.runs import sent_chart
from webapp.store.counts import SentCount
from webapp.store.runs import Run
from webapp.workers import WorkerProcess


def test_every_mail_sent_is_counted_once(world: World, worker: WorkerProcess) -> None:
    world.add("one@ok.test")
    world.add("two@ok.test")
    world.add("reject-550.three@ok.test")
    run_id = world.deliver(worker)
    assert sorted(world.statuses(run_id)) == ["failed", "sent", "sent"]
    with world.runtime.database.reading() as session:
        assert sum(n for _, n in sent_by_slot(session, run_id)) == 2


def pace_of(world: World, run_id: int, *, started_ago: float, sent: dict[int, int]) -> Throughput | None:
    """The pace of a running run that began this many seconds ago and has sent this many mails in the slots
    this many seconds ago."""
    with world.runtime.database.writing() as session:
        run = session.get_one(Run, run_id)
        run.started_at = datetime.now(UTC) - timedelta(seconds=started_ago)
        for ago, n in sent.items():
            session.add(
                SentCount(run_id=run_id, worker_id=1, slot=int(time.time() - ago) // SLOT_SECONDS, n=n)
            )
    with world.runtime.database.reading() as session:
        run = session.get_one(Run, run_id)
        return throughput(session, run, counts.counts(session, run_id))


@pytest.fixture
def running(world: World) -> int:
    for _ in range(6):
        world.add()
    return world.run(start=True)


def test_time_left_at_the_speed_of_the_last_minute(world: World, running: int) -> None:
    found = pace_of(world, running, started_ago=600, sent={55: 20, 40: 40, 20: 40, 5: 20, 300: 5_000})
    assert found is not None
    assert 120 / 66 < found.per_second <= 120 / 50
    assert found.left == timedelta(seconds=6 / found.per_second)


def test_a_young_run_is_not_measured_over_time_it_did_not_have(world: World, running: int) -> None:
    found = pace_of(world, running, started_ago=4, sent={0: 40})
    assert found is not None
    assert 8 < found.per_second <= 12


def test_e6_a_pause_does_not_make_a_run_look_slow(world: World, running: int) -> None:
    found = pace_of(world, running, started_ago=600, sent={58: 3, 12: 50})
    assert found is not None
    assert found.per_second > 50 / 25


def test_e6_just_after_a_pause_there_is_no_speed(world: World, running: int) -> None:
    assert pace_of(world, running, started_ago=600, sent={0: 6}) is None


def test_slow_sending_is_no_pause(world: World, running: int) -> None:
    found = pace_of(world, running, started_ago=600, sent={50: 1, 11: 1})
    assert found is not None
    assert found.per_second < 2 / 45


def test_nothing_sent_lately_says_nothing(world: World, running: int) -> None:
    assert pace_of(world, running, started_ago=600, sent={300: 50}) is None
    world.stop(running)
    assert pace_of(world, running, started_ago=600, sent={5: 50}) is None


def test_the_curve_adds_up_and_stays_level_while_the_run_is_stopped(world: World, running: int) -> None:
    begin = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(hours=1)
    with world.runtime.database.writing() as session:
        run = session.get_one(Run, running)
        run.started_at, run.finished_at = begin, begin + timedelta(minutes=10)
        for minute, n in ((0, 300), (1, 300), (9, 630)):
            slot = int(begin.timestamp() + 60 * minute) // SLOT_SECONDS
            session.add(SentCount(run_id=running, worker_id=1, slot=slot, n=n // 3))
            session.add(SentCount(run_id=running, worker_id=2, slot=slot, n=n - n // 3))
        for minute, action in ((2, "stop"), (8, "start")):
            at = begin + timedelta(minutes=minute)
            audit.add(session, "marit", action, f"run {running}", "").at = at
    with world.runtime.database.reading() as session:
        curve = sent_chart.sent_over_time(session, session.get_one(Run, running))
    assert curve is not None
    assert curve.sent == 1_230
    assert [value for value, _ in curve.marks] == [1_500, 1_000, 500, 0]
    [held] = curve.held
    assert (held.by, round(held.x), round(held.width)) == ("marit", 105, 314)  # 2 to 8 of 9 min 10 s, of 480
    points = [tuple(map(float, pair.split())) for pair in _pairs(curve.line)]
    assert points[0] == (0, 150)
    assert points[-1] == pytest.approx((480, 150 * (1 - 1_230 / 1_500)), abs=0.1)
    assert all(left[0] <= right[0] and left[1] >= right[1] for left, right in pairwise(points))
    assert curve.per_second == pytest.approx(1_230 / (550 - 470))  # E6: without the long gap


def _pairs(line: str) -> list[str]:
    numbers = line.removeprefix("M").split()
    return [" ".join(numbers[i : i + 2]) for i in range(0, len(numbers), 2)]


@pytest.mark.parametrize(
    ("highest", "step"),
    [
        (1, 1),
        (3, 1),
        (5, 2),
        (47, 20),
        (97, 50),
        (183, 50),
        (1_326, 500),
        (12_471, 5_000),
        (1_000_000, 500_000),
    ],
)
def test_the_lines_across_are_round_and_few(highest: int, step: int) -> None:
    assert sent_chart._step(highest) == step
    assert -(-highest // step) <= 5
