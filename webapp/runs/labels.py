"""Words for runs on the pages: states, outcomes, reasons, spans of time."""

from __future__ import annotations

from datetime import datetime

from webapp.lifecycle.counts import Counts
from webapp.results.labels import reason_words
from webapp.runs.progress import DONE
from webapp.store.statuses import ResultStatus, RunStatus, SkipReason

RUN_LOOKS = {
    RunStatus.CREATING: "ready",
    RunStatus.CREATED: "ready",
    RunStatus.RUNNING: "sending",
    RunStatus.STOPPED: "stopped",
    RunStatus.FINISHED: "sent",
}
"""The icon and colour of each state of a run."""


PROBLEMS = (ResultStatus.FAILED, ResultStatus.UNCONFIRMED, ResultStatus.BOUNCED)


def ending(counts: Counts) -> str:
    """The outcome of a finished run, in a sentence: All sent, but 3 failed and 1 is unconfirmed"""
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
    """Why results are skipped, and whether a person should act: 4 not approved, 8 already sent. …"""
    there = {reason: n for reason, n in counts.reasons.items() if n}
    said = ", ".join(f"{n:,} {reason_words(reason)}" for reason, n in there.items())
    to_mend = there.keys() - {SkipReason.ALREADY_SENT, SkipReason.SUSPENDED, SkipReason.SUSPECT_DOCUMENT}
    if to_mend:
        return f"{said}. Fix the data, then send again."
    is_suspect = SkipReason.SUSPECT_DOCUMENT in there
    return f"{said}. " + ("Look at the suspect ones." if is_suspect else "Nothing to do.")


def span_words(first: datetime, last: datetime) -> str:
    """from 13:15 to 13:23, with the days where these differ"""
    if first.date() == last.date():
        return f"from {first:%H:%M} to {last:%H:%M}"
    return f"from {first.day} {first:%b %H:%M} to {last.day} {last:%b %H:%M}"
