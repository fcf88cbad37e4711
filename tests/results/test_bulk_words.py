"""What a page says after results were changed."""

from __future__ import annotations

import pytest

from webapp.results import bulk_words
from webapp.results.bulk import BulkOutcome
from webapp.results.bulk_words import ActionWords, outcome_words


@pytest.mark.parametrize(
    ("words", "changed", "unchanged", "message"),
    [
        (bulk_words.SEND_AGAIN, 1, {}, "1 mail will be sent again."),
        (bulk_words.SEND_AGAIN, 1_200, {}, "1,200 mails will be sent again."),
        (bulk_words.SEND_AGAIN, 0, {"suspended": 1}, "Not sent: suspended."),
        (bulk_words.SEND_AGAIN, 0, {"suspended": 2}, "2 not sent: suspended."),
        (bulk_words.SEND_AGAIN, 0, {}, "Not sent: no result matches any more."),
        (bulk_words.REMOVE, 3, {"already removed": 1}, "3 results removed. 1 not removed: already removed."),
        (bulk_words.PUT_BACK, 0, {"a": 1, "b": 2}, "1 not put back: a. 2 not put back: b."),
        (bulk_words.LET_PASS, 1, {}, "1 mail let pass."),
        (bulk_words.MARK_SENT, 2, {}, "2 mails marked as sent."),
        (bulk_words.MARK_BOUNCED, 1, {}, "1 mail marked as bounced."),
    ],
)
def test_the_message_says_what_was_done_and_what_was_not(
    words: ActionWords, changed: int, unchanged: dict[str, int], message: str
) -> None:
    assert outcome_words(words, BulkOutcome(changed, unchanged)) == message
