"""Who reads the pages in these tests: English, or the reader of MAILRUN_TEST_READER=nl@Europe/Amsterdam.

The tests ask for what pages say in English. For a reader of another language, whatever they ask of Playwright
is translated by the catalogue (`translating`); a text of no message is data, and is asked for as it is."""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, wraps
from typing import Any

import pytest
from playwright.sync_api import FrameLocator, Locator, Page
from playwright.sync_api._generated import LocatorAssertions, PageAssertions

from tests.browsing import wording
from webapp.store.users import User
from webapp.translation import ENGLISH

LANGUAGE, _, TIME_ZONE = os.environ.get("MAILRUN_TEST_READER", "").partition("@")
"""Empty: English, and the server's time zone."""
IS_TRANSLATED = LANGUAGE not in ("", ENGLISH)
REGIONS = {"en": "en-CA", "nl": "nl-NL", "de": "de-DE"}

Asked = str | re.Pattern[str]


class Data(str):
    """A text that is no text of Mailrun's, whatever it looks like: it is asked for as it is."""


def context_options() -> dict[str, Any]:
    """What the reader's browser tells of them."""
    zone = {"timezone_id": TIME_ZONE} if TIME_ZONE else {}
    return ({"locale": REGIONS[LANGUAGE]} if LANGUAGE else {}) | zone


def set_reader(user: User) -> None:
    """Have this user read as the reader does."""
    user.language, user.time_zone = LANGUAGE, TIME_ZONE


def said(text: str) -> str:
    """The text in the reader's language: a whole message, or texts side by side. Raises LookupError if no
    message says it."""
    if not IS_TRANSLATED:
        return text
    found = _whole(text)
    if found is None:
        raise LookupError(f"no message says {text!r}")
    return Data(found[0])


def said_number(number: int) -> str:
    """The number as the reader writes it."""
    return wording.numbers(f"{number:,}", LANGUAGE) if IS_TRANSLATED else f"{number:,}"


def asked(text: Asked, exact: bool = False) -> Asked:
    """What to ask Playwright for instead of this text. A pattern is translated where it is one text, with ^
    before it or $ after it."""
    return text if isinstance(text, Data) else _asked(text, exact)


@cache  # of texts only: data equal the same text
def _asked(text: Asked, exact: bool) -> Asked:
    if isinstance(text, re.Pattern):
        return _asked_pattern(text)
    found, flags = _expressions(text, starts=exact, ends=exact)
    if not found:
        return text
    pattern = "|".join(found)
    if exact:
        return re.compile(rf"^\s*(?:{pattern})\s*$", flags)
    return re.compile(pattern, flags)


def _asked_pattern(pattern: re.Pattern[str]) -> re.Pattern[str]:
    starts, ends = pattern.pattern.startswith("^"), pattern.pattern.endswith("$")
    plain = pattern.pattern.removeprefix("^").removesuffix("$")
    if re.search(r"[*+?()\[\]{}|^$]", re.sub(r"\\\W|\?$", "", plain)):
        return pattern
    found, flags = _expressions(re.sub(r"\\(\W)", r"\1", plain), starts=starts, ends=ends)
    if not found:
        return pattern
    before, after = r"^\s*" if starts else "", r"\s*$" if ends else ""
    return re.compile(f"{before}(?:{'|'.join(found)}){after}", flags | pattern.flags & re.IGNORECASE)


def _expressions(text: str, *, starts: bool, ends: bool) -> tuple[list[str], re.RegexFlag]:
    """A pattern for each message that has this text, and one for the texts that stand side by side in it:
    those that say most of it. Pages begin some messages with a capital letter: then case is not heeded."""
    text = text.strip()
    most, best, flags = 0, list[str](), re.RegexFlag(0)
    for is_case_heeded in (True, False):
        found = {
            _expression(reading, "" if ends else text): _score(reading)
            for reading in wording.readings(
                text, LANGUAGE, starts=starts, ends=ends, exact_case=is_case_heeded
            )
        }
        for whole, score in _wholes(text).items():
            found.setdefault(_spaced(whole), score)
        if max(found.values(), default=0) > most:
            most = max(found.values())
            best = [expression for expression, score in found.items() if score == most]
            flags = re.RegexFlag(0) if is_case_heeded else re.IGNORECASE
    return best, flags


def _expression(reading: wording.Reading, text: str) -> str:
    """A pattern for this message; a value that the text ends with may go on."""
    parts = []
    for place, part in enumerate(reading.message.translation):
        if place % 2 == 0:
            parts.append(_spaced(part))
        elif part in reading.values:
            value = reading.values[part]
            parts.append(_spaced(_value(value)) + (wording.ANYTHING if text.endswith(value) else ""))
        else:
            parts.append(wording.ANYTHING)
    # Blanks at the ends may be the page's.
    return re.sub(r"^(\\s\+)+|(\\s\+)+$", "", "".join(parts))


def _spaced(text: str) -> str:
    """In Playwright's selectors a pattern ends with a slash, and a quote within one begins a string."""
    escaped = (re.escape(word).replace("/", r"\/") for word in re.split(r"\s+", text))
    return r"\s+".join(re.sub("[\"'`]", lambda quote: f"\\x{ord(quote[0]):02x}", word) for word in escaped)


def _value(text: str) -> str:
    whole = _whole(text)
    return whole[0] if whole else text


def _score(reading: wording.Reading) -> int:
    """How many letters of the text are said in the other language."""
    return reading.own + sum(whole[1] for value in reading.values.values() if (whole := _whole(value)))


@cache
def _whole(text: str) -> tuple[str, int] | None:
    """The translation of the text, if it is a whole message or such texts side by side, and its score; None
    for data."""
    found = _wholes(text)
    best = max(found, key=lambda words: found[words], default="")
    if best and found[best]:
        return best, found[best]
    if text[:1].isupper() and (lower := _whole(text[0].lower() + text[1:])):
        return lower[0][0].upper() + lower[0][1:], lower[1]
    written = wording.numbers(text, LANGUAGE)
    return (written, 0) if written != text else None


@cache
def _wholes(text: str) -> dict[str, int]:
    """What the text may be in the other language, if it is a whole message or such texts side by side; with
    its score."""
    found = dict[str, int]()
    for reading in wording.readings(text, LANGUAGE, starts=True, ends=True, exact_case=True):
        texts = reading.message.translation
        if all(name in reading.values for name in texts[1::2]):
            words = (_value(reading.values[part]) if n % 2 else part for n, part in enumerate(texts))
            found["".join(words)] = _score(reading)
    for pieces in wording.glued(text):
        whole = [_whole(piece) if n % 2 == 0 and piece else None for n, piece in enumerate(pieces)]
        words = (each[0] if each else piece for each, piece in zip(whole, pieces, strict=True))
        found["".join(words)] = sum(each[1] for each in whole if each)
    return found


Texts = dict[tuple[type, ...], dict[str, tuple[str, ...]]]
"""By class and method: the arguments that are texts."""
ASKING: Texts = {
    (Page, Locator, FrameLocator): {
        "get_by_role": ("name",),
        "get_by_text": ("text",),
        "get_by_label": ("text",),
        "get_by_placeholder": ("text",),
        "get_by_title": ("text",),
    },
    (Locator,): {"filter": ("has_text", "has_not_text")},
}
EXPECTING: Texts = {
    (LocatorAssertions,): {
        "to_have_text": ("expected",),
        "not_to_have_text": ("expected",),
        "to_contain_text": ("expected",),
        "not_to_contain_text": ("expected",),
        "to_have_accessible_name": ("name",),
    },
    (PageAssertions,): {"to_have_title": ("title_or_reg_exp",)},
}
WHOLE = ("to_have_text", "not_to_have_text", "to_have_accessible_name", "to_have_title")
"""What these expect is all that there is."""


@contextmanager
def translating() -> Iterator[None]:
    """Translates what tests ask of Playwright, while the block lasts; in English nothing is touched."""
    with pytest.MonkeyPatch.context() as patch:
        for table in (ASKING, EXPECTING) if IS_TRANSLATED else ():
            for classes, methods in table.items():
                for each in classes:
                    for name, texts in methods.items():
                        patch.setattr(each, name, _asking(getattr(each, name), texts))
        if IS_TRANSLATED:
            patch.setattr(Locator, "select_option", _choosing(Locator.select_option))
        yield


def _asking(method: Callable[..., Any], texts: tuple[str, ...]) -> Callable[..., Any]:
    signature = inspect.signature(method)
    is_whole = method.__name__ in WHOLE

    @wraps(method)
    def ask(*args: Any, **options: Any) -> Any:
        given = signature.bind(*args, **options)
        for name in texts:
            text = given.arguments.get(name)
            if isinstance(text, str | re.Pattern):
                exact = bool(given.arguments.get("exact")) or is_whole
                given.arguments[name] = asked(text, exact)
        return method(*given.args, **given.kwargs)

    return ask


def _choosing(method: Callable[..., Any]) -> Callable[..., Any]:
    """Of an option, what is given is its value or what it says."""

    @wraps(method)
    def choose(field: Locator, value: str | None = None, *, label: str | None = None, **options: Any) -> Any:
        chosen = label or value or ""
        if not isinstance(chosen, Data) and (says := _whole(chosen)):
            return method(field, label=says[0], **options)
        return method(field, value, label=label, **options)

    return choose
