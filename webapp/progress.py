"""How far an import is: a step in words, and the share of the whole that is done, from 0 to 1."""

from __future__ import annotations

from collections.abc import Callable

from webapp.translation import N_

ReportProgress = Callable[[str, float], None]

READING = (N_("Reading"), 0.0, 0.5)
CHECKING = (N_("Checking"), 0.5, 0.62)
COMPARING = (N_("Comparing"), 0.62, 0.7)
DOCUMENTS = (N_("Documents"), 0.7, 0.78)
STORING = (N_("Storing"), 0.78, 1.0)

Step = tuple[str, float, float]


def silent(step: str, share: float) -> None:
    """Report to no one."""


def within(progress: ReportProgress, step: Step, total: int) -> Callable[[int], None]:
    """Tells how much of this step is done, given how many of its `total` parts are."""
    words, start, end = step

    def tell(done: int) -> None:
        progress(words, start + (end - start) * min(1.0, done / max(1, total)))

    return tell
