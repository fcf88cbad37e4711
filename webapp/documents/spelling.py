"""Equal spellings of the same number or name: patterns that find it however a document writes it."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3"
"""Scripts that do not separate words (Thai, Lao, Burmese, Khmer, kana, Han), or attach particles to them
(Hangul)."""
LETTER = rf"[^\W_{UNSPACED}]"
"""What would continue a word: a letter or digit of a script that separates its words."""
SOFT_HYPHEN = "\u00ad"
LINE_HYPHEN = "\u2027"
"""A hyphen at the end of a line: it may be of the word, or only break it. Both stand for a hyphen or for
nothing; around this one, words end as around any hyphen."""

SAME = {
    **dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"), "-"),
    **dict.fromkeys(map(ord, "\u2018\u2019\u201a\u201b\u2032\u02b9\u02bb\u02bc\u00b4`\uff07"), "'"),
    **dict.fromkeys(map(ord, "\u201c\u201d\u201e\u201f\u00ab\u00bb\u2033"), '"'),
    **dict.fromkeys(map(ord, "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"), ""),
    **dict.fromkeys(map(ord, "\u0002\ufffe"), SOFT_HYPHEN),  # how PDFium writes a hyphen at a line break
}
"""Before NFKC, which would take some of these apart."""
AT_LINE_END = re.compile(r"-[^\S\n]*\n\s*")


def plain(text: str) -> str:
    """The text without what differs between two ways of writing the same: case, ligatures, the kinds of
    hyphens and quotes."""
    if not text.isascii() or "\x02" in text:
        text = unicodedata.normalize("NFKC", text.translate(SAME)).translate(SAME)
    return AT_LINE_END.sub(LINE_HYPHEN, text).casefold() if "-" in text else text.casefold()


@lru_cache(maxsize=1024)
def word(words: str) -> re.Pattern[str]:
    """A pattern that finds these words in a plain text as a word of its own: `INV-1` is not in `INV-10`, nor
    `121` in `121,00`."""
    inside = plain(words).strip()
    before = rf"(?<!\d[-./,{SOFT_HYPHEN}{LINE_HYPHEN}])" if inside[:1].isdigit() else ""
    after = rf"(?![-./,{SOFT_HYPHEN}{LINE_HYPHEN}]\d)" if inside[-1:].isdigit() else ""
    return re.compile(f"{BEGIN}{before}{_spaced(words)}{END}{after}")


@lru_cache(maxsize=1024)
def name(words: str) -> re.Pattern[str]:
    """A pattern that finds this name in a plain text: `Berg` is not in `Van den Bergh`."""
    return re.compile(f"{BEGIN}{_spaced(words)}{END}")


BEGIN = rf"(?<!{LETTER})(?<!{LETTER}{SOFT_HYPHEN})"
END = rf"(?!{SOFT_HYPHEN}?{LETTER})"


def is_same(one: str, other: str) -> bool:
    """Whether these are two spellings of one number."""
    return any(word(this).fullmatch(plain(that).strip()) for this, that in ((one, other), (other, one)))


def _spaced(words: str) -> str:
    """A pattern of the characters of the words with any space, or hyphens that only break a line, between
    them; of no words, one that matches nothing."""
    between = rf"[\s{SOFT_HYPHEN}{LINE_HYPHEN}]*"
    hyphen = rf"[-{SOFT_HYPHEN}{LINE_HYPHEN}]"
    special = {"-": hyphen, SOFT_HYPHEN: f"{hyphen}?", LINE_HYPHEN: f"{hyphen}?"}
    kept = (special.get(each) or re.escape(each) for each in plain(words) if not each.isspace())
    return between.join(kept) or "(?!)"
