"""What an action on results did, in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from webapp import notation
from webapp.results.bulk import BulkOutcome
from webapp.translation import N_, _, capital, ngettext, translated


@dataclass(frozen=True)
class ActionWords:
    """The words for one action: what was done to this number of results, and what was not done."""

    done: Callable[[int], str]
    not_done: str


SEND_AGAIN = ActionWords(
    lambda n: ngettext("%(num)s mail will be sent again.", "%(num)s mails will be sent again.", n),
    N_("not sent"),
)
LET_PASS = ActionWords(
    lambda n: ngettext("%(num)s mail let pass.", "%(num)s mails let pass.", n), N_("not let pass")
)
REMOVE = ActionWords(
    lambda n: ngettext("%(num)s result removed.", "%(num)s results removed.", n), N_("not removed")
)
PUT_BACK = ActionWords(
    lambda n: ngettext("%(num)s result put back.", "%(num)s results put back.", n), N_("not put back")
)
MARK_SENT = ActionWords(
    lambda n: ngettext("%(num)s mail marked as sent.", "%(num)s mails marked as sent.", n), N_("not marked")
)
MARK_BOUNCED = ActionWords(
    lambda n: ngettext("%(num)s mail marked as bounced.", "%(num)s mails marked as bounced.", n),
    N_("not marked"),
)


def outcome_words(words: ActionWords, outcome: BulkOutcome) -> str:
    """1 result removed. 2 not removed: already removed. What waits for an approval says so."""
    not_done = _(words.not_done)
    if not outcome.changed and not outcome.unchanged:
        return _("%(not_done)s: no result matches any more.", not_done=capital(not_done))
    if not outcome.changed and list(outcome.unchanged.values()) == [1]:
        [reason] = outcome.unchanged
        return _("%(not_done)s: %(reason)s.", not_done=capital(not_done), reason=translated(reason))
    sentences = [
        _(
            "%(number)s %(not_done)s: %(reason)s.",
            number=notation.number(count),
            not_done=not_done,
            reason=translated(reason),
        )
        for reason, count in outcome.unchanged.items()
    ]
    if outcome.changed:
        sentences.insert(0, words.done(outcome.changed))
        if outcome.awaits_approval:
            sentences.append(_("Nothing goes out before another person has approved the run."))
    return " ".join(sentences)
