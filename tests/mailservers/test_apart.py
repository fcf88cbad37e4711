"""Whether a message that a throttling server refuses again and again is to blame itself."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from sqlalchemy import select

from tests.world import World
from webapp.mailservers import pace as paces
from webapp.mailservers import stored_pace, throttling
from webapp.mailservers.refusals import RecentOutcomes
from webapp.mailservers.throttling import RefusedOffer
from webapp.smtp.outcomes import Reply
from webapp.store.mailservers import MailPace, MailServer

SLOW_DOWN = Reply(454, "4.7.0 slow down")
Refuse = Callable[[], str]


@pytest.fixture
def server_id(world: World) -> int:
    """A mail server that took ten mails in a second, and then refused."""
    with world.runtime.database.writing() as session:
        id = session.scalars(select(MailServer.id)).one()
        row = MailPace(mail_server_id=id, domain="", reply=str(SLOW_DOWN))
        stored_pace.write(row, paces.slowed(time.time(), 10, time.time() - 1))
        session.add(row)
        return id


@pytest.fixture
def refuse(world: World, server_id: int) -> Refuse:
    """Has the server refuse one and the same message once more; what becomes of it."""
    tries = 0

    def refuse() -> str:
        nonlocal tries
        offer = RefusedOffer(
            server_id=server_id,
            run_id=1,
            result_id=1,
            domain="a.test",
            reply=SLOW_DOWN,
            is_first=not tries,
            offered_at=time.time(),
            is_probe=False,
        )
        tries += 1
        seen = RecentOutcomes()
        seen.note_refused("a.test", "454 4.7.0 slow down", is_first=offer.is_first)
        with world.runtime.database.writing() as session:
            ruling = throttling.judge(session, world.runtime.settings, offer, seen, lambda: True)
        return ruling.status.value

    return refuse


def count_taken(world: World, server_id: int, offered_at: float) -> None:
    """Another worker counts a mail that the server accepted."""
    with world.runtime.database.writing() as session:
        stored_pace.take_turn(session, server_id, taken=1, offered_at=offered_at)


def test_others_that_were_accepted_before_it_was_refused_say_nothing_of_it(
    world: World, server_id: int, refuse: Refuse
) -> None:
    """A worker counts what was accepted at its next turn: later than another one's refusal, maybe."""
    before = time.time() - 0.5
    for _ in range(6):
        assert refuse() == "ready"
        count_taken(world, server_id, before)


def test_one_that_is_refused_each_time_the_server_has_opened_is_to_blame(
    world: World, server_id: int, refuse: Refuse
) -> None:
    for _ in range(3):
        assert refuse() == "ready"
        count_taken(world, server_id, time.time())
    assert refuse() == "deferred"
