"""Worker processes that are killed, stopped and frozen; a Redis that vanishes: nothing lost, nothing
repeated."""

from __future__ import annotations

import random
import signal
import time

import pytest

from tests import factories
from tests.jobs.conftest import Site
from tests.mailserver import mail_server
from webapp.access import OPERATOR
from webapp.new_run import creation


def arrived(site: Site) -> list[str]:
    return [taken.recipients[0] for taken in site.world.server.taken]


def test_eight_kills_lose_nothing_and_repeat_nothing(site: Site) -> None:
    """At most one unconfirmed per open connection and kill."""
    for _ in range(300):
        site.world.add()
    site.world.server.delay = 0.1
    site.start_redis()
    run_id = site.world.run()
    workers = [site.start_worker(), site.start_worker()]
    site.world.start(run_id)
    dice, kills = random.Random(7), 0
    while kills < 8 and site.world.status(run_id) == "running":
        time.sleep(dice.uniform(0.3, 0.7))
        which = dice.randrange(2)
        workers[which].kill()
        workers[which].wait()
        workers[which] = site.start_worker()
        kills += 1
    assert kills == 8
    site.until_finished(run_id)
    found = site.world.statuses(run_id)
    assert set(found) <= {"sent", "unconfirmed"}
    assert found.count("unconfirmed") <= 4 * kills
    assert len(arrived(site)) == len(set(arrived(site)))
    sent = [
        (result.recipients or [""])[0] for result in site.world.results(run_id) if result.status == "sent"
    ]
    assert set(sent) <= set(arrived(site))


def test_redis_killed_and_started_again_empty(site: Site) -> None:
    for _ in range(120):
        site.world.add()
    site.world.server.delay = 0.05
    site.start_redis()
    site.start_worker()
    run_id = site.world.run()
    site.world.start(run_id)
    for count in (5, 30, 60):
        site.until(lambda count=count: len(arrived(site)) >= count)  # type: ignore[misc]
        site.kill_redis()
        time.sleep(0.3)
        site.start_redis()
    site.until_finished(run_id)
    assert site.world.statuses(run_id) == ["sent"] * 120
    assert len(arrived(site)) == 120


def test_a_small_run_is_not_stuck_behind_a_large_one(site: Site) -> None:
    """However often the sweeps have rung for the large one meanwhile."""
    for n in range(400):
        site.world.add(f"{n}@customers.test")
    site.world.server.delay = 0.2
    site.start_redis()
    site.start_worker()
    large = site.world.run(start=True)
    site.until(lambda: len(arrived(site)) > 100)
    with site.world.runtime.database.writing() as session:
        own = factories.cluster(session, "small")
        payer = factories.customer(session, own, "small@customers.test")
        factories.document(session, site.world.runtime.documents, factories.invoice(session, payer))
    small = site.world.run(start=True, cluster_id=own.id)
    site.until_finished(small)
    assert site.world.status(large) == "running"


def test_a_mail_server_that_lets_every_worker_wait_keeps_no_run_over_another_waiting(site: Site) -> None:
    world = site.world
    if not world.runtime.database.is_sqlite:
        pytest.skip("it takes its time, and no database has a part in it")
    world.add("hang-60.someone@customers.test")
    site.environ["MAILRUN_SMTP_DATA_TIMEOUT"] = "60"
    with mail_server() as healthy:
        with world.runtime.database.writing() as session:
            own = factories.cluster(session, "elsewhere")
            payer = factories.customer(session, own, "elsewhere@customers.test")
            factories.document(session, world.runtime.documents, factories.invoice(session, payer))
            over = factories.mail_server(session, port=healthy.port)
            definition = factories.definition(session, over)
        site.start_redis()
        site.start_worker()
        waiting = world.run(start=True)
        site.until(lambda: world.statuses(waiting) == ["sending"])
        run_id = world.run(start=True, cluster_id=own.id, definition_id=definition.id)
        site.until_finished(run_id, 40)
        assert world.statuses(waiting) == ["sending"]
        assert len(healthy.taken) == 1
    for worker in site.workers:
        worker.kill()


def test_a_run_started_while_redis_is_away_goes_out(site: Site) -> None:
    site.world.add()
    site.start_worker()
    run_id = site.world.run()
    site.world.start(run_id)
    site.until_finished(run_id)
    assert site.world.statuses(run_id) == ["sent"]


def test_a_run_is_made_and_started_by_a_worker(site: Site) -> None:
    for _ in range(3):
        site.world.add()
    site.start_redis()
    site.start_worker()
    parts = site.world.runtime
    with parts.database.writing() as session:
        run = creation.create(
            session, parts.queue, creation.RunRequest(site.world.choice(), start=True), OPERATOR
        )
    site.until_finished(run.id)
    assert site.world.statuses(run.id) == ["sent"] * 3


def test_told_to_end_a_worker_ends_its_message_and_leaves(site: Site) -> None:
    for _ in range(200):  # ten seconds of work: on a busy machine, the signal may come late
        site.world.add()
    site.world.server.delay = 0.4
    site.start_redis()
    worker = site.start_worker()
    run_id = site.world.run()
    site.world.start(run_id)
    site.until(lambda: "sending" in site.world.statuses(run_id))
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(30) == 0
    assert set(site.world.statuses(run_id)) == {"ready", "sent"}
    assert all(result.worker_id is None for result in site.world.results(run_id))
    site.world.server.delay = 0.0
    site.start_worker()
    site.until_finished(run_id)
    assert len(arrived(site)) == len(set(arrived(site))) == 200


def test_a_frozen_worker_is_declared_lost_and_proves_it_later(site: Site) -> None:
    """SIGSTOP after the dot, beyond the lease: unconfirmed; SIGCONT: the 250 that waited settles it (F06)."""
    site.world.add()
    site.world.server.delay = 3.0
    site.start_redis()
    frozen = site.start_worker()
    run_id = site.world.run()
    site.world.start(run_id)
    site.until(lambda: site.world.statuses(run_id) == ["sending"])
    site.freeze(frozen)
    try:
        site.start_worker()
        site.until(lambda: site.world.statuses(run_id) == ["unconfirmed"])
    finally:
        frozen.send_signal(signal.SIGCONT)
    site.until(lambda: site.world.statuses(run_id) == ["sent"])
    assert len(arrived(site)) == 1
