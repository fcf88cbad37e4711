"""How runs and results are spoken of on the pages: status words, reasons, what may be pressed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from webapp import notation
from webapp.lifecycle.counts import Counts
from webapp.results.labels import reason_words
from webapp.results.to_fix import OpenCause
from webapp.runs.fix_links import FIXABLE, VERBS, these
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
    OpenCause.SUSPECT_DOCUMENT: ProblemLabel("deferred", "Suspect document"),
    OpenCause.NO_PASSWORD: ProblemLabel("skipped", "No password"),
    OpenCause.UNLOCKABLE: ProblemLabel("skipped", "No password can be set"),
    OpenCause.BAD_ADDRESS: ProblemLabel("failed", "Failed for a bad address"),
    OpenCause.FAILED_OTHERWISE: ProblemLabel("failed", "Failed for another reason"),
    OpenCause.BOUNCED: ProblemLabel("bounced", "Bounced"),
    OpenCause.UNCONFIRMED: ProblemLabel("unconfirmed", "Unconfirmed"),
    OpenCause.WAITING: ProblemLabel("deferred", "Runs that wait for a server"),
}


@dataclass(frozen=True)
class OpenTask:
    """A line of the card of open problems: its label, and the link to the list "To fix"."""

    label: ProblemLabel
    link: str
    href: str


def open_tasks(waiting: dict[OpenCause, int], *, may_fix: bool) -> list[OpenTask]:
    """What is open, by cause, for a person who may fix it, or only look."""
    return [
        OpenTask(
            PROBLEM_LABELS[cause],
            these(VERBS.get(cause, "Fix") if may_fix else "Look at", n),
            f"/fix?cause={cause}",
        )
        for cause, n in waiting.items()
        if n
    ]


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
    """What a person must look at. Of a finished run, the next steps tell of what failed, is unconfirmed or
    was skipped."""
    notes = [_suspect_note(counts.reasons[SkipReason.SUSPECT_DOCUMENT])]
    if run_status != RunStatus.FINISHED:
        failed = _failed_note(counts.by_status[ResultStatus.FAILED])
        notes = [failed, _unconfirmed_note(counts.by_status[ResultStatus.UNCONFIRMED]), *notes]
        if run_status != RunStatus.CREATING:
            notes.append(_skipped_note(counts))
    return [note for note in notes if note.n]


def _failed_note(n: int) -> AttentionNote:
    return AttentionNote(
        "note-failed",
        "failed",
        "failed",
        n,
        f"{_mails(n)} failed.",
        "The reason is beside each. Fix the address or the data, then send again.",
        "status=failed",
    )


def _unconfirmed_note(n: int) -> AttentionNote:
    it, them = ("it", "it") if n == 1 else ("them", "these")
    return AttentionNote(
        "note-unconfirmed",
        "unconfirmed",
        "unconfirmed",
        n,
        f"{_mails(n)} may have been sent.",
        f"The connection broke after the mail server had received {it}. "
        f"Mailrun will not send {them} again by itself.",
        "status=unconfirmed",
    )


def _suspect_note(n: int) -> AttentionNote:
    is_held = "is held: a document" if n == 1 else "are held: a document of each"
    return AttentionNote(
        "note-suspect",
        "unconfirmed",
        "file",
        n,
        f"{_mails(n)} {is_held} does not mention its invoice number.",
        f"It may belong to another customer. Look at {'it' if n == 1 else 'them'}; "
        "let pass what is right, import again what is not.",
        "reason=suspect_document",
    )


def _skipped_note(counts: Counts) -> AttentionNote:
    reasons = {reason: n for reason in FIXABLE if (n := counts.reasons.get(reason, 0))}
    n, said = (
        sum(reasons.values()),
        ", ".join(f"{notation.number(m)} {reason_words(r)}" for r, m in reasons.items()),
    )
    text = f"{said[:1].upper()}{said[1:]}. {'It is' if n == 1 else 'They are'} skipped until that is fixed."
    return AttentionNote(
        "note-skipped", "skipped", "skipped", n, f"{_mails(n)} cannot be sent.", text, "status=skipped"
    )


def _mails(n: int) -> str:
    return f"{notation.number(n)} {'mail' if n == 1 else 'mails'}"


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
        wait = f"{notation.number(ready)} ready {'result waits' if ready == 1 else 'results wait'}"
        when = "once this is corrected" if needs_a_person else "automatically"
        return BlockerNote("deferred", sentence, f"No mail has failed: {wait}. Sending resumes {when}.")
    return BlockerNote("deferred", problem)


def span_words(first: datetime, last: datetime) -> str:
    """from 13:15 to 13:23, with the days where these differ; at 13:15, if it took less than a minute"""
    first, last = notation.local(first), notation.local(last)
    if f"{first:%F %H:%M}" == f"{last:%F %H:%M}":
        return f"at {first:%H:%M}"
    if first.date() == last.date():
        return f"from {first:%H:%M} to {last:%H:%M}"
    return f"from {notation.day(first)} {first:%H:%M} to {notation.day(last)} {last:%H:%M}"
