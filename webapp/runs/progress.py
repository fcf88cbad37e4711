"""A run's progress, and the bar that shows it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from webapp import notation
from webapp.lifecycle.counts import Counts
from webapp.store.runs import Run
from webapp.store.statuses import ResultStatus, RunStatus
from webapp.translation import _

ON_THE_BAR = (
    ResultStatus.SENT,
    ResultStatus.BOUNCED,
    ResultStatus.FAILED,
    ResultStatus.UNCONFIRMED,
    ResultStatus.SENDING,
    ResultStatus.DEFERRED,
    ResultStatus.READY,
)


CHANGING = (RunStatus.CREATING, RunStatus.RUNNING)
"""The states in which a run changes by itself."""

DONE = (ResultStatus.SENT, ResultStatus.FAILED, ResultStatus.UNCONFIRMED, ResultStatus.BOUNCED)


@dataclass(frozen=True)
class BarSegment:
    """A part of a progress bar that is 1,000 wide."""

    status: str
    x: float
    width: float


@dataclass(frozen=True)
class Progress:
    """`done` of `to_do`: skipped and removed results do not count."""

    done: int
    to_do: int
    shown: int
    pieces: list[BarSegment]

    @property
    def left(self) -> int:
        return self.to_do - self.done


def progress(counts: Counts) -> Progress:
    """A run's progress. `shown` is what the filter All shows: everything but the removed."""
    by = counts.by_status
    return Progress(
        done=sum(by[status] for status in DONE),
        to_do=sum(by[status] for status in ON_THE_BAR),
        shown=counts.total - by[ResultStatus.REMOVED],
        pieces=bar({status.value: by[status] for status in ON_THE_BAR}),
    )


SEGMENT_WIDTH_MIN = 5.0
"""The least width of a segment, so that a single failure among thousands is visible."""


def bar(parts: dict[str, int]) -> list[BarSegment]:
    """The segments of a bar, in the order given. Small segments are widened at the expense of the widest."""
    whole = sum(parts.values())
    if not whole:
        return []
    widths = {name: max(SEGMENT_WIDTH_MIN, 1000 * n / whole) for name, n in parts.items() if n}
    spare = sum(width for width in widths.values() if width > SEGMENT_WIDTH_MIN)
    excess = sum(widths.values()) - 1000
    pieces, x = [], 0.0
    for name, width in widths.items():
        if width > SEGMENT_WIDTH_MIN:
            width -= excess * width / spare
        pieces.append(BarSegment(name, round(x, 1), round(width, 1)))
        x += width
    return pieces


@dataclass(frozen=True)
class ProgressLine:
    """A sentence about a run with one number to point out; `is_share`: the number is a part of a whole."""

    before: str
    number: int | None
    after: str
    is_share: bool = False

    def __str__(self) -> str:
        counted = "" if self.number is None else notation.number(self.number)
        return f"{self.before}{counted}{self.after}"


def progress_line(run_status: str, counts: Counts, unchecked: int = 0) -> ProgressLine:
    """How far the run is, in words: the first case that applies. `unchecked` are the documents still to be
    checked before its list is made."""
    going = progress(counts)
    if unchecked:
        return _around(_("Checking documents: %(number)s to go", number=GAP), unchecked)
    if run_status == RunStatus.CREATING:
        return _around(_("Making the list: %(number)s so far", number=GAP), counts.total)
    if not going.to_do:
        return ProgressLine(_("Nothing to send"), None, "")
    if run_status == RunStatus.CREATED and not going.done:
        return _around(_("%(number)s ready, nothing sent yet", number=GAP), going.left)
    sentence = _("%(done)s of %(to_do)s done", done=GAP, to_do=notation.number(going.to_do))
    return _around(sentence, going.done, is_share=True)


GAP = "\0"
"""Where the number to point out stands in a sentence."""


def _around(sentence: str, number: int, *, is_share: bool = False) -> ProgressLine:
    before, after = sentence.split(GAP)
    return ProgressLine(before, number, after, is_share)


def announcement(run_status: str, counts: Counts, unchecked: int = 0) -> str:
    """What a screen reader is told now and then."""
    if unchecked or run_status == RunStatus.CREATING:
        return f"{progress_line(run_status, counts, unchecked)}."
    going = progress(counts)
    told = _(
        "%(done)s of %(to_do)s done, %(failed)s failed.",
        done=notation.number(going.done),
        to_do=notation.number(going.to_do),
        failed=notation.number(counts.by_status[ResultStatus.FAILED]),
    )
    return " ".join((told, _("This run is finished."))) if run_status == RunStatus.FINISHED else told


def short_progress(run_status: str, counts: Counts) -> str:
    """How far a run is, in a row of the list of runs."""
    going = progress(counts)
    if run_status == RunStatus.CREATING:
        return _("making the list: %(number)s so far", number=notation.number(counts.total))
    if run_status == RunStatus.CREATED:
        return _("%(number)s ready, nothing sent yet", number=notation.number(going.left))
    done, to_do = notation.number(going.done), notation.number(going.to_do)
    return _("%(done)s of %(to_do)s", done=done, to_do=to_do)


class Timing(StrEnum):
    """What can be told about when a run ends."""

    FINISHED = "finished"
    STOPPED = "stopped"
    WAITING = "waiting"
    """For a mail server in trouble."""
    ESTIMATED = "estimated"
    STARTED = "started"
    UNKNOWN = ""


def timing(run: Run, *, waits_for_server: bool, has_pace: bool) -> Timing:
    """What to tell about when this run ends: the first case that applies."""
    if run.status == RunStatus.FINISHED and run.finished_at:
        return Timing.FINISHED
    if run.status == RunStatus.STOPPED:
        return Timing.STOPPED
    if waits_for_server:
        return Timing.WAITING
    if has_pace:
        return Timing.ESTIMATED
    if run.status == RunStatus.RUNNING and run.started_at:
        return Timing.STARTED
    return Timing.UNKNOWN


def ids_to_poll(runs: Iterable[Run]) -> str:
    """The ids of the runs that change by themselves, as the address of the list's poll names them."""
    return "-".join(str(run.id) for run in runs if run.status in CHANGING)
