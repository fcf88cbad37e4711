"""Money, dates and numbers are written as the customer's language does."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from webapp.mailing.locale_filters import filters_for
from webapp.mailing.render import render
from webapp.mailing.texts import MessageText, Rendered, Unrenderable

NAMES: dict[str, Any] = {
    "invoice": {
        "currency": "EUR",
        "gross_amount": Decimal("-18902.17"),
        "period_end": date(2026, 10, 31),
        "data": {"calls": "2140", "day": "2026-12-14", "name": "x", "huge": "1e999999999"},
    },
    "invoices": [{"currency": "CHF", "gross_amount": Decimal("5")}],
}


def written(source: str, language: str) -> str:
    made = render(MessageText(source, "x", False, language=language), NAMES)
    return made.subject if isinstance(made, Rendered) else made.words


@pytest.mark.parametrize(
    ("source", "language", "wanted"),
    [
        ("{{ invoice.gross_amount | money }}", "de", "-18.902,17 €"),
        ("{{ invoice.gross_amount | money }}", "nl", "€ -18.902,17"),
        ("{{ invoice.gross_amount | money }}", "", "-€18,902.17"),
        ("{{ invoice.gross_amount | money('GBP') }}", "en-GB", "-£18,902.17"),
        ("{% for i in invoices %}{{ i.gross_amount | money(i.currency) }}{% endfor %}", "de-CH", "CHF 5.00"),
        ("{{ invoice.period_end | date }}", "de", "31. Oktober 2026"),
        ("{{ invoice.period_end | date('short') }}", "nl", "31-10-2026"),
        ("{{ invoice.data.day | date }}", "fr", "14 décembre 2026"),
        ("{{ invoice.period_end | month }}", "de-AT", "Oktober 2026"),
        ("{{ invoice.data.calls | number }}", "de", "2.140"),
        ("{{ 2.5 | number(2) }}", "nl", "2,50"),
        ("{{ 0.21 | percent }}", "de", "21 %"),
        ("{{ 0.215 | percent(1) }}", "en", "21.5%"),
        ("{{ 5 | number }}", "tlh", "5"),
    ],
)
def test_it_is_written_as_the_language_does(source: str, language: str, wanted: str) -> None:
    assert written(source, language).replace("\u00a0", " ").replace("\u202f", " ") == wanted


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("{{ invoice.data.name | money }}", "“money” needs a number, not “x”"),
        ("{{ invoice.data.name | date }}", "“date” needs a day such as 2026-10-31, not “x”"),
        ("{{ invoice.period_end | date('wide') }}", "not “wide”"),
        ("{{ invoice.data.huge | number }}", "a number of a common size"),
        ("{{ invoice.due | date }}", "there is no invoice.due"),
        ("{{ invoices | number }}", "needs a number"),
    ],
)
def test_what_cannot_be_written_so_is_told(source: str, said: str) -> None:
    assert said in written(source, "de")


def test_without_one_invoice_money_wants_a_currency() -> None:
    made = render(MessageText("{{ 5 | money }}", "x", False), {"invoices": []})
    assert isinstance(made, Unrenderable)
    assert "money(invoice.currency)" in made.words


def test_amounts_in_html_and_its_text_version() -> None:
    body = "<p>Due: {{ invoice.gross_amount | money }}</p>"
    for _ in range(2):
        made = render(MessageText("s", body, True, language="fr"), NAMES)
        assert isinstance(made, Rendered)
        assert made.html == "<p>Due: -18\u202f902,17\xa0€</p>"
        assert made.text == "Due: -18 902,17 €\n"


@pytest.mark.parametrize("language", ["en-GB", "en_GB", "EN-gb", "en_gb"])
def test_e14_a_british_customer_gets_british_dates(language: str) -> None:
    """Also by the text in English: the customer's own form of the language decides."""
    write = filters_for(language)
    assert write["date"]("2026-12-02") == "2 December 2026"
    assert write["number"]("1234.5") == "1,234.5"
