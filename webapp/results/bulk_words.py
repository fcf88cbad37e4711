"""What a page says after results were changed."""

from __future__ import annotations

from dataclasses import dataclass

from webapp import notation
from webapp.results.bulk import BulkOutcome


@dataclass(frozen=True)
class ActionWords:
    """The words for one action: what was done to one result, to several, and what was not done."""

    one: str
    many: str
    not_done: str


SEND_AGAIN = ActionWords("1 mail will be sent again.", "{} mails will be sent again.", "not sent")
LET_PASS = ActionWords("1 mail let pass.", "{} mails let pass.", "not let pass")
REMOVE = ActionWords("1 result removed.", "{} results removed.", "not removed")
PUT_BACK = ActionWords("1 result put back.", "{} results put back.", "not put back")
MARK_SENT = ActionWords("1 mail marked as sent.", "{} mails marked as sent.", "not marked")
MARK_BOUNCED = ActionWords("1 mail marked as bounced.", "{} mails marked as bounced.", "not marked")


def outcome_words(words: ActionWords, outcome: BulkOutcome) -> str:
    """1 result removed. 2 not removed: already removed."""
    not_done = words.not_done
    if not outcome.changed and not outcome.unchanged:
        return f"{not_done.capitalize()}: no result matches any more."
    if not outcome.changed and list(outcome.unchanged.values()) == [1]:
        [reason] = outcome.unchanged
        return f"{not_done.capitalize()}: {reason}."
    sentences = [
        f"{notation.number(count)} {not_done}: {reason}." for reason, count in outcome.unchanged.items()
    ]
    if outcome.changed:
        sentences.insert(
            0, (words.one if outcome.changed == 1 else words.many).format(notation.number(outcome.changed))
        )
    return " ".join(sentences)
