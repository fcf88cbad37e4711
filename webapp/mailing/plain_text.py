"""The text alternative of an HTML mail: what the HTML says, tables and lists included.

The library that makes it (inscriptis) needs a third of a millisecond per mail, ten times what rendering
takes. The mails of a run differ only in their values, so the result is memoised by the shape of the mail: the
library sees each shape once, with placeholders, and the values are filled in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import unescape
from typing import Any

from inscriptis import get_text
from inscriptis.css_profiles import CSS_PROFILES
from inscriptis.model.config import ParserConfig
from markupsafe import Markup, escape

from webapp.mailing.text_links import with_addresses

OPEN, CLOSE = "\ufdd0", "\ufdd1"
"""Around each value in a marked mail. Unicode reserves these: they are characters of no text."""
FIRST, LAST = 0xE000, 0xF8FF
"""Placeholders: private-use characters, which an HTML parser treats like any other."""

VALUE = re.compile(f"{OPEN}([^{OPEN}{CLOSE}]*){CLOSE}")
SPACES = {0xA0: " ", 0x202F: " "}
"""Non-breaking spaces, as amounts have them: in the text they become blanks."""
SIMPLE = re.compile(r"[^\s\x00-\x1f\x7f-\x9f\ue000-\uf8ff]+(?: [^\s\x00-\x1f\x7f-\x9f\ue000-\uf8ff]+)*")
"""No white space but single blanks within."""
RUN = re.compile("([\ue000-\uf8ff])\\1*")
TAG = re.compile(r"<[a-z/!](?:[^\"'>]|\"[^\"]*\"|'[^']*')*>", re.I)
TAG_BEGINS = re.compile(r"<[a-z/!]", re.I)
IN_A_LINK = re.compile(r"<a\s[^<>]*href=\"[^\"<>]*$|<a\s[^<>]*href='[^'<>]*$", re.I)


def plain_text(html: str) -> str:
    """The text of this HTML, with the addresses of its links."""
    return _text_of(with_addresses(html))


def _text_of(html: str) -> str:
    config = ParserConfig(css=CSS_PROFILES["strict"].copy(), display_links=False)
    return get_text(html, config).strip() + "\n"


def mark(value: Any) -> Markup:
    """The value as it goes into the HTML, between marks. Raises Unmarkable if it contains a mark itself."""
    escaped = escape(value)
    if OPEN in escaped or CLOSE in escaped:
        raise Unmarkable
    return Markup(f"{OPEN}{escaped}{CLOSE}")  # noqa: S704  # escaped is what it says


class Unmarkable(Exception):
    """The value contains a character of the marks."""


def unmarked(marked: str) -> str:
    """The HTML without the marks."""
    return marked.replace(OPEN, "").replace(CLOSE, "")


def plain_text_of_marked(marked: str) -> str:
    """The same as `plain_text` of the unmarked HTML, but memoised.

    1. Write the addresses of links, and take the values out. If one of them is not a simple text, do without
    the memo.
    2. The shape of the mail is the text around the values, which of them are empty and, where they may lay
    out a table, how long they are. A new shape is made into a text with gaps, and trusted only if that text,
    filled, is the mail's own text.
    3. Put the values into the gaps."""
    html = with_addresses(unmarked(marked))
    marked = with_addresses(marked)
    parts = VALUE.split(marked)
    written = [part.translate(SPACES) for part in parts[1::2]]
    values = [unescape(value) for value in written]
    simple = all(map(_is_simple, values, written))
    if not simple or len(values) > LAST - FIRST or unmarked(marked) != html:
        return _text_of(html)
    around = tuple(parts[::2])
    most = LAST if "<table" in marked else 1
    lengths = tuple(min(most, len(value)) for value in values)
    if (around, lengths) not in _shapes:
        if len(_shapes) >= MOST_SHAPES:
            _shapes.clear()
        text = _text_of(html)
        gaps = _shape(around, lengths)
        _shapes[around, lengths] = gaps if gaps is not None and gaps.filled(values) == text else None
        return text
    gaps = _shapes[around, lengths]
    return _text_of(html) if gaps is None else gaps.filled(values)


def _is_simple(value: str, part: str) -> bool:
    """Whether the value appears in the text as it is: plain words, no HTML of its own, and nothing that still
    looks like an entity (the library would unescape it once more)."""
    if not value:
        return True
    return SIMPLE.fullmatch(value) is not None and str(escape(value)) == part and unescape(value) == value


@dataclass(frozen=True)
class Gaps:
    """The texts between the values that appear, and which values these are."""

    texts: tuple[str, ...]
    indices: tuple[int, ...]

    def filled(self, values: Sequence[str]) -> str:
        """The text with the values in their places."""
        said = [self.texts[0]]
        for index, text in zip(self.indices, self.texts[1:], strict=True):
            said += (values[index], text)
        return "".join(said)


MOST_SHAPES = 2_000
_shapes: dict[tuple[tuple[str, ...], tuple[int, ...]], Gaps | None] = {}
"""The shapes seen so far; None for those whose values influence the layout."""


def _shape(around: tuple[str, ...], lengths: tuple[int, ...]) -> Gaps | None:
    """The text of a mail of this shape, with gaps; None if a value is within a tag, where it may change the
    layout of the rest (the address of a link does not)."""
    holders = [chr(FIRST + index) * length for index, length in enumerate(lengths)]
    html = around[0]
    for holder, text in zip(holders, around[1:], strict=True):
        if TAG_BEGINS.search(TAG.sub("", html)) and not IN_A_LINK.search(html):
            return None
        html += holder + text
    if RUN.search("".join(around)):
        return None
    text = _text_of(html)
    runs = list(RUN.finditer(text))
    return Gaps(_between(text, runs), tuple(ord(run[1]) - FIRST for run in runs))


def _between(text: str, runs: Sequence[re.Match[str]]) -> tuple[str, ...]:
    edges = [0, *(edge for run in runs for edge in run.span()), len(text)]
    return tuple(text[start:end] for start, end in zip(edges[::2], edges[1::2], strict=True))
