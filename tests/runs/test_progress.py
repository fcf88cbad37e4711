"""How far a run is, in words: the same decisions for the page, its poll and the list of runs."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from webapp.lifecycle.counts import Counts
from webapp.runs.progress import (
    Timing,
    announcement,
    ids_to_poll,
    progress_line,
    short_progress,
    timing,
)
from webapp.store.runs import Run
from webapp.store.statuses import ResultStatus, RunStatus

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def counted(**by_status: int) -> Counts:
    """The counts of a run with these results."""
    return Counts({status: by_status.get(status.value, 0) for status in ResultStatus}, {})


@pytest.mark.parametrize(
    ("status", "counts", "unchecked", "words"),
    [
        (RunStatus.CREATING, counted(ready=5), 12, "Checking documents: 12 to go"),
        (RunStatus.CREATING, counted(ready=1500), 0, "Making the list: 1,500 so far"),
        (RunStatus.CREATED, counted(skipped=3), 0, "Nothing to send"),
        (RunStatus.CREATED, counted(ready=3), 0, "3 ready, nothing sent yet"),
        (RunStatus.CREATED, counted(ready=3, sent=1), 0, "1 of 4 done"),
        (RunStatus.RUNNING, counted(ready=3), 0, "0 of 3 done"),
        (RunStatus.STOPPED, counted(ready=3, sent=2, failed=1, deferred=1), 0, "3 of 7 done"),
    ],
)
def test_one_line_tells_how_far_a_run_is(
    status: RunStatus, counts: Counts, unchecked: int, words: str
) -> None:
    line = progress_line(status, counts, unchecked)
    assert str(line) == words
    assert line.is_share == words.endswith("done")


@pytest.mark.parametrize(
    ("status", "counts", "unchecked", "words"),
    [
        (RunStatus.CREATING, counted(), 1, "Checking documents: 1 to go."),
        (RunStatus.CREATING, counted(ready=2), 0, "Making the list: 2 so far."),
        (RunStatus.RUNNING, counted(ready=3, failed=2), 0, "2 of 5 done, 2 failed."),
        (RunStatus.FINISHED, counted(sent=5), 0, "5 of 5 done, 0 failed. This run is finished."),
    ],
)
def test_a_screen_reader_is_told_the_same(
    status: RunStatus, counts: Counts, unchecked: int, words: str
) -> None:
    assert announcement(status, counts, unchecked) == words


@pytest.mark.parametrize(
    ("status", "counts", "words"),
    [
        (RunStatus.CREATING, counted(ready=2), "making the list: 2 so far"),
        (RunStatus.CREATED, counted(ready=2), "2 ready, nothing sent yet"),
        (RunStatus.RUNNING, counted(ready=2, sent=1200), "1,200 of 1,202"),
    ],
)
def test_a_row_tells_it_briefly(status: RunStatus, counts: Counts, words: str) -> None:
    assert short_progress(status, counts) == words


@pytest.mark.parametrize(
    ("status", "waits", "has_pace", "told"),
    [
        (RunStatus.FINISHED, True, True, Timing.FINISHED),
        (RunStatus.STOPPED, True, True, Timing.STOPPED),
        (RunStatus.RUNNING, True, True, Timing.WAITING),
        (RunStatus.RUNNING, False, True, Timing.ESTIMATED),
        (RunStatus.RUNNING, False, False, Timing.STARTED),
        (RunStatus.CREATED, False, False, Timing.UNKNOWN),
    ],
)
def test_the_end_of_a_run_is_told_as_far_as_it_is_known(
    status: RunStatus, waits: bool, has_pace: bool, told: Timing
) -> None:
    run = Run(status=status, started_at=NOON, finished_at=NOON)
    assert timing(run, waits_for_server=waits, has_pace=has_pace) == told


def test_only_runs_that_change_by_themselves_are_polled() -> None:
    runs = [Run(id=n, status=status) for n, status in enumerate(RunStatus, 1)]
    changing = [run.id for run in runs if run.status in ("creating", "running")]
    assert ids_to_poll(runs) == "-".join(map(str, changing))
    assert ids_to_poll([]) == ""
