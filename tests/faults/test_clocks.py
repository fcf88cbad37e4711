"""F44: wall clocks that jump. No early rescue, no double: beats are counted, not dated."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from sqlalchemy import select

from tests.faults.accounts import accounted
from tests.faults.clocks import DAY, HOUR
from tests.faults.installation import Site, numbered
from tests.faults.test_queue_away import MANY
from webapp.store.workers import Worker


@pytest.mark.parametrize("jump", [DAY, -HOUR], ids=["+1 day", "-1 h"])
def test_f44_the_clock_of_a_worker_jumps(site: Site, jump: float, tmp_path: Path) -> None:
    """While it holds a message between the dot and its 250, and the other worker sweeps. Its wall clock is
    shifted in its process (clocks.py says how). Where the database's own clock stands does not matter: no
    statement asks for it (the next test)."""
    clock = tmp_path / "clock"
    clock.write_text("0")
    address = numbered(1)[0]
    at_the_dot, go_on = threading.Event(), threading.Event()

    def hold(_: object) -> None:
        at_the_dot.set()
        go_on.wait(25)

    site.server.when("dot", address, hold)
    jumping = site.start_worker(MAILRUN_FAULTS_CLOCK=str(clock))
    run_id = site.send(*numbered(MANY))
    assert at_the_dot.wait(20)
    site.start_worker()
    clock.write_text(str(jump))
    beats = dict[int, int]()

    def all_beat_on() -> bool:
        with site.world.runtime.database.reading() as session:
            seen = {worker.id: worker.beat for worker in session.scalars(select(Worker))}
        beats.update({id: beats.get(id, beat) for id, beat in seen.items()})
        return len(seen) == 2 and all(seen[id] > first + 4 for id, first in beats.items())

    site.until(all_beat_on)
    assert site.result(run_id, address).status == "sending"
    go_on.set()
    site.until_finished(run_id)
    assert jumping.poll() is None
    assert accounted(site.world, run_id) == {"sent": MANY}
    with site.world.runtime.database.reading() as session:
        assert session.scalars(select(Worker.lost_at)).all() == [None, None]


def test_f44_no_statement_asks_the_database_for_the_time() -> None:
    """So its clock may jump as it likes."""
    asked = (
        "func.now(",
        "CURRENT_TIMESTAMP",
        "func.current",
        "LOCALTIME",
        "clock_timestamp",
        "datetime('now",
    )
    root = Path(__file__).parent.parent.parent
    for path in [*root.glob("webapp/**/*.py"), *root.glob("jobs/*.py")]:
        source = path.read_text()
        assert not [words for words in asked if words in source], path
