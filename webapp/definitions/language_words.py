"""What the pages of definitions and templates say about languages without a text."""

from __future__ import annotations

from webapp.mailing.locale_filters import language_name
from webapp.messages.languages import gaps
from webapp.store.definitions import Content


def missing_words(content: Content | None) -> str:
    """The pieces of these mails that have no text in a language: “Dutch part “regards”; German body”. Empty
    if none is missing."""
    found = gaps(content) if content else []
    return "; ".join(f"{language_name(gap.language)} {' and '.join(gap.pieces)}" for gap in found)
