"""The words of the list: its parts, what a fix frees, what came of it."""

from __future__ import annotations

from dataclasses import dataclass

from webapp import notation
from webapp.results.to_fix import OpenCause
from webapp.runs.labels import PROBLEM_LABELS


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
        return f"{notation.number(n)} {'customer' if n == 1 else 'customers'}"


def _of(cause: OpenCause, short: str, icon: str, hint: str = "") -> CauseWords:
    label = PROBLEM_LABELS[cause]
    return CauseWords(label.words, short, label.look, icon, hint)


WORDS = {
    cause: _of(cause, *words)
    for cause, words in {
        OpenCause.NO_RECIPIENT: ("No address", "skipped"),
        OpenCause.NO_ATTACHMENT: ("No document", "file"),
        OpenCause.SUSPECT_DOCUMENT: ("Suspect document", "file", "held until a person has looked at it"),
        OpenCause.NO_PASSWORD: ("No password", "skipped"),
        OpenCause.UNLOCKABLE: ("Not protectable", "skipped", "the PDF has to be replaced"),
        OpenCause.BAD_ADDRESS: ("Bad address", "failed"),
        OpenCause.FAILED_OTHERWISE: ("Other failures", "failed", "the reason is beside each"),
        OpenCause.BOUNCED: ("Bounced", "bounced", "mails that came back"),
        OpenCause.UNCONFIRMED: ("Unconfirmed", "unconfirmed", "ask the customer before you send again"),
        OpenCause.WAITING: ("Waiting runs", "deferred"),
    }.items()
}


NEEDS_THE_RIGHT = "a person with the right to send has to press Send again"


def mails(n: int) -> str:
    """1 mail, or 2 mails"""
    return f"{notation.number(n)} {'mail' if n == 1 else 'mails'}"


def button(saved: int, sent: int) -> str:
    """What the button of a question says: Save 1 and send 2 mails"""
    if not saved:
        return f"Send {mails(sent)}"
    return (
        f"Save {notation.number(saved)} and send {mails(sent)}" if sent else f"Save {notation.number(saved)}"
    )


def outcome(*, saved: bool, going: int, ready: int, waiting: int, unchanged: dict[str, int]) -> str:
    """What came of a fix: Saved. 2 mails go out."""
    said = ["Saved."] if saved else []
    if going:
        said.append(f"{mails(going)} {'goes' if going == 1 else 'go'} out.")
    if ready:
        said.append(
            f"{notation.number(ready)} {'result is' if ready == 1 else 'results are'} ready and will go out "
            "on Start."
        )
    if waiting:
        said.append(f"{mails(waiting)} can go out now: press Send again beside it.")
    said += [f"{notation.number(n)} not sent: {why}." for why, n in unchanged.items()]
    return " ".join(said) or "Nothing has changed."
