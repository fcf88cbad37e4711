"""What a page of a list says of itself."""

from __future__ import annotations

from collections.abc import Sequence

from webapp import notation
from webapp.keyset import Counted
from webapp.translation import _, translated


def page_words(
    shown: int, count: Counted, is_whole: bool, nouns: tuple[str, str], way: str, ends: Sequence[str]
) -> str:
    """What a page shows: 50 of 2,164 customers, by name; or by the `ends` of the page, Aalders to Bruggink:
    50 of 12,471 results. `nouns` are one and several of what is listed, `way` says how it is sorted."""
    things = translated(nouns[0] if is_whole and shown == 1 else nouns[1])
    if is_whole:
        said = f"{notation.number(shown)} {things}"
    else:
        said = _(
            "%(shown)s of %(count)s %(things)s", shown=notation.number(shown), count=count, things=things
        )
    if way:
        said += f", {way}"
    first, last = (_first_word(end) for end in ends) if ends else ("", "")
    return said if first == last else _("%(first)s to %(last)s: %(said)s", first=first, last=last, said=said)


def print_words(shown: int, count: Counted, file: str, *, is_first: bool) -> str:
    """What a printed page leaves out: Rows 1 to 50 of 201. The report (CSV) has all of them."""
    if not count.more and shown == count.n:
        return _("All %(shown)s rows.", shown=notation.number(shown)) if shown > 1 else ""
    rows = (
        _("Rows 1 to %(shown)s of %(count)s", shown=notation.number(shown), count=count)
        if is_first
        else _("%(shown)s of %(count)s rows", shown=notation.number(shown), count=count)
    )
    return _("%(rows)s. %(file)s has all of them.", rows=rows, file=translated(file))


def all_words(count: Counted, nouns: str) -> str:
    """All that matches, in words: these 2,164"""
    return _("all %(things)s", things=translated(nouns)) if count.more else _("these %(count)s", count=count)


def _first_word(name: str) -> str:
    words = name.split()
    return words[0] if words else ""
