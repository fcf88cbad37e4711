"""F06: workers that are frozen, and thaw."""

from __future__ import annotations

import signal
import threading
import time

import pytest
from sqlalchemy import text

from tests.faults.accounts import accounted
from tests.faults.installation import Site
from tests.faults.test_kills import FIRST, SECOND, THIRD
from tests.jobs.conftest import is_frozen
from webapp.store.locks import lock_run


@pytest.mark.parametrize("waits", [{"MAILRUN_LEASE": "1"}], indirect=True)
@pytest.mark.parametrize("stage", ["rcpt", "dot"])
def test_f06_frozen_beyond_the_lease_and_thawed(site: Site, stage: str) -> None:
    """Before its mark: fenced, another has sent it. After the dot: `unconfirmed`, then settled by the 250
    that waited for it. Never two."""
    site.over(max_connections=1)
    frozen = site.start_worker()
    site.server.when(stage, SECOND, lambda _: site.freeze(frozen))
    run_id = site.send(FIRST, SECOND, THIRD)
    try:
        site.until(lambda: is_frozen(frozen.pid))
        site.start_worker()
        expected = "sent" if stage == "rcpt" else "unconfirmed"
        site.until_status(run_id, SECOND, expected)
    finally:
        frozen.send_signal(signal.SIGCONT)
    site.until_status(run_id, SECOND, "sent")
    site.until_finished(run_id)
    assert site.outcomes(run_id, SECOND) == ["accepted"]
    assert len(site.server.mails_to(SECOND)) == 1
    accounted(site.world, run_id)


@pytest.mark.parametrize("waits", [{"MAILRUN_LEASE": "1"}], indirect=True)
@pytest.mark.parametrize("milliseconds", [1, 3, 5, 8, 11, 14, 18, 23])
@pytest.mark.slow_fault
def test_f06_frozen_at_any_moment(site: Site, milliseconds: int) -> None:
    """Wherever it stands, in whichever transaction: another worker ends the run, and the thawed one settles
    what was in doubt. (The sharpest of it on SQLite: a frozen writer keeps all others out until it thaws.)"""
    site.over(max_connections=1)
    frozen = site.start_worker()

    def freeze_soon() -> None:
        time.sleep(milliseconds / 1000)
        frozen.send_signal(signal.SIGSTOP)

    site.server.when("rcpt", SECOND, lambda _: threading.Thread(target=freeze_soon).start())
    run_id = site.send(FIRST, SECOND, THIRD)
    try:
        site.until(lambda: is_frozen(frozen.pid))
        site.start_worker()
        if not site.world.runtime.database.is_sqlite:
            site.until_finished(run_id, 40)
    finally:
        time.sleep(1.5)
        frozen.send_signal(signal.SIGCONT)
    for address in (FIRST, SECOND, THIRD):
        site.until_status(run_id, address, "sent")
        assert len(site.server.mails_to(address)) == 1
    site.until_finished(run_id)
    accounted(site.world, run_id)


@pytest.mark.parametrize("engine", ["postgresql"])
@pytest.mark.parametrize("waits", [{"MAILRUN_LEASE": "1"}], indirect=True)
@pytest.mark.slow_fault
def test_f06_frozen_inside_a_transaction(site: Site) -> None:
    """Just as its mark has taken the run's shared lock: Stop must answer all the same, and what the frozen
    worker held must be free."""
    frozen = site.start_worker()
    site.add(FIRST)
    run_id = site.world.run()
    site.server.when("data", FIRST, lambda _: site.until(lambda: bool(held)))
    held: list[bool] = []
    site.world.start(run_id)
    with site.world.runtime.database.writing() as session:
        lock_run(session.connection(), run_id, exclusive=True)
        held.append(True)
        site.until(lambda: waiting_for_locks(site) > 0)
        frozen.send_signal(signal.SIGSTOP)
    stopping = threading.Thread(target=site.world.stop, args=(run_id,))
    stopping.start()
    try:
        site.start_worker()
        stopping.join(30)
        assert not stopping.is_alive(), "Stop does not answer"
        site.until(lambda: site.result(run_id, FIRST).worker_id is None, 20)
    finally:
        frozen.send_signal(signal.SIGCONT)
        stopping.join(30)
    accounted(site.world, run_id)


def waiting_for_locks(site: Site) -> int:
    """How many transactions wait for a lock on this PostgreSQL server."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    with site.world.runtime.database.reading() as session:
        return int(session.execute(text(waiting)).scalar_one())
