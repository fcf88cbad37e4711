"""What the page of a run says about what needs a person, and about what keeps the run from going on."""

from __future__ import annotations

import pytest

from webapp.lifecycle.counts import Counts
from webapp.results.to_fix import OpenCause
from webapp.runs.labels import PROBLEM_LABELS, attention_notes, blocker_note
from webapp.store.statuses import ResultStatus, RunStatus, SkipReason


def counted(suspect: int = 0, **by_status: int) -> Counts:
    """The counts of a run with these results, and this many held for a suspect document."""
    return Counts(
        {status: by_status.get(status.value, 0) for status in ResultStatus},
        {SkipReason.SUSPECT_DOCUMENT: suspect},
    )


@pytest.mark.parametrize(
    ("status", "counts", "titles"),
    [
        (RunStatus.RUNNING, counted(), []),
        (RunStatus.RUNNING, counted(failed=1), ["1 mail failed."]),
        (
            RunStatus.STOPPED,
            counted(failed=2, unconfirmed=1),
            ["2 mails failed.", "1 mail may have been sent."],
        ),
        (RunStatus.FINISHED, counted(failed=2, unconfirmed=1), []),
        (
            RunStatus.FINISHED,
            counted(suspect=1, skipped=1),
            ["1 mail is held: a document does not mention its invoice number."],
        ),
        (
            RunStatus.CREATED,
            counted(suspect=1200, skipped=1200),
            ["1,200 mails are held: a document of each does not mention its invoice number."],
        ),
    ],
)
def test_notes_tell_of_what_needs_a_person(status: RunStatus, counts: Counts, titles: list[str]) -> None:
    assert [note.title for note in attention_notes(status, counts)] == titles


@pytest.mark.parametrize(
    ("problem", "is_held", "waits", "look", "title"),
    [
        ("this database belongs elsewhere", True, False, "failed", "Nothing is sent."),
        ("mail server a is not reachable", False, True, "deferred", "Mail server a is not reachable"),
        ("it stopped itself", False, False, "deferred", "it stopped itself"),
    ],
)
def test_a_blocker_is_told_in_its_own_words(
    problem: str, is_held: bool, waits: bool, look: str, title: str
) -> None:
    note = blocker_note(problem, is_held=is_held, waits_for_server=waits, counts=counted(ready=1))
    assert note
    assert (note.look, note.title) == (look, title)
    assert ("1 ready result waits" in note.text) == waits


def test_b4_what_a_person_must_correct_does_not_resume_by_itself() -> None:
    note = blocker_note(
        "it refuses the login",
        is_held=False,
        waits_for_server=True,
        counts=counted(ready=2),
        needs_a_person=True,
    )
    assert note
    assert note.text == "No mail has failed: 2 ready results wait. Sending resumes once this is corrected."


def test_a_run_that_goes_on_has_no_blocker() -> None:
    assert blocker_note(None, is_held=False, waits_for_server=False, counts=counted()) is None


def test_every_open_problem_has_a_label() -> None:
    assert PROBLEM_LABELS.keys() == set(OpenCause)
