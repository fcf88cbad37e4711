"""What came of a finished run, in words, and what to do about the rest."""

from __future__ import annotations

from dataclasses import dataclass

from webapp import notation
from webapp.lifecycle.counts import Counts
from webapp.results.labels import reason_words, status_words
from webapp.store.statuses import ResultStatus, SkipReason
from webapp.translation import N_, _, ngettext

SKIP_FIXES = {
    SkipReason.SUSPENDED: N_("Resume the customer if it should get its invoices, then try again."),
    SkipReason.NOT_APPROVED: N_("Approve the invoices, then try again."),
    SkipReason.NO_RECIPIENT: N_("Add an address with this definition's recipient key, then try again."),
    SkipReason.NO_ATTACHMENT: N_("Import the missing documents, then try again."),
    SkipReason.ALREADY_SENT: N_("Nothing to do: another run of this definition has sent them."),
    SkipReason.UNLOCKABLE: N_("Choose ZIP in the definition, or import unsigned PDFs; then try again."),
    SkipReason.NO_PASSWORD: N_("Add the password to the customer's metadata, then try again."),
    SkipReason.TOO_LATE: N_("Set a later time under “When it sends”, then press Send again."),
}
"""What to do about results that were skipped for each reason. Suspect documents have a note of their own."""

FAILED, UNCONFIRMED, BOUNCED = ResultStatus.FAILED, ResultStatus.UNCONFIRMED, ResultStatus.BOUNCED
PROBLEMS = (FAILED, UNCONFIRMED, BOUNCED)
SENT_BEFORE = (SkipReason.ALREADY_SENT,)
HELD = (SkipReason.SUSPECT_DOCUMENT,)


@dataclass(frozen=True)
class RunOutcome:
    """What came of a finished run. `look` is the status whose icon and colour stand for the whole."""

    look: ResultStatus
    words: str


def outcome(counts: Counts) -> RunOutcome:
    """What came of a finished run: 6 sent, 3 failed, 24 got nothing.

    Every result that was not removed is in one of the parts."""
    by = counts.by_status
    parts = [words for n, words in _unsent_parts(counts) if n]
    if not parts:
        if by[ResultStatus.SENT]:
            return RunOutcome(ResultStatus.SENT, _("All sent"))
        return RunOutcome(ResultStatus.SKIPPED, _("There was nothing to send"))
    sent = by[ResultStatus.SENT]
    said = ngettext("%(num)s sent", "%(num)s sent", sent) if sent else _("Nothing sent")
    return RunOutcome(_look(counts), ", ".join([said, *parts]))


def _look(counts: Counts) -> ResultStatus:
    """The status to show for a run of which not all was sent: the worst that there is."""
    by = counts.by_status
    worst = next((status for status in PROBLEMS if by[status]), None)
    if worst is None and by[ResultStatus.SENT] and by[ResultStatus.SKIPPED] == _sent_before(counts):
        return ResultStatus.SENT
    return worst or ResultStatus.SKIPPED


def _unsent_parts(counts: Counts) -> list[tuple[int, str]]:
    by = counts.by_status
    failed, bounced, unconfirmed = (by[status] for status in (FAILED, BOUNCED, UNCONFIRMED))
    held, nothing, before = _of(counts, HELD), got_nothing(counts), _sent_before(counts)
    return [
        (failed, ngettext("%(num)s failed", "%(num)s failed", failed)),
        (bounced, ngettext("%(num)s bounced", "%(num)s bounced", bounced)),
        (unconfirmed, ngettext("%(num)s is unconfirmed", "%(num)s are unconfirmed", unconfirmed)),
        (held, ngettext("%(num)s is held", "%(num)s are held", held)),
        (nothing, ngettext("%(num)s got nothing", "%(num)s got nothing", nothing)),
        (before, ngettext("%(num)s had been sent before", "%(num)s had been sent before", before)),
    ]


def got_nothing(counts: Counts) -> int:
    """How many results were skipped whose customers have not got this invoice by this definition, held ones
    aside."""
    return counts.by_status[ResultStatus.SKIPPED] - _of(counts, (*SENT_BEFORE, *HELD))


def _sent_before(counts: Counts) -> int:
    return _of(counts, SENT_BEFORE)


def _of(counts: Counts, reasons: tuple[SkipReason, ...]) -> int:
    return sum(counts.reasons.get(reason, 0) for reason in reasons)


@dataclass(frozen=True)
class ProblemLink:
    """`n` results with one problem; `query` is the filter that shows them."""

    look: str
    n: int
    label: str
    query: str

    @property
    def words(self) -> str:
        """3 failed"""
        return _("%(number)s %(label)s", number=notation.number(self.n), label=self.label)


def problems(counts: Counts) -> list[ProblemLink]:
    """What is wrong in a run, in its row of the list of runs."""
    by, held = counts.by_status, _of(counts, HELD)
    found = [ProblemLink("skipped", held, _("held"), f"reason={HELD[0]}")] if held else []
    found += [
        ProblemLink(status, by[status], status_words(status), f"status={status}")
        for status in PROBLEMS
        if by[status]
    ]
    if n := got_nothing(counts):
        found.append(ProblemLink("skipped", n, status_words(ResultStatus.SKIPPED), "status=skipped"))
    return found


@dataclass(frozen=True)
class NextStep:
    """A problem of a finished run, and what to do about it."""

    problem: ProblemLink
    words: str


FIX_AND_SEND = N_("Fix the address, the data or the definition, then send again.")


def next_steps(counts: Counts, failed_words: str) -> list[NextStep]:
    """What to do about a finished run. `failed_words` say why its mails failed."""
    by = counts.by_status
    words = {
        FAILED: f"{failed_words} {_(FIX_AND_SEND)}".strip(),
        UNCONFIRMED: ngettext(
            "It may have arrived. Ask the customer, then mark as sent or send again.",
            "They may have arrived. Ask the customer, then mark as sent or send again.",
            by[UNCONFIRMED],
        ),
        BOUNCED: ngettext(
            "The mail server accepted it, and it came back. Fix the address, then send again.",
            "The mail server accepted them, and they came back. Fix the address, then send again.",
            by[BOUNCED],
        ),
    }
    steps = [
        NextStep(ProblemLink(status, by[status], status_words(status), f"status={status}"), told)
        for status, told in words.items()
    ]
    steps += [
        NextStep(
            ProblemLink("skipped", counts.reasons[reason], reason_words(reason), f"reason={reason}"), _(told)
        )
        for reason, told in SKIP_FIXES.items()
        if reason in counts.reasons
    ]
    return [step for step in steps if step.problem.n]
