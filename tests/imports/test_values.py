"""Amounts are exact, addresses checked quickly are checked as well as slowly."""

from __future__ import annotations

import random

import pytest
from babel import Locale

from webapp import language_names
from webapp.currency_marks import stands_for
from webapp.file_styles import FileStyle
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
    ("given", "amount", "currency"),
    [
        ("€ 345,50", "345.50", "EUR"),
        ("€\u00a01.345,50", "1345.50", "EUR"),
        ("345,50\u202f€", "345.50", "EUR"),
        ("EUR 345,50", "345.50", "EUR"),
        ("345,50 eur", "345.50", "EUR"),
        ("-€ 3", "-3", "EUR"),
        ("€ -3", "-3", "EUR"),
        ("US$12", "12", "USD"),
        ("$ 12", "12", "CAD"),
        ("kr. 12", "12", "NOK"),
    ],
)
def test_the_mark_of_a_currency_is_read_with_the_amount(given: str, amount: str, currency: str) -> None:
    found = values.marked_amount(scaled=False, spelling=FileStyle(locale="nl").spelling)(given)
    assert found.amount == amount
    assert stands_for(found.mark, currency)
    assert not stands_for(found.mark, "GBP")


@pytest.mark.parametrize("given", ["€", "€ € 1", "€ 1 €", "abc 12", "€ 1,2,3", "-€ -1", "1 2 €"])
def test_what_is_no_amount_is_none_with_a_mark_either(given: str) -> None:
    with pytest.raises(ValueError, match="an amount is written like"):
        values.marked_amount(scaled=False, spelling=FileStyle(locale="nl").spelling)(given)


def test_spaces_around_an_amount_say_nothing() -> None:
    assert values.marked_amount(scaled=True)("\u00a012.50\u00a0") == 125000


@pytest.mark.parametrize(
    ("given", "tag"),
    [
        ("Nederlands", "nl"), ("Dutch", "nl"), ("ENGLISH", "en"), ("Deutsch", "de"), ("français", "fr"),
        ("Engels", "en"), ("Flemish", "nl-BE"), ("nl", "nl"), ("de_CH", "de_CH"), ("vai", "vai"),
        ("x1-17", "x1-17"), ("", ""),
    ],
)  # fmt: skip
def test_a_language_may_be_named_in_words(given: str, tag: str) -> None:
    assert values.language(16)(given) == tag


@pytest.mark.parametrize("given", ["Nederlandse taal", "Klingonese", "nl!", "x" * 17])
def test_what_can_be_no_language_tag_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match="a language is written like nl or nl-BE"):
        values.language(16)(given)


def test_languages_are_called_as_babel_calls_them() -> None:
    for tag, name in language_names.OWN_NAMES.items():
        assert Locale.parse(tag).get_display_name() == name
        assert language_names.tag_of(name) == tag


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
