"""The words of the list: its parts, what a fix frees, what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from webapp import notation
from webapp.results.to_fix import OpenCause
from webapp.runs.labels import PROBLEM_LABELS
from webapp.translation import N_, _, ngettext, translated


@dataclass(frozen=True)
class CauseWords:
    """A part of the list: its heading, the short name of its number, icon and colour, and what it says of `n`
    customers."""

    title: str
    short: str
    look: str
    icon: str
    hint: str = ""

    def counted(self, n: int) -> str:
        """7 customers"""
        return ngettext("%(num)s customer", "%(num)s customers", n)


def _of(cause: OpenCause, short: str, icon: str, hint: str = "") -> CauseWords:
    label = PROBLEM_LABELS[cause]
    return CauseWords(label.words, short, label.look, icon, hint)


WORDS = {
    cause: _of(cause, *words)
    for cause, words in {
        OpenCause.NO_RECIPIENT: (N_("No address"), "skipped"),
        OpenCause.NO_ATTACHMENT: (N_("No document"), "file"),
        OpenCause.SUSPECT_DOCUMENT: (
            N_("Suspect document"),
            "file",
            N_("held until a person has looked at it"),
        ),
        OpenCause.NO_PASSWORD: (N_("No password"), "skipped"),
        OpenCause.UNLOCKABLE: (N_("Not protectable"), "skipped", N_("the PDF has to be replaced")),
        OpenCause.BAD_ADDRESS: (N_("Bad address"), "failed"),
        OpenCause.FAILED_OTHERWISE: (N_("Other failures"), "failed", N_("the reason is beside each")),
        OpenCause.BOUNCED: (N_("Bounced"), "bounced", N_("mails that came back")),
        OpenCause.UNCONFIRMED: (
            N_("Unconfirmed"),
            "unconfirmed",
            N_("ask the customer before you send again"),
        ),
        OpenCause.WAITING: (N_("Waiting runs"), "deferred"),
    }.items()
}


NEEDS_THE_RIGHT = N_("a person with the right to send has to press Send again")
LOCK_PROBLEMS = (N_("signed"), N_("restricted"), N_("encrypted"), N_("unreadable"))
"""The values of LockProblem, as rows say them."""


def button(saved: int, sent: int) -> str:
    """What the button of a question says: Save 1 and send 2 mails"""
    number = notation.number(saved)
    if not saved:
        return ngettext("Send %(num)s mail", "Send %(num)s mails", sent)
    if not sent:
        return _("Save %(number)s", number=number)
    return ngettext(
        "Save %(number)s and send %(num)s mail", "Save %(number)s and send %(num)s mails", sent, number=number
    )


def outcome(sent: Mapping[str, int], unchanged: Mapping[str, int], *, saved: bool) -> str:
    """What came of a fix: Saved. 2 mails go out. `sent`: how many are `going` out, `ready` for Start, have
    their run wait for an approval (`to_approve`), are `waiting` for Send again, or may be once their new
    document is checked (`unchecked`)."""
    said = [_("Saved.")] if saved else []
    going, ready, to_approve, waiting, unchecked = (
        sent.get(each, 0) for each in ("going", "ready", "to_approve", "waiting", "unchecked")
    )
    if going:
        said.append(ngettext("%(num)s mail goes out.", "%(num)s mails go out.", going))
    if ready:
        said.append(
            ngettext(
                "%(num)s result is ready and will go out on Start.",
                "%(num)s results are ready and will go out on Start.",
                ready,
            )
        )
    if to_approve:
        said.append(
            ngettext(
                "%(num)s mail waits for another person to approve its run.",
                "%(num)s mails wait for another person to approve their run.",
                to_approve,
            )
        )
    if waiting:
        said.append(
            ngettext(
                "%(num)s mail can go out now: press Send again beside it.",
                "%(num)s mails can go out now: press Send again beside it.",
                waiting,
            )
        )
    if unchecked:
        said.append(_("The file is checked now. If it is right, press Send again beside it."))
    said += [
        _("%(number)s not sent: %(reason)s.", number=notation.number(n), reason=translated(why))
        for why, n in unchanged.items()
    ]
    return " ".join(said) or _("Nothing has changed.")
