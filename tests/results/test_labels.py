"""Words for results on the pages."""

from __future__ import annotations

from webapp.results.labels import NOT_SENDABLE, reason_words
from webapp.store.statuses import SkipReason


def test_a_skip_reason_in_words() -> None:
    assert reason_words(SkipReason.NO_RECIPIENT) == "no recipient"


def test_send_again_has_words_for_every_skip_reason() -> None:
    assert NOT_SENDABLE.keys() == set(SkipReason)
