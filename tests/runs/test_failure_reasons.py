"""What servers answered, in words."""

from __future__ import annotations

import pytest

from tests.results.test_filters import set_fields
from tests.world import World
from webapp.access import OPERATOR
from webapp.runs.failure_reasons import in_a_sentence, said_of, why_failed
from webapp.store.runs import Result


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ("550 5.1.1 no such user", ("mailbox does not exist", "550 5.1.1")),
        ("550-5.7.26 unauthenticated", ("blocked by policy", "550 5.7.26")),
        ("552 5.3.4 too big", ("mail too large", "552 5.3.4")),
        ("550 User unknown", ("mailbox not available", "550")),
        ("554 5.9.9 whatever", ("refused by the server", "554 5.9.9")),
        ("599 never heard of", ("refused by the server", "599")),
        ("", ("mail could not be made", "")),
        ("5501 5.1.1 no code", ("mail could not be made", "")),
    ],
)
def test_a_reply_in_words(reply: str, said: tuple[str, str]) -> None:
    assert said_of(reply) == said


def test_failed_results_are_counted_by_what_the_server_meant(world: World) -> None:
    for _ in range(6):
        world.add()
    run_id = world.run()
    replies = ["550 5.1.1 no such user", "550 5.1.1 <x@y> unknown", "554 5.7.1 spam", "", "550 5.1.1 z"]
    for result, reply in zip(world.results(run_id), replies, strict=False):
        set_fields(world, result.id, status="failed", smtp_reply=reply)
    with world.runtime.database.reading() as session:
        found = why_failed(session, OPERATOR, Result.run_id == run_id)
    assert found[0] == ("mailbox does not exist", "550 5.1.1", 3)
    assert {words: n for words, _, n in found[1:]} == {"blocked by policy": 1, "mail could not be made": 1}
    assert in_a_sentence(found).startswith("mailbox does not exist (3), ")
