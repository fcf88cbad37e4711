"""Text from outside, for a terminal or a text file: nothing in it can move the cursor, end a line, or turn
the reading direction (CVE-2021-42574)."""

from __future__ import annotations

import re

LINE_BREAKS = re.compile(r"[\r\n\x00\x0b\x0c\x85\u2028\u2029]")
"""Characters that end a line in some mail program. None of them may get into a header."""

CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Controls of ASCII and Latin-1, line and paragraph separators, and the marks of bidirectional text."""


def has_controls(text: str) -> bool:
    """Whether the text has a character that is not to be printed."""
    return CONTROLS.search(text) is not None


def printable(text: str) -> str:
    """The text on one line, each control character as its picture (␛) or as �."""
    return CONTROLS.sub(_picture, text)


def pictures() -> dict[str, str]:
    """Each character that is not to be printed, and what stands for it; but for NUL, which no database
    keeps in a text."""
    return {each: printable(each) for each in map(chr, range(1, 0x2070)) if has_controls(each)}


def _picture(found: re.Match[str]) -> str:
    code = ord(found.group())
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else "\ufffd"
