"""In which language a mail is: one for all of it. The customer's if the template has it ("nl-BE", then "nl"),
else the template's default. A piece that lacks that language is sent in its own default: a gap."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from webapp.mailing.texts import MessageText, is_spoken, spoken
from webapp.store.definitions import Content
from webapp.translation import N_, _, translated


@dataclass(frozen=True)
class LanguageGap:
    """A language, and the pieces that have no text in it. Without a `body` in it, no piece is sent in it."""

    language: str
    pieces: tuple[str, ...]

    @property
    def lacks_body(self) -> bool:
        """Whether customers of this language get all of the mail in another."""
        return BODY in self.pieces

    @property
    def said(self) -> list[str]:
        """The pieces, in words."""
        return [translated(piece) for piece in self.pieces]


BODY, SUBJECT = N_("body"), N_("subject")


def language_of(content: Content, language: str) -> str:
    """The language of the whole mail for a customer of this language: one of the template's; "" is its
    default."""
    return spoken(tuple(content["texts"]), language)


def message_text(content: Content, language: str) -> MessageText:
    """The definition's templates for a customer of this language, all in one language. Money, dates and
    numbers are written as that language does; with the default text, whose language is not known, as the
    customer's own does."""
    own = language_of(content, language)
    parts = content.get("parts", {})
    subjects = {"": content["subject"], **content.get("subjects", {})}
    return MessageText(
        subject=subjects[spoken(tuple(subjects), own)],
        body=content["texts"][own],
        is_html=content["format"] == "html",
        plain=content.get("plains", {}).get(own, ""),
        parts=tuple((name, texts[spoken(tuple(texts), own)]) for name, texts in sorted(parts.items())),
        language=language if not own or is_spoken(content["texts"], language) else own,
        file_name=content.get("file_name", ""),
    )


def gap_of(content: Content, language: str) -> LanguageGap | None:
    """What a customer of this language is not sent in it; None if all of the mail is. A part that has but one
    text, without a language, is for all: a letterhead."""
    own = language_of(content, language)
    if not is_spoken(content["texts"], language):
        return LanguageGap(language, (BODY,))
    pieces = [SUBJECT] if own and own not in content.get("subjects", {}) else []
    for name, texts in sorted(content.get("parts", {}).items()):
        if own and texts.keys() != {""} and not is_spoken(texts, own):
            pieces.append(_("part “%(name)s”", name=name))
    return LanguageGap(language, tuple(pieces)) if pieces else None


def gaps(content: Content) -> list[LanguageGap]:
    """The languages in which some piece of the mail has a text and another has none."""
    named = {*content["texts"], *content.get("subjects", {})}
    for texts in content.get("parts", {}).values():
        named |= texts.keys()
    return [gap for gap in (gap_of(content, language) for language in sorted(named - {""})) if gap]


def has_languages(content: Content) -> bool:
    """Whether the mail differs by language at all."""
    pieces: Iterable[dict[str, str]] = (content["texts"], *content.get("parts", {}).values())
    return any(language for texts in pieces for language in texts)
