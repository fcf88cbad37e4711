"""Marks what was searched for within the texts of the rows found."""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup, escape

from webapp.store.text_search import fold_text


def marked(text: str, words: Iterable[str]) -> Markup:
    """The text with every folded word in it as a <mark>, whatever its accents and case are in the text."""
    folded, origin = [], []
    for place, letter in enumerate(text):
        for each in fold_text(letter):
            folded.append(each)
            origin.append(place)
    whole, hit = "".join(folded), [False] * (len(text) + 1)
    for word in filter(None, words):
        at = whole.find(word)
        while at >= 0:
            for place in range(origin[at], origin[at + len(word) - 1] + 1):
                hit[place] = True
            at = whole.find(word, at + len(word))
    pieces, start = [], 0
    for place in range(1, len(text) + 1):
        if place == len(text) or hit[place] != hit[start]:
            piece = escape(text[start:place])
            pieces.append(Markup("<mark>{}</mark>").format(piece) if hit[start] else piece)
            start = place
    return Markup("").join(pieces)
