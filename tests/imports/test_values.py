"""Amounts are exact, addresses checked quickly are checked as well as slowly."""

from __future__ import annotations

import random

import pytest

from webapp.imports import values
from webapp.mailing.addresses import BadAddress, checked_address


@pytest.mark.parametrize(
    ("given", "scaled"),
    [
        ("0", 0),
        ("-0.5", -5000),
        ("12", 120000),
        ("1.2345", 12345),
        ("99999999999999.9999", 10**18 - 1),
        ("007.10", 71000),
    ],
)
def test_an_amount_is_scaled_exactly(given: str, scaled: int) -> None:
    assert values.amount(scaled=True)(given) == scaled
    assert values.amount(scaled=False)(given) == given


@pytest.mark.parametrize(
    "given",
    ["", "1,5", "1.23456", "+1", "1e3", ".5", "1.", "100000000000000", "١٢", "1 000", "NaN", "--1", "1\n"],
)
def test_what_is_no_amount_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match="an amount is written like"):
        values.amount(scaled=True)(given)


@pytest.mark.parametrize(
    "given", ["2026-13-01", "2026-02-30", "20261001", "2026-W40-1", "1.10.2026", "0000-01-01"]
)
def test_what_is_no_day_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match="is '"):
        values.day(given)


def test_the_quick_way_of_checking_addresses_agrees_with_the_slow_one() -> None:
    dice = random.Random(7)
    pieces = [
        "a",
        "B",
        ".",
        "+",
        "-",
        "_",
        "@",
        "x.test",
        "müller.de",
        "xn--a",
        " ",
        '"',
        "local",
        "é",
        ",",
        "a" * 63,
        "Z.com",
    ]
    accepted = 0
    for _ in range(20_000):
        given = "".join(dice.choices(pieces, k=dice.randint(1, 7)))
        if dice.random() < 0.7:
            given = (
                given.replace("@", "")
                + "@"
                + dice.choice(["x.test", "Müller.DE", "b-.c", "corp.local", "a" * 64])
            )
        assert _outcome(values.address, given) == _outcome(checked_address, given), given
        accepted += "@" in _outcome(checked_address, given)
    assert accepted > 1000


def _outcome(check: values.Check, given: str) -> str:
    try:
        return str(check(given))
    except BadAddress:
        return "refused"
