"""How runs and results are spoken of on the pages: status words, reasons, what may be pressed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from webapp.lifecycle.counts import Counts
from webapp.results.to_fix import OpenCause
from webapp.store.statuses import ResultStatus, RunStatus, SkipReason

RUN_LOOKS = {
    RunStatus.CREATING: "ready",
    RunStatus.CREATED: "ready",
    RunStatus.RUNNING: "sending",
    RunStatus.STOPPED: "stopped",
    RunStatus.FINISHED: "sent",
}
"""The icon and colour of each state of a run."""


@dataclass(frozen=True)
class ProblemLabel:
    """How a number on the card of open problems is labelled: icon and colour of this status, these words."""

    look: str
    words: str


PROBLEM_LABELS = {
    OpenCause.NO_RECIPIENT: ProblemLabel("skipped", "No address for a key"),
    OpenCause.NO_ATTACHMENT: ProblemLabel("skipped", "No document"),
    OpenCause.SUSPECT_DOCUMENT: ProblemLabel("skipped", "Suspect document"),
    OpenCause.NO_PASSWORD: ProblemLabel("skipped", "No password"),
    OpenCause.UNLOCKABLE: ProblemLabel("skipped", "No password can be set"),
    OpenCause.BAD_ADDRESS: ProblemLabel("failed", "Failed for a bad address"),
    OpenCause.FAILED_OTHERWISE: ProblemLabel("failed", "Failed for another reason"),
    OpenCause.BOUNCED: ProblemLabel("bounced", "Bounced"),
    OpenCause.UNCONFIRMED: ProblemLabel("unconfirmed", "Unconfirmed"),
    OpenCause.WAITING: ProblemLabel("deferred", "Runs that wait for a server"),
}


@dataclass(frozen=True)
class AttentionNote:
    """A note on the page of a run about `n` results that need a person; `query` is the filter that shows
    them."""

    id: str
    look: str
    icon: str
    n: int
    title: str
    text: str
    query: str


def attention_notes(run_status: str, counts: Counts) -> list[AttentionNote]:
    """What a person must look at. Of a finished run, the next steps tell of what failed or is unconfirmed."""
    failed = counts.by_status[ResultStatus.FAILED]
    unconfirmed = counts.by_status[ResultStatus.UNCONFIRMED]
    suspect = counts.reasons[SkipReason.SUSPECT_DOCUMENT]
    notes = []
    if failed and run_status != RunStatus.FINISHED:
        notes.append(
            AttentionNote(
                "note-failed",
                "failed",
                "failed",
                failed,
                f"{_mails(failed)} failed.",
                "The reason is beside each. Fix the address or the data, then send again.",
                "status=failed",
            )
        )
    if unconfirmed and run_status != RunStatus.FINISHED:
        it, them = ("it", "it") if unconfirmed == 1 else ("them", "these")
        notes.append(
            AttentionNote(
                "note-unconfirmed",
                "unconfirmed",
                "unconfirmed",
                unconfirmed,
                f"{_mails(unconfirmed)} may have been sent.",
                f"The connection broke after the mail server had received {it}. "
                f"Mailrun will not send {them} again by itself.",
                "status=unconfirmed",
            )
        )
    if suspect:
        is_held = "is held: a document" if suspect == 1 else "are held: a document of each"
        notes.append(
            AttentionNote(
                "note-suspect",
                "unconfirmed",
                "file",
                suspect,
                f"{_mails(suspect)} {is_held} does not mention its invoice number.",
                f"It may belong to another customer. Look at {'it' if suspect == 1 else 'them'}; "
                "let pass what is right, import again what is not.",
                "reason=suspect_document",
            )
        )
    return notes


def _mails(n: int) -> str:
    return f"{n:,} {'mail' if n == 1 else 'mails'}"


@dataclass(frozen=True)
class BlockerNote:
    """What the page says about what keeps a run from going on."""

    look: str
    title: str
    text: str = ""


def blocker_note(
    problem: str | None,
    *,
    is_held: bool,
    waits_for_server: bool,
    counts: Counts,
    needs_a_person: bool = False,
) -> BlockerNote | None:
    """What keeps a run from going on: the whole database is held, its mail server is in trouble, or the run
    has a problem of its own. Only the first looks like a failure: else no mail has failed."""
    if not problem:
        return None
    sentence = problem[:1].upper() + problem[1:]
    if is_held:
        return BlockerNote("failed", "Nothing is sent.", f"{sentence}.")
    if waits_for_server:
        ready = counts.by_status[ResultStatus.READY]
        wait = f"{ready:,} ready {'result waits' if ready == 1 else 'results wait'}"
        when = "once this is corrected" if needs_a_person else "automatically"
        return BlockerNote("deferred", sentence, f"No mail has failed: {wait}. Sending resumes {when}.")
    return BlockerNote("deferred", problem)


def span_words(first: datetime, last: datetime) -> str:
    """from 13:15 to 13:23, with the days where these differ; at 13:15, if it took less than a minute"""
    if f"{first:%F %H:%M}" == f"{last:%F %H:%M}":
        return f"at {first:%H:%M}"
    if first.date() == last.date():
        return f"from {first:%H:%M} to {last:%H:%M}"
    return f"from {first.day} {first:%b %H:%M} to {last.day} {last:%b %H:%M}"
