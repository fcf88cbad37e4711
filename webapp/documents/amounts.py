"""Whether the text of a document names an amount, however it is written: 1,234.50 or 1.234,50 or 1 234,50."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache

from babel.numbers import get_currency_precision

SEPARATOR = r"[\s.,']{0,2}"
"""Between groups of digits. Swiss amounts have an apostrophe there, which spelling.plain makes one of."""
BARE_DIGITS_MIN = 4
"""Digits from which a whole amount is recognized without its cents: 1,234 is hardly anything else."""


def written(amount: Decimal, currency: str) -> str:
    """The amount as `is_named` takes it: without its sign, with the decimal places of its currency, or more
    if it has more. Empty for none."""
    if not amount:
        return ""
    places = get_currency_precision(currency)
    finer = -int(amount.normalize().as_tuple().exponent)
    return f"{abs(amount):.{max(places, finer)}f}"


def is_named(text: str, amounts: tuple[str, ...]) -> bool:
    """Whether this plain text (spelling.plain) names one of the amounts. A sign does not count: credit notes
    are written in many ways."""
    return any(_pattern(amount).search(text) for amount in amounts)


@lru_cache(maxsize=1024)
def _pattern(amount: str) -> re.Pattern[str]:
    whole, _, places = amount.partition(".")
    groups = [whole[max(0, end - 3) : end] for end in range(len(whole), 0, -3)][::-1]
    digits = SEPARATOR.join(r"\s?".join(group) for group in groups)
    cents = places.rstrip("0")
    if cents:
        decimals = rf"\s?[.,]\s?{cents}0*"
    elif places and len(whole) < BARE_DIGITS_MIN:
        decimals = r"\s?[.,]\s?(?:0+|-{1,2})"
    else:
        decimals = r"(?:\s?[.,]\s?(?:0+|-{1,2}))?"
    return re.compile(rf"(?<!\d)(?<!\d[.,']){digits}{decimals}(?!\d)(?![.,']\d)")
