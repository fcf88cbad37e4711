"""What came of a finished run, and what to do next (E1)."""

from __future__ import annotations

import pytest

from webapp.lifecycle.counts import Counts
from webapp.runs.outcome import HELD, SKIP_FIXES, next_steps, outcome, problems
from webapp.store.statuses import ResultStatus, SkipReason


def counted(**numbers: int) -> Counts:
    """The counts of a run: statuses and skip reasons by their names."""
    reasons = {reason.value: numbers.pop(reason.value, 0) for reason in SkipReason}
    by_status = {status: numbers.get(status.value, 0) for status in ResultStatus}
    by_status[ResultStatus.SKIPPED] = sum(reasons.values())
    return Counts(by_status, reasons)


@pytest.mark.parametrize(
    ("counts", "look", "words"),
    [
        (counted(sent=30), "sent", "All sent"),
        (counted(sent=30, removed=2), "sent", "All sent"),
        (counted(), "skipped", "There was nothing to send"),
        (counted(sent=6, suspended=20, no_recipient=4), "skipped", "6 sent, 24 got nothing"),
        (counted(not_approved=30), "skipped", "Nothing sent, 30 got nothing"),
        (counted(sent=6, already_sent=24), "sent", "6 sent, 24 had been sent before"),
        (counted(already_sent=24), "skipped", "Nothing sent, 24 had been sent before"),
        (
            counted(sent=2, already_sent=1, no_attachment=1),
            "skipped",
            "2 sent, 1 got nothing, 1 had been sent before",
        ),
        (
            counted(sent=1176, failed=3, unconfirmed=1),
            "failed",
            "1,176 sent, 3 failed, 1 is unconfirmed",
        ),
        (counted(failed=2), "failed", "Nothing sent, 2 failed"),
        (counted(sent=5, bounced=1, unconfirmed=2), "unconfirmed", "5 sent, 1 bounced, 2 are unconfirmed"),
        (counted(sent=5, suspect_document=1), "skipped", "5 sent, 1 is held"),
    ],
)
def test_e1_the_outcome_counts_those_who_got_nothing(counts: Counts, look: str, words: str) -> None:
    told = outcome(counts)
    assert (told.look, told.words) == (look, words)


def test_next_steps_follow_the_results_of_a_finished_run() -> None:
    counts = counted(failed=2, unconfirmed=1, bounced=3, no_recipient=4, suspect_document=1)
    steps = {step.problem.query: step for step in next_steps(counts, "2 addresses are unknown.")}
    assert list(steps) == ["status=failed", "status=unconfirmed", "status=bounced", "reason=no_recipient"]
    assert steps["status=failed"].words.startswith("2 addresses are unknown. Fix the address")
    assert steps["status=unconfirmed"].words.startswith("It may have arrived.")
    assert "them, and they came back" in steps["status=bounced"].words
    assert steps["reason=no_recipient"].words.startswith("Add an address")
    assert [step.problem.n for step in steps.values()] == [2, 1, 3, 4]
    assert next_steps(counted(sent=4), "") == []


def test_every_skip_reason_has_a_way_out() -> None:
    assert {*SKIP_FIXES, *HELD} == set(SkipReason)


def test_problems_of_a_run_include_those_who_got_nothing() -> None:
    counts = counted(sent=9, failed=1, suspended=2, suspect_document=3, already_sent=5)
    assert [(problem.n, problem.label) for problem in problems(counts)] == [
        (3, "held"),
        (1, "failed"),
        (2, "skipped"),
    ]
    assert problems(counted(sent=9, already_sent=5)) == []
