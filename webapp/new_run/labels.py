"""Words of the preview: why an invoice is in one of its lists, and what is asked before a run is created."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from webapp.new_run.preview_lists import BOUNCED_BEFORE, MAILED_BEFORE, OVERLAPPING, READY, SKIPPED
from webapp.store.definitions import Content
from webapp.store.statuses import SkipReason
from webapp.translation import N_, _, ngettext, translated

NOTE_HEADINGS: dict[str, str] = {
    READY: N_("Goes to"),
    SKIPPED: N_("Why"),
    SkipReason.ALREADY_SENT: N_("Sent"),
    MAILED_BEFORE: N_("Mailed"),
    BOUNCED_BEFORE: N_("Came back"),
    OVERLAPPING: N_("Why"),
    SkipReason.SUSPENDED: N_("Why"),
    SkipReason.NOT_APPROVED: N_("Why"),
    SkipReason.UNLOCKABLE: N_("Why"),
}

DEFAULT_NOTES: dict[str, str] = {
    SkipReason.SUSPENDED: N_("the customer is suspended"),
    OVERLAPPING: N_("extends beyond the period"),
}


def note_heading(show: str) -> str:
    """The heading over the notes of this list."""
    return _(NOTE_HEADINGS.get(show, N_("What is missing")))


def default_note(show: str) -> str:
    """Why an invoice without a note of its own is in this list."""
    return translated(DEFAULT_NOTES.get(show, ""))


def skip_hint(reason: str, content: Content) -> str:
    """What a skip reason means for this definition; empty where its name says enough."""
    match reason:
        case SkipReason.NO_RECIPIENT:
            return _("no address with key “%(key)s”", key=content["recipient_key"])
        case SkipReason.NO_ATTACHMENT:
            return one_of(
                [_("no “%(name)s” document", name=name) for name in content["transformation_names"]]
            )
        case SkipReason.ALREADY_SENT:
            return _("by another run with this definition")
        case SkipReason.UNLOCKABLE:
            return _(
                "a PDF is signed, restricted or encrypted and cannot be given a password: "
                "choose ZIP in the definition, or import the PDF without a signature"
            )
        case SkipReason.SUSPECT_DOCUMENT:
            return _("a document does not mention its invoice number")
    return ""


def confirm_question(mails: int, start: bool, *, has_changed: bool) -> str:
    """What is asked before a run is created: Create and send 14 mails?"""
    if start:
        question = ngettext("Create and send %(num)s mail?", "Create and send %(num)s mails?", mails)
    else:
        question = ngettext("Create a run of %(num)s mail?", "Create a run of %(num)s mails?", mails)
    return _("The list has changed. %(question)s", question=question) if has_changed else question


def one_of(words: Sequence[str]) -> str:
    """a or b or c; empty for none"""
    return reduce(lambda one, other: _("%(one)s or %(other)s", one=one, other=other), words) if words else ""
