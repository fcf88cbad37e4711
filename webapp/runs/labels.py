"""How runs and results are spoken of on the pages: status words, reasons, what may be pressed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from webapp import notation
from webapp.lifecycle.counts import Counts
from webapp.lifecycle.sending_window import time_words
from webapp.results.labels import reason_words
from webapp.results.to_fix import OpenCause
from webapp.runs.fix_links import FIXABLE, VERBS, these
from webapp.runs.queries import ARCHIVED, AWAITING
from webapp.store.runs import Run
from webapp.store.statuses import ResultStatus, RunStatus, SkipReason
from webapp.translation import N_, _, ngettext

RUN_LOOKS = {
    RunStatus.CREATING: "ready",
    RunStatus.CREATED: "ready",
    RunStatus.RUNNING: "sending",
    RunStatus.STOPPED: "stopped",
    RunStatus.FINISHED: "sent",
}
"""The icon and colour of each state of a run."""
RUN_WORDS = {
    RunStatus.CREATING: N_("Creating"),
    RunStatus.CREATED: N_("Created"),
    RunStatus.RUNNING: N_("Running"),
    RunStatus.STOPPED: N_("Stopped"),
    RunStatus.FINISHED: N_("Finished"),
    ARCHIVED: N_("Archived"),
    AWAITING: N_("Waiting for approval"),
}
"""The states of a run, the filter of archived ones, and of those that wait for a second person."""


def state_label(run: Run) -> tuple[str, str]:
    """The icon and colour, and the words, of the state that a run is in."""
    if run.awaits_approval:
        return "deferred", _(RUN_WORDS[AWAITING])
    status = RunStatus(run.status)
    if status == RunStatus.CREATED and run.start_at is not None:
        return RUN_LOOKS[status], _("Starts %(time)s", time=time_words(run.start_at))
    return RUN_LOOKS[status], _(RUN_WORDS[status])


@dataclass(frozen=True)
class ProblemLabel:
    """How a number on the card of open problems is labelled: icon and colour of this status, these words."""

    look: str
    words: str


PROBLEM_LABELS = {
    OpenCause.NO_RECIPIENT: ProblemLabel("skipped", N_("No address for a key")),
    OpenCause.NO_ATTACHMENT: ProblemLabel("skipped", N_("No document")),
    OpenCause.SUSPECT_DOCUMENT: ProblemLabel("deferred", N_("Suspect document")),
    OpenCause.NO_PASSWORD: ProblemLabel("skipped", N_("No password")),
    OpenCause.UNLOCKABLE: ProblemLabel("skipped", N_("No password can be set")),
    OpenCause.BAD_ADDRESS: ProblemLabel("failed", N_("Failed for a bad address")),
    OpenCause.FAILED_OTHERWISE: ProblemLabel("failed", N_("Failed for another reason")),
    OpenCause.BOUNCED: ProblemLabel("bounced", N_("Bounced")),
    OpenCause.UNCONFIRMED: ProblemLabel("unconfirmed", N_("Unconfirmed")),
    OpenCause.WAITING: ProblemLabel("deferred", N_("Runs that wait for a server")),
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
        ngettext("%(num)s mail failed.", "%(num)s mails failed.", n),
        _("The reason is beside each. Fix the address, the data or the definition, then send again."),
        "status=failed",
    )


def _unconfirmed_note(n: int) -> AttentionNote:
    return AttentionNote(
        "note-unconfirmed",
        "unconfirmed",
        "unconfirmed",
        n,
        ngettext("%(num)s mail may have been sent.", "%(num)s mails may have been sent.", n),
        ngettext(
            "The connection broke after the mail server had received it. "
            "Mailrun will not send it again by itself.",
            "The connection broke after the mail server had received them. "
            "Mailrun will not send these again by itself.",
            n,
        ),
        "status=unconfirmed",
    )


def _suspect_note(n: int) -> AttentionNote:
    return AttentionNote(
        "note-suspect",
        "unconfirmed",
        "file",
        n,
        ngettext(
            "%(num)s mail is held: a document does not mention its invoice number.",
            "%(num)s mails are held: a document of each does not mention its invoice number.",
            n,
        ),
        ngettext(
            "It may belong to another customer. Look at it; let pass what is right, "
            "import again what is not.",
            "It may belong to another customer. Look at them; let pass what is right, "
            "import again what is not.",
            n,
        ),
        "reason=suspect_document",
    )


def _skipped_note(counts: Counts) -> AttentionNote:
    reasons = {reason: n for reason in FIXABLE if (n := counts.reasons.get(reason, 0))}
    n = sum(reasons.values())
    said = ", ".join(
        _("%(number)s %(label)s", number=notation.number(m), label=reason_words(reason))
        for reason, m in reasons.items()
    )
    title = ngettext("%(num)s mail cannot be sent.", "%(num)s mails cannot be sent.", n)
    text = ngettext(
        "%(reasons)s. It is skipped until that is fixed.",
        "%(reasons)s. They are skipped until that is fixed.",
        n,
        reasons=said[:1].upper() + said[1:],
    )
    return AttentionNote("note-skipped", "skipped", "skipped", n, title, text, "status=skipped")


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
        return BlockerNote("failed", _("Nothing is sent."), f"{sentence}.")
    if waits_for_server:
        ready = counts.by_status[ResultStatus.READY]
        wait = ngettext("%(num)s ready result waits", "%(num)s ready results wait", ready)
        if needs_a_person:
            told = _("No mail has failed: %(wait)s. Sending resumes once this is corrected.", wait=wait)
        else:
            told = _("No mail has failed: %(wait)s. Sending resumes automatically.", wait=wait)
        return BlockerNote("deferred", sentence, told)
    return BlockerNote("deferred", problem)


def span_words(first: datetime, last: datetime) -> str:
    """from 13:15 to 13:23, with the days where these differ; at 13:15, if it took less than a minute"""
    first, last = notation.local(first), notation.local(last)
    begin, end = f"{first:%H:%M}", f"{last:%H:%M}"
    if first.date() != last.date():
        begin, end = f"{notation.day(first)} {begin}", f"{notation.day(last)} {end}"
    if begin == end:
        return _("at %(time)s", time=begin)
    return _("from %(first)s to %(last)s", first=begin, last=end)
