"""Words for results on the pages."""

from __future__ import annotations

import pytest

from webapp.results.labels import NOT_SENDABLE, mail_words, reason_words
from webapp.results.neighbours import ListPosition
from webapp.store.statuses import SkipReason


def test_a_skip_reason_in_words() -> None:
    assert reason_words(SkipReason.NO_RECIPIENT) == "no recipient"


def test_send_again_has_words_for_every_skip_reason() -> None:
    assert NOT_SENDABLE.keys() == set(SkipReason)


def test_e14_a_place_in_a_long_list_has_a_number_before_of() -> None:
    assert ListPosition(1, 3, 2, 201).words == "2 of 201"
    assert ListPosition(1, 3, None, 12_471).words == "one of 12,471"


@pytest.mark.parametrize(
    ("said", "status", "outcome", "number"),
    [
        ("as it will go", "ready", "", 0),
        ("as it will go", "deferred", "", 0),
        ("as it would go now", "skipped", "", 0),
        ("as handed to the server at 14:05", "sent", "accepted", 2),
        ("as handed to the server at 14:05", "unconfirmed", "unknown", 1),
        ("as built for attempt 3; its last byte was never sent", "deferred", "broken", 3),
        ("as built for attempt 1; its last byte was never sent", "ready", "held", 1),
    ],
)
def test_what_the_mail_is_that_is_shown(said: str, status: str, outcome: str, number: int) -> None:
    assert mail_words(status, outcome, number, "14:05") == said
