"""Dates and amounts as a locale writes them, and nothing else: what could be two numbers is refused."""

from __future__ import annotations

import pytest

from webapp.file_styles import FOUND_OUT, FileStyle, Spelling


def spelling(locale: str) -> Spelling:
    found = FileStyle(locale=locale).spelling
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("locale", "text", "iso"),
    [
        ("nl", "31-10-2026", "2026-10-31"),
        ("nl", "1-9-2026", "2026-09-01"),
        ("nl", "31/10/2026", "2026-10-31"),
        ("nl", "2026-10-31", "2026-10-31"),
        ("de", "31.10.2026", "2026-10-31"),
        ("en_US", "10/31/2026", "2026-10-31"),
        ("en_GB", "31/10/2026", "2026-10-31"),
        ("sv", "2026-10-31", "2026-10-31"),
        ("hu", "2026.10.31", "2026-10-31"),
    ],
)
def test_dates(locale: str, text: str, iso: str) -> None:
    assert spelling(locale).iso_date(text) == iso


@pytest.mark.parametrize(
    ("locale", "text", "words"),
    [
        ("nl", "31-10-26", "a date is written like 31-10-2026 or 2026-10-31"),
        ("nl", "31-13-2026", "there is no such day"),
        ("en_US", "31/10/2026", "there is no such day"),
        ("nl", "31-10/2026", "a date is written like"),
        ("nl", "yesterday", "a date is written like"),
        ("nl", "", "a date is written like"),
    ],
)
def test_what_is_no_date(locale: str, text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        spelling(locale).iso_date(text)


@pytest.mark.parametrize(
    ("locale", "text", "plain"),
    [
        ("nl", "1.234,50", "1234.50"),
        ("nl", "-1.234.567,5", "-1234567.5"),
        ("nl", "1234,5", "1234.5"),
        ("nl", "1.234", "1234"),
        ("nl", "12", "12"),
        ("de_CH", "1’234.50", "1234.50"),
        ("de_CH", "1'234.50", "1234.50"),
        ("fr", "1\u202f234,50", "1234.50"),
        ("fr", "1 234,50", "1234.50"),
        ("en", "1,234.50", "1234.50"),
    ],
)
def test_amounts(locale: str, text: str, plain: str) -> None:
    assert spelling(locale).plain_amount(text) == plain


@pytest.mark.parametrize(
    ("locale", "text"),
    [("nl", "1234.50"), ("nl", "1,234.50"), ("nl", "1.23,4"), ("en", "1.234,50"), ("nl", "€ 12"), ("nl", "")],
)
def test_what_is_no_amount_of_this_locale(locale: str, text: str) -> None:
    with pytest.raises(ValueError, match="an amount is written like"):
        spelling(locale).plain_amount(text)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"delimiter": ";;"}, "one character"),
        ({"delimiter": '"'}, "one character"),
        ({"encoding": "cp9999"}, "no encoding"),
        ({"locale": "xx_YY"}, "no locale"),
        ({"locale": "not a locale"}, "no locale"),
    ],
)
def test_what_is_no_style(wrong: dict[str, str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        FileStyle(**wrong)


def test_nothing_is_guessed_without_a_locale() -> None:
    assert FOUND_OUT.spelling is None
