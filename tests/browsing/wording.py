"""Finds the messages that an English text is made of, and says them in another language.

A message is split at its values: “Select %(name)s” is ("Select ", "name", ""), texts at even places, names of
values between them. A text that a test asks for may be the whole of a message or a piece of it, as in
English: then the rest of the message may be anything."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from html import unescape

from babel.messages.pofile import read_po

from webapp import notation
from webapp.translation import FOLDER

ANYTHING = r"[\s\S]*?"
_NUMBER = re.compile(r"(€\s*)?(\d{1,3}(?:,\d{3})*)(\.\d+)?")
_GLUES = (
    r" · ",
    r" → ",
    r"(?<=[.?!:]) ",
    r", (?=[€\d])",
    r"(?<=\D) (?=\d[\d,]*$)",
    r"(?:(?<=^\d)|(?<=^\d\d)) ",
)
"""What is between texts, or a text and a number, that stand side by side on pages."""


@dataclass(frozen=True)
class Message:
    """A message, and its translation, without markup."""

    english: tuple[str, ...]
    translation: tuple[str, ...]


@dataclass(frozen=True)
class Reading:
    """One way to read a text as a message or a piece of it: what is known of its values, and how many
    characters are the message's own. `before`, `after`: whether the message goes on there."""

    message: Message
    values: dict[str, str] = field(default_factory=dict)
    own: int = 0
    before: bool = False
    after: bool = False


def readings(text: str, language: str, *, starts: bool, ends: bool, exact_case: bool) -> list[Reading]:
    """The messages that fit best, those with most characters of their own. `starts`, `ends`: the message
    must begin, or end, with the text. Without any, the text is data."""
    shared = [message for word in _words(text) for message in _by_word(language).get(word, ())]
    found = [
        reading
        for message in dict.fromkeys(shared)
        if (reading := _read(text, message, exact_case))
        if not (starts and reading.before) and not (ends and reading.after)
    ]
    most = max((reading.own for reading in found), default=0)
    return [reading for reading in found if reading.own == most]


@cache
def messages(language: str) -> tuple[Message, ...]:
    """All that are translated, each form of a plural as one of its own."""
    with (FOLDER / f"{language}.po").open("rb") as file:
        catalogue = read_po(file, locale=language)
    made = dict[Message, None]()
    for entry in catalogue:
        ids = entry.id if isinstance(entry.id, tuple) else (entry.id,)
        strings = entry.string if isinstance(entry.string, tuple) else (entry.string,)
        for english, translation in zip(ids, strings, strict=True):
            if english and translation:
                made[Message(_parts(str(english)), _parts(str(translation)))] = None
                inside, said = _marked_up(str(english)), _marked_up(str(translation))
                made |= {
                    Message(_parts(one), _parts(other)): None
                    for one, other in zip(inside, said, strict=False)
                    if len(inside) == len(said)
                }
    return tuple(made)


def _marked_up(message: str) -> list[str]:
    """The texts of a message that are elements of their own, such as a link in a sentence."""
    return re.findall(r"<\w[^<>]*>([^<>]+)</", message)


@cache
def _by_word(language: str) -> dict[str, list[Message]]:
    found = dict[str, list[Message]]()
    for message in messages(language):
        for word in _words(" ".join(message.english[::2])):
            found.setdefault(word, []).append(message)
    return found


def _words(text: str) -> set[str]:
    return set(re.findall(r"[^\W\d_]+", text.lower()))


def _parts(message: str) -> tuple[str, ...]:
    shown = unescape(re.sub(r"</?(?!img)[a-z]+\b[^<>@]*>", "", message).replace("%%", "%"))
    parts = re.split(r"%\((\w+)\)s", re.sub(r"[^\S\u00a0\u202f]+", " ", shown).strip())
    return tuple(parts)


def _read(text: str, message: Message, exact_case: bool) -> Reading | None:
    """The best way to read the text as this message."""
    best: Reading | None = None
    parts = message.english
    if not exact_case:
        parts = tuple(part if n % 2 else _lower(part) for n, part in enumerate(parts))
    for values, own, before, after in _from_anywhere(text if exact_case else _lower(text), parts):
        better = best is None or (own, not before, not after) > (best.own, not best.before, not best.after)
        if own and better:
            best = Reading(message, _as_written(values, text), own, before, after)
    return best


@cache
def _lower(text: str) -> str:
    """In lower case, each letter where it was."""
    return "".join(letter.lower() if len(letter.lower()) == 1 else letter for letter in text)


def _as_written(values: dict[str, str], text: str) -> dict[str, str]:
    lower = _lower(text)
    return {
        name: text[lower.index(value) :][: len(value)] if value in lower else value
        for name, value in values.items()
    }


Found = tuple[dict[str, str], int, bool, bool]


def _from_anywhere(text: str, parts: tuple[str, ...]) -> Iterator[Found]:
    """Each way in which the text begins in this message: with a word of its own, or with a value."""
    for place, part in enumerate(parts):
        if place % 2:
            begins = [0] if _may_begin_value(text, parts[place + 1]) else []
        else:
            begins = [
                match.start()
                for match in re.finditer(re.escape(text[: len(part)][:4]), part)
                if _is_edge(part, match.start())
            ]
            begins += [
                n
                for n in range(max(len(part) - 3, 0), len(part))
                if text.startswith(part[n:]) and _is_edge(part, n)
            ]
        for begin in dict.fromkeys(begins):
            before = place > 1 or (place == 1 and bool(parts[0])) or begin > 0
            for values, own, after in _from(text, parts, place, begin):
                yield values, own, before, after


def _may_begin_value(text: str, following: str) -> bool:
    """Whether the text can begin with a value before these words of the message's own."""
    return bool(following) and following[: len(text) - 1] in text


def _from(
    text: str, parts: tuple[str, ...], place: int, begin: int = 0
) -> Iterator[tuple[dict[str, str], int, bool]]:
    """Each way in which the text goes on in the message from this place: its values, the characters of the
    message's own, and whether the message goes on after it."""
    part = parts[place][begin:]
    if place % 2 == 0:
        if part.startswith(text) and _is_edge(part, len(text)):
            yield {}, _letters(text), len(part) > len(text) or place + 1 < len(parts)
        elif text.startswith(part) and place + 1 < len(parts):
            for values, own, after in _from(text[len(part) :], parts, place + 1):
                yield values, own + _letters(part), after
        return
    name, following = parts[place], parts[place + 1]
    if not following and place + 2 == len(parts):
        if _may_be(name, text):
            yield {name: text}, 0, False
        return
    for end in range(1, len(text)):
        meets = text[end:].startswith(following) or (following and following.startswith(text[end:]))
        if meets and _may_be(name, text[:end]):
            for values, own, after in _from(text[end:], parts, place + 1):
                if values.get(name, text[:end]) == text[:end]:
                    yield {name: text[:end], **values}, own, after
    if _may_be(name, text):
        yield {name: text}, 0, True


def _may_be(name: str, value: str) -> bool:
    return name != "num" or bool(re.fullmatch(r"[\d,]+", value))


def _letters(text: str) -> int:
    return sum(letter.isalpha() for letter in text)


def _is_edge(part: str, at: int) -> bool:
    """Whether no word is cut here."""
    return not re.match(r"\w\w", part[max(at - 1, 0) : at + 1]) or at == 0


def numbers(text: str, language: str) -> str:
    """A number, or an amount, as the reader writes it; any other text as it is."""
    found = _NUMBER.fullmatch(text)
    if not found:
        return text
    with notation.reading(notation.Notation(language=language)):
        apart = notation.number(1000.5, ".1f")[1], notation.number(1000.5, ".1f")[-2]
    return (found[1] or "") + found[2].replace(",", apart[0]) + (found[3] or "").replace(".", apart[1])


def glued(text: str) -> Iterator[list[str]]:
    """The ways in which texts may stand side by side here: texts, and what is between them, in turn."""
    for glue in _GLUES:
        pieces = re.split(f"({glue})", text)
        if len(pieces) > 1:
            yield pieces
