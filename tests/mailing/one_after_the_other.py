"""Renders a mail in one language after the other, each order in a process of its own: what
test_between_mails.py compares. `python -m tests.mailing.one_after_the_other` prints JSON."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any

from babel.localedata import locale_identifiers

from webapp.mailing.render import render
from webapp.mailing.texts import MessageText, Rendered

FILTERS = """\
{{ invoice.gross_amount|money }} {{ n|money('JPY') }}
{{ day|date('short') }} {{ day|date('medium') }} {{ day|date }} {{ day|date('full') }}
{{ day|month }}
{{ n|number }} {{ n|number(2) }}
{{ share|percent }} {{ share|percent(1) }}
"""
NAMES: dict[str, Any] = {
    "invoice": {"gross_amount": Decimal("-18902.17"), "currency": "EUR"},
    "day": date(2026, 10, 31),
    "n": 1234567.891,
    "share": 0.215,
}


def languages() -> list[str]:
    """A hundred and one: those that are known to have spoiled others, some with a script or a country of
    their own, and of those without a country every second or so."""
    every = sorted(locale_identifiers())
    plain = [name for name in every if "_" not in name]
    first = ["ja", "he", "zh", "az", "nl", "de", "nl_BE", "de_CH", "sr_Latn", "zh_Hant"]
    others = [name for name in plain[:: max(1, len(plain) // 100)] if name not in first]
    return [*first, *others][:101]


def written(language: str) -> str:
    """What every filter makes for a customer of this language."""
    made = render(MessageText("x", FILTERS, False, language=language), NAMES)
    assert isinstance(made, Rendered), made
    return made.text


def alone(work: Callable[[], Any]) -> Any:
    """What this returns in a process that has rendered nothing else."""
    out, into = os.pipe()
    child = os.fork()
    if not child:
        os.close(out)
        with os.fdopen(into, "w") as answer:
            json.dump(work(), answer)
        os._exit(0)
    os.close(into)
    with os.fdopen(out) as answer:
        found = json.load(answer)
    os.waitpid(child, 0)
    return found


FOLLOWERS = 4


def wrong_in(order: Iterable[str], right: dict[str, str]) -> list[tuple[str, str]]:
    """Pairs (the language before, language) of those that are not written as in a process of their own."""
    said = [(own, written(own)) for own in order]
    return [(before, own) for (before, _), (own, text) in pairwise(said) if text != right[own]]


def every_pair(chosen: Sequence[str]) -> Iterator[str]:
    """A way through the languages in which each follows each other one: round and round in steps of 1, of 2
    and so on. Their number is a prime, so that every round meets all."""
    for step in range(1, len(chosen)):
        for turn in range(len(chosen) + 1):
            yield chosen[turn * step % len(chosen)]


def compared(chosen: Sequence[str]) -> dict[str, Any]:
    """Each pair that goes wrong: on a way through every ordered pair in one process, and in a process of its
    own for each language as the first, with some others after it."""
    right: dict[str, str] = {name: alone(lambda name=name: written(name)) for name in chosen}  # type: ignore[misc]
    wrong = alone(lambda: wrong_in(every_pair(chosen), right))
    for at, first in enumerate(chosen):
        others = [chosen[(at + 1 + step * step) % len(chosen)] for step in range(FOLLOWERS)]
        wrong += alone(lambda order=[first, *others]: wrong_in(order, right))  # type: ignore[misc]
    return {"right": right, "wrong": wrong}


if __name__ == "__main__":
    json.dump(compared(sys.argv[1:] or languages()), sys.stdout)
