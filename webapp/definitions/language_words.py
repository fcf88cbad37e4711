"""What the pages of definitions and templates say about languages without a text."""

from __future__ import annotations

from webapp.mailing.locale_filters import language_name
from webapp.messages.languages import gaps
from webapp.store.definitions import Content
from webapp.translation import all_of


def missing_words(content: Content | None) -> str:
    """The pieces of these mails that have no text in a language: “Dutch part “regards”; German body”. Empty
    if none is missing."""
    found = gaps(content) if content else []
    return "; ".join(f"{language_name(gap.language)} {all_of(gap.said)}" for gap in found)
