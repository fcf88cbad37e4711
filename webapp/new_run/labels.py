"""Words of the preview: why an invoice is in one of its lists, and what is asked before a run is created."""

from __future__ import annotations

from webapp import notation
from webapp.new_run.preview_lists import MAILED_BEFORE, OVERLAPPING, READY, SKIPPED
from webapp.store.definitions import Content
from webapp.store.statuses import SkipReason

NOTE_HEADINGS: dict[str, str] = {
    READY: "Goes to",
    SKIPPED: "Why",
    SkipReason.ALREADY_SENT: "Sent",
    MAILED_BEFORE: "Mailed",
    OVERLAPPING: "Why",
    SkipReason.SUSPENDED: "Why",
    SkipReason.NOT_APPROVED: "Why",
    SkipReason.UNLOCKABLE: "Why",
}

DEFAULT_NOTES: dict[str, str] = {
    SkipReason.SUSPENDED: "the customer is suspended",
    OVERLAPPING: "extends beyond the period",
}


def note_heading(show: str) -> str:
    """The heading over the notes of this list."""
    return NOTE_HEADINGS.get(show, "What is missing")


def default_note(show: str) -> str:
    """Why an invoice without a note of its own is in this list."""
    return DEFAULT_NOTES.get(show, "")


def skip_hint(reason: str, content: Content) -> str:
    """What a skip reason means for this definition; empty where its name says enough."""
    match reason:
        case SkipReason.NO_RECIPIENT:
            return f"no address with key “{content['recipient_key']}”"
        case SkipReason.NO_ATTACHMENT:
            return " or ".join(f"no “{name}” document" for name in content["transformation_names"])
        case SkipReason.ALREADY_SENT:
            return "by another run with this definition"
        case SkipReason.UNLOCKABLE:
            return (
                "a PDF is signed, restricted or encrypted and cannot be given a password: "
                "choose ZIP in the definition, or import the PDF without a signature"
            )
        case SkipReason.SUSPECT_DOCUMENT:
            return "a document does not mention its invoice number"
    return ""


def confirm_question(mails: int, start: bool, *, has_changed: bool) -> str:
    """What is asked before a run is created: Create and send 14 mails?"""
    counted = f"{notation.number(mails)} {'mail' if mails == 1 else 'mails'}"
    question = f"Create and send {counted}?" if start else f"Create a run of {counted}?"
    return f"The list has changed. {question}" if has_changed else question
