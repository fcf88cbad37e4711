"""A run's progress, and the bar that shows it."""

from __future__ import annotations

from dataclasses import dataclass

from webapp.lifecycle.counts import Counts
from webapp.store.statuses import ResultStatus

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
