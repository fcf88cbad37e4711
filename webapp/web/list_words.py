"""What a page of a list says of itself."""

from __future__ import annotations

from collections.abc import Sequence

from webapp import notation
from webapp.store.keyset import Counted


def page_words(
    shown: int, count: Counted, is_whole: bool, nouns: tuple[str, str], way: str, ends: Sequence[str]
) -> str:
    """What a page shows: 50 of 2,164 customers, by name; or by the `ends` of the page, Aalders to Bruggink:
    50 of 12,471 results. `nouns` are one and several of what is listed, `way` says how it is sorted."""
    number = f"{notation.number(shown)}" if is_whole else f"{notation.number(shown)} of {count}"
    said = f"{number} {nouns[0] if is_whole and shown == 1 else nouns[1]}"
    if way:
        said += f", {way}"
    first, last = (_first_word(end) for end in ends) if ends else ("", "")
    return said if first == last else f"{first} to {last}: {said}"


def print_words(shown: int, count: Counted, file: str, *, is_first: bool) -> str:
    """What a printed page leaves out: Rows 1 to 50 of 201. The report (CSV) has all of them."""
    if not count.more and shown == count.n:
        return f"All {notation.number(shown)} rows." if shown > 1 else ""
    rows = (
        f"Rows 1 to {notation.number(shown)} of {count}"
        if is_first
        else f"{notation.number(shown)} of {count} rows"
    )
    return f"{rows}. {file} has all of them."


def _first_word(name: str) -> str:
    words = name.split()
    return words[0] if words else ""
