"""How runs and results are spoken of on the pages: status words, reasons, what may be pressed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from webapp.lifecycle.counts import Counts
from webapp.store.runs import Result
from webapp.store.statuses import ResultStatus, RunStatus, SkipReason

RUN_LOOKS = {
    RunStatus.CREATING: "ready",
    RunStatus.CREATED: "ready",
    RunStatus.RUNNING: "sending",
    RunStatus.STOPPED: "stopped",
    RunStatus.FINISHED: "sent",
}
"""The icon and colour of each state of a run."""

REASONS = {
    "suspended": "suspended",
    "not_approved": "not approved",
    "no_recipient": "no recipient",
    "no_attachment": "no attachment",
    "already_sent": "already sent",
    "no_password": "no password",
    "suspect_document": "suspect document",
}

PROBLEMS = (ResultStatus.FAILED, ResultStatus.UNCONFIRMED, ResultStatus.BOUNCED)
ON_THE_BAR = (
    ResultStatus.SENT,
    ResultStatus.BOUNCED,
    ResultStatus.FAILED,
    ResultStatus.UNCONFIRMED,
    ResultStatus.SENDING,
    ResultStatus.DEFERRED,
    ResultStatus.READY,
)
DONE = (ResultStatus.SENT, ResultStatus.FAILED, ResultStatus.UNCONFIRMED, ResultStatus.BOUNCED)

MAY_SEND_AGAIN = (
    ResultStatus.SENT,
    ResultStatus.DEFERRED,
    ResultStatus.FAILED,
    ResultStatus.UNCONFIRMED,
    ResultStatus.BOUNCED,
    ResultStatus.SKIPPED,
)
MAY_REMOVE = tuple(
    status for status in ResultStatus if status not in (ResultStatus.SENDING, ResultStatus.REMOVED)
)


def reason_words(reason: str) -> str:
    """Why a result is skipped, in words; features add reasons, so an unknown one is spelled out."""
    return REASONS.get(reason, reason.replace("_", " "))


def why(result: Result) -> str:
    """The second line of the status cell: what is known beyond the word. The moment of the next try is not
    in it."""
    said = result.smtp_reply or result.detail
    match result.status:
        case ResultStatus.SKIPPED:
            return reason_words(result.reason)
        case ResultStatus.UNCONFIRMED:
            return f"may have been sent: {result.detail or said}".removesuffix(": ")
        case ResultStatus.SENT:
            return result.warning or ("" if result.smtp_reply else result.detail)
        case ResultStatus.REMOVED:
            return f"was {result.removed_from}"
        case ResultStatus.BOUNCED:
            return result.detail or said
        case ResultStatus.DEFERRED | ResultStatus.FAILED:
            return said
    return ""


def ending(counts: Counts) -> str:
    """What came of a finished run, in a sentence: All sent, but 3 failed and 1 is unconfirmed"""
    by = counts.by_status
    sent, to_do = by[ResultStatus.SENT], sum(by[status] for status in DONE)
    if not to_do:
        return "There was nothing to send"
    doubtful = "is unconfirmed" if by[ResultStatus.UNCONFIRMED] == 1 else "are unconfirmed"
    wrong = {
        ResultStatus.FAILED: "failed",
        ResultStatus.UNCONFIRMED: doubtful,
        ResultStatus.BOUNCED: "bounced",
    }
    parts = [f"{by[status]:,} {words}" for status, words in wrong.items() if by[status]]
    if held := counts.reasons.get(SkipReason.SUSPECT_DOCUMENT, 0):
        parts.append(f"{held:,} {'is' if held == 1 else 'are'} held")
    if not parts:
        return "All sent"
    said = " and ".join([", ".join(parts[:-1]), parts[-1]] if parts[:-1] else parts)
    if not sent:
        return f"Nothing sent: {said}"
    return f"All sent, but {said}" if sent > to_do / 2 else f"{sent:,} sent, but {said}"


def skipped_words(counts: Counts) -> str:
    """Why results are skipped, and whether a person should do something: 4 not approved, 8 already sent. …"""
    there = {reason: n for reason, n in counts.reasons.items() if n}
    said = ", ".join(f"{n:,} {reason_words(reason)}" for reason, n in there.items())
    to_mend = there.keys() - {SkipReason.ALREADY_SENT, SkipReason.SUSPENDED, SkipReason.SUSPECT_DOCUMENT}
    if to_mend:
        return f"{said}. Mend the data, then send again."
    is_suspect = SkipReason.SUSPECT_DOCUMENT in there
    return f"{said}. " + ("Look at the suspect ones." if is_suspect else "Nothing to do.")


def span_words(first: datetime, last: datetime) -> str:
    """from 13:15 to 13:23, with the days where these differ"""
    if first.date() == last.date():
        return f"from {first:%H:%M} to {last:%H:%M}"
    return f"from {first.day} {first:%b %H:%M} to {last.day} {last:%b %H:%M}"


def page_words(names: list[str], matching: int, by_name: bool) -> str:
    """What a page of results shows: Aalders to Bruggink: 50 of 12,471 results"""
    of = f"{len(names):,} of {matching:,} results" if len(names) < matching else f"{matching:,} results"
    if matching == 1:
        of = "1 result"
    first, last = ((name.split() or [""])[0] for name in (names[:1] + names[-1:] if names else ["", ""]))
    return f"{first} to {last}: {of}" if by_name and first != last else of


@dataclass(frozen=True)
class Piece:
    """A part of a progress bar that is 1,000 wide."""

    status: str
    x: float
    width: float


@dataclass(frozen=True)
class Progress:
    """`done` of `to_do`: what is skipped or removed is no part of it."""

    done: int
    to_do: int
    shown: int
    pieces: list[Piece]

    @property
    def left(self) -> int:
        return self.to_do - self.done


def progress(counts: Counts) -> Progress:
    """How far a run is. `shown` is what the filter All shows: everything but the removed."""
    by = counts.by_status
    return Progress(
        done=sum(by[status] for status in DONE),
        to_do=sum(by[status] for status in ON_THE_BAR),
        shown=counts.total - by[ResultStatus.REMOVED],
        pieces=bar({status.value: by[status] for status in ON_THE_BAR}),
    )


LEAST = 5.0
"""So wide is a piece at least, that a single failure among thousands is seen."""


def bar(parts: dict[str, int]) -> list[Piece]:
    """The pieces of a bar, in the order given. What is there is seen; the widest pieces give way."""
    whole = sum(parts.values())
    if not whole:
        return []
    widths = {name: max(LEAST, 1000 * n / whole) for name, n in parts.items() if n}
    spare = sum(width for width in widths.values() if width > LEAST)
    excess = sum(widths.values()) - 1000
    pieces, x = [], 0.0
    for name, width in widths.items():
        if width > LEAST:
            width -= excess * width / spare
        pieces.append(Piece(name, round(x, 1), round(width, 1)))
        x += width
    return pieces
