"""Words for results on the pages."""

from __future__ import annotations

from webapp.results.labels import NOT_SENDABLE, reason_words
from webapp.results.neighbours import ListPosition
from webapp.store.statuses import SkipReason


def test_a_skip_reason_in_words() -> None:
    assert reason_words(SkipReason.NO_RECIPIENT) == "no recipient"


def test_send_again_has_words_for_every_skip_reason() -> None:
    assert NOT_SENDABLE.keys() == set(SkipReason)


def test_e14_a_place_in_a_long_list_has_a_number_before_of() -> None:
    assert ListPosition(1, 3, 2, 201).words == "2 of 201"
    assert ListPosition(1, 3, None, 12_471).words == "one of 12,471"
