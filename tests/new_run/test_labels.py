"""The words of the preview, case by case."""

from __future__ import annotations

from typing import cast

import pytest

from webapp.new_run.labels import confirm_question, default_note, note_heading, skip_hint
from webapp.new_run.preview_lists import LISTS
from webapp.store.definitions import Content
from webapp.store.statuses import SkipReason

CONTENT = cast(Content, {"recipient_key": "billing", "transformation_names": ["Invoice PDF", "UBL"]})


@pytest.mark.parametrize(
    ("reason", "hint"),
    [
        (SkipReason.NO_RECIPIENT, "no address with key “billing”"),
        (SkipReason.NO_ATTACHMENT, "no “Invoice PDF” document or no “UBL” document"),
        (SkipReason.ALREADY_SENT, "by another run with this definition"),
        (SkipReason.SUSPECT_DOCUMENT, "a document does not mention its invoice number"),
        (SkipReason.SUSPENDED, ""),
        (SkipReason.NOT_APPROVED, ""),
        ("a_later_reason", ""),
    ],
)
def test_a_skip_reason_is_explained_for_the_definition(reason: str, hint: str) -> None:
    assert skip_hint(reason, CONTENT) == hint


def test_every_list_has_a_heading_over_its_notes() -> None:
    headings = {show: note_heading(show) for show in LISTS}
    assert headings["ready"] == "Goes to"
    assert headings["overlapping"] == "Why"
    assert headings["no_recipient"] == headings["no_attachment"] == "What is missing"
    assert default_note("suspended") == "the customer is suspended"
    assert default_note("ready") == ""


@pytest.mark.parametrize(
    ("mails", "start", "has_changed", "question"),
    [
        (1, True, False, "Create and send 1 mail?"),
        (1400, True, False, "Create and send 1,400 mails?"),
        (14, False, False, "Create a run of 14 mails?"),
        (14, True, True, "The list has changed. Create and send 14 mails?"),
    ],
)
def test_the_question_names_what_would_happen(
    mails: int, start: bool, has_changed: bool, question: str
) -> None:
    assert confirm_question(mails, start, has_changed=has_changed) == question
