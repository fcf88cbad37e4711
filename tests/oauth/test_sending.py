"""Runs over a mail server that takes tokens, while the tokens end, are revoked, or cannot be had: no mail is
blamed, none goes out twice, and the run ends when it is repaired."""

from __future__ import annotations

import logging
from collections import Counter

import pytest
from sqlalchemy import func, select

from tests.oauth.accounts import MAILBOX, account, age, stored, with_account
from tests.store.secrets_in import dump
from tests.token_endpoint import TokenEndpoint
from tests.world import World
from webapp.delivery import drain
from webapp.mailservers import backoff
from webapp.oauth import secrets, tokens
from webapp.store.mailservers import MailServer, OAuthAccount
from webapp.store.notices import Notice, NoticeKind
from webapp.store.runs import Attempt
from webapp.store.types import now
from webapp.users.accounts import create_user
from webapp.workers import WorkerProcess

MAILS = 12


def begin(world: World) -> int:
    for _ in range(MAILS):
        world.add()
    run_id = world.run()
    world.start(run_id)
    return run_id


def after(world: World, mails: int, act: object) -> None:
    """Have `act` called when the server has said 250 to this many mails; from then on each connection is
    closed after one mail, so that the next one must log in."""

    def watch(stage: str, session: object) -> None:
        if stage == "taken" and len(world.server.taken) == mails:
            world.server.close_after = 1
            act()  # type: ignore[operator]

    world.server.watch = watch


def server_of(world: World) -> MailServer:
    with world.runtime.database.reading() as session:
        return session.scalars(select(MailServer)).one()


def assert_each_once(world: World, run_id: int) -> None:
    """Every mail went out once, by one attempt: no mail was blamed for a token."""
    assert world.statuses(run_id) == ["sent"] * MAILS
    assert Counter(Counter(mail.recipients for mail in world.server.taken).values()) == {1: MAILS}
    with world.runtime.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Attempt)) == MAILS
    assert {result.attempts for result in world.results(run_id)} == {1}
    assert set(world.server.logins) == {MAILBOX}


def assert_waits(world: World, run_id: int, words: str) -> None:
    """The run waits, and says why; nothing failed or is deferred."""
    assert world.status(run_id) == "running"
    found = Counter(world.statuses(run_id))
    assert set(found) == {"sent", "ready"}
    said = backoff.waiting_sentence(server_of(world))
    assert said
    assert words in said


def test_tokens_that_end_in_mid_run_are_renewed(
    world: World, worker: WorkerProcess, endpoint: TokenEndpoint
) -> None:
    endpoint.rotates, endpoint.life = True, 3600
    with_account(world, endpoint)
    world.server.close_after = 1
    world.server.watch = lambda stage, _: (
        age(world.runtime.database, seconds=1)
        if stage == "taken" and len(world.server.taken) % 4 == 0
        else None
    )
    run_id = begin(world)
    world.work(worker, run_id)
    assert_each_once(world, run_id)
    assert len(endpoint.requests) >= 3
    assert endpoint.used_twice == []


@pytest.mark.parametrize("way", ["delegated", "client_credentials"])
def test_tokens_that_the_server_ends_early_are_replaced(
    world: World, worker: WorkerProcess, endpoint: TokenEndpoint, way: str
) -> None:
    with_account(world, endpoint, way)
    after(world, 3, endpoint.expire_all)
    run_id = begin(world)
    world.work(worker, run_id)
    assert_each_once(world, run_id)
    assert len(endpoint.requests) == 2
    assert world.server.heard["AUTH XOAUTH2"] > 2


def test_revoked_in_mid_run(world: World, worker: WorkerProcess, endpoint: TokenEndpoint) -> None:
    id = with_account(world, endpoint)
    with world.runtime.database.writing() as session:
        create_user(session, "admin@office.test", "correct horse battery", "admin")
    after(world, 3, endpoint.revoke)
    run_id = begin(world)
    for _ in range(5):
        drain.drain(world.runtime, worker, run_id)
        worker.stopping.wait(0.3)
    assert_waits(world, run_id, "must connect mail server")
    assert backoff.needs_a_person(server_of(world))
    assert "revoked or has ended: invalid_grant" in stored(world.runtime.database).error
    with world.runtime.database.reading() as session:
        told = session.scalars(select(Notice).where(Notice.kind == NoticeKind.CONNECTION)).one()
        assert told.details["what"] == "token"
    endpoint.revoked = False  # a person connects it again
    with world.runtime.database.writing() as session:
        row = session.get_one(OAuthAccount, id, with_for_update=True)
        secrets.store(session, row, access_token="", refresh_token=endpoint._give()["refresh_token"])
    world.work(worker, run_id)
    assert_each_once(world, run_id)


@pytest.mark.parametrize("how", ["away", "stopped"])
def test_endpoint_down_in_mid_run(
    world: World, worker: WorkerProcess, endpoint: TokenEndpoint, how: str
) -> None:
    with_account(world, endpoint)
    port = endpoint.port

    def down() -> None:
        endpoint.expire_all()
        if how == "away":
            endpoint.away = True
        else:
            endpoint.stop()

    after(world, 3, down)
    run_id = begin(world)
    for _ in range(5):
        drain.drain(world.runtime, worker, run_id)
        worker.stopping.wait(0.3)
    words = "which gives the tokens, cannot give one now: HTTP 503, next try at"
    assert_waits(
        world, run_id, words if how == "away" else "does not answer: connection refused, next try at"
    )
    assert not backoff.needs_a_person(server_of(world))
    assert server_of(world).trouble_count > 1
    endpoint.away = False
    if how == "stopped":
        endpoint.start(port)
    world.work(worker, run_id)
    assert_each_once(world, run_id)


def test_a_token_goes_to_the_hosts_of_its_account_only(
    world: World, worker: WorkerProcess, endpoint: TokenEndpoint
) -> None:
    with_account(world, endpoint)
    with world.runtime.database.writing() as session:
        session.scalars(select(OAuthAccount)).one().hosts = "smtp.example.com"
    run_id = begin(world)
    drain.drain(world.runtime, worker, run_id)
    said = backoff.waiting_sentence(server_of(world))
    assert said
    assert "is for smtp.example.com, and its tokens go nowhere else" in said
    assert endpoint.requests == []
    assert world.server.logins == []


def test_a_server_that_takes_no_tokens_is_a_wrong_setup(
    world: World, worker: WorkerProcess, endpoint: TokenEndpoint
) -> None:
    with_account(world, endpoint)
    world.server.mechanisms = "PLAIN"
    run_id = begin(world)
    drain.drain(world.runtime, worker, run_id)
    said = backoff.waiting_sentence(server_of(world))
    assert said
    assert "the server offers no login by XOAUTH2" in said
    assert set(world.statuses(run_id)) == {"ready"}


@pytest.mark.security("C18")
def test_no_token_is_kept_in_the_clear_or_logged(
    world: World, worker: WorkerProcess, endpoint: TokenEndpoint, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    endpoint.rotates = endpoint.echoes = True
    with_account(world, endpoint)
    after(world, 3, endpoint.expire_all)
    run_id = begin(world)
    world.work(worker, run_id)
    after(world, MAILS + 1, endpoint.revoke)
    world.deliver(worker)
    kept = dump(world.runtime) + caplog.text
    assert MAILBOX in kept
    assert [secret for secret in endpoint.secrets_given() if secret in kept] == []


def test_the_one_call_for_mailboxes(world: World, endpoint: TokenEndpoint) -> None:
    with world.runtime.database.writing() as session:
        id = account(session, endpoint).id
    token = tokens.access_token(world.runtime.database, world.runtime.settings, id)
    assert endpoint.accepts(token)
    again = tokens.access_token(world.runtime.database, world.runtime.settings, id, refused=token)
    assert again != token
    assert stored(world.runtime.database).renewed_at <= now()  # type: ignore[operator]
