"""Real worker processes with one account: they renew it once, and both go on."""

from __future__ import annotations

import threading
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import redis
from sqlalchemy import select, update

from tests.jobs.conftest import Site, server, site
from tests.oauth.accounts import with_account
from tests.store.secrets_in import dump, files_with
from tests.token_endpoint import TokenEndpoint
from webapp.oauth.tokens import CLAIM_SECONDS
from webapp.store.mailservers import MailServer, OAuthAccount
from webapp.store.runs import Attempt
from webapp.workers import count_alive

__all__ = ["server", "site"]
MAILS = 60


def payloads(site: Site) -> Iterator[bytes]:
    """What the jobs in Redis have been given; rq compresses it."""
    with redis.Redis(unix_socket_path=str(site.redis_socket)) as queue:
        for key in queue.scan_iter("rq:job:*"):
            if data := queue.hget(key, "data"):
                yield zlib.decompress(data)


def alive(site: Site) -> int:
    with site.world.runtime.database.reading() as session:
        return count_alive(session)


def pass_time(site: Site, life: timedelta) -> None:
    """Have the claim run out as much earlier."""
    with site.world.runtime.database.writing() as session:
        for account in session.scalars(select(OAuthAccount).with_for_update()):
            assert account.claimed_until
            account.claimed_until -= life


def test_two_workers_at_once(site: Site, endpoint: TokenEndpoint, tmp_path: Path) -> None:
    """Two workers, one account whose refresh token counts once: each renewal is one request, though both
    workers need it; every mail goes out once."""
    endpoint.rotates, endpoint.slow = True, 0.5
    site.start_redis()
    world = site.world
    with_account(world, endpoint)
    world.server.close_after, world.server.delay = 3, 0.05
    jobs: set[bytes] = set()
    ends, one_at_a_time = [40, 15], threading.Lock()

    def watch(stage: str, _: object) -> None:
        if stage == "taken":
            jobs.update(payloads(site))
            with one_at_a_time:
                if ends and len(world.server.taken) >= ends[-1]:
                    ends.pop()
                    endpoint.expire_all()

    world.server.watch = watch
    with world.runtime.database.writing() as session:
        session.execute(update(MailServer).values(max_connections=6))
    for _ in range(MAILS):
        world.add()
    run_id = world.run()
    for _ in range(2):
        site.start_worker(MAILRUN_LEASE="5")
    site.until(lambda: alive(site) == 2)  # one that is alone takes all connections
    world.start(run_id)
    site.until_finished(run_id)
    assert world.statuses(run_id) == ["sent"] * MAILS
    assert Counter(Counter(mail.recipients for mail in world.server.taken).values()) == {1: MAILS}
    assert {result.attempts for result in world.results(run_id)} == {1}
    with world.runtime.database.reading() as session:
        workers = set(session.scalars(select(Attempt.worker_id)))
    assert len(workers) == 2
    assert endpoint.used_twice == []
    assert len(endpoint.requests) == 3  # the first token, and one after each end
    kept = dump(world.runtime)
    assert any(b"drain" in job for job in jobs)
    for secret in endpoint.secrets_given():
        assert secret not in kept
        assert not any(secret.encode() in job for job in jobs)
        assert files_with(tmp_path, secret) == []


def test_a_worker_killed_while_it_renews(site: Site, endpoint: TokenEndpoint) -> None:
    """The other goes on, once the claim of the one that was killed has run out."""
    endpoint.slow = 3.0
    site.start_redis()
    world = site.world
    with_account(world, endpoint)
    for _ in range(4):
        world.add()
    run_id = world.run()
    killed = site.start_worker()
    world.start(run_id)
    site.until(lambda: bool(endpoint.requests))
    killed.kill()
    killed.wait()
    endpoint.slow = 0.0
    site.start_worker()
    site.until(lambda: alive(site) == 2)
    time.sleep(2)
    assert len(endpoint.requests) == 1  # the claim still counts
    pass_time(site, timedelta(seconds=CLAIM_SECONDS))
    site.until_finished(run_id, 60)
    assert world.statuses(run_id) == ["sent"] * 4
    assert len(world.server.taken) == 4
    assert len(endpoint.requests) == 2
