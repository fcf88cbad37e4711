"""Template filters that write money, dates and numbers as the customer's language does.

`{{ invoice.gross_amount | money }}`, `{{ invoice.due_date | date }}`, `{{ invoice.period_end | month }}`, `{{
invoice.data.calls | number }}`, `{{ 0.21 | percent }}`. The formats are the Unicode CLDR's, through Babel.
Before Babel 2.19, one language's names reached others that were written later in the same process
(python-babel/babel#1234)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.numbers import format_currency, format_decimal, format_percent
from jinja2 import pass_context
from jinja2.runtime import Context

from webapp import notation
from webapp.translation import N_

WIDTHS = ("short", "medium", "long", "full")
FALLBACK = "en"


def filters_for(language: str) -> dict[str, Callable[..., str]]:
    """The filters for this language ("nl", "de-CH"); English if it is not known."""
    locale = locale_of(language)

    @pass_context
    def money(context: Context, amount: Any, currency: str = "") -> str:
        """The amount in the currency that is named, or in that of the message's one invoice."""
        currency = currency or _currency_of(context)
        return str(format_currency(_number(amount, "money"), currency, locale=locale))

    def date_(value: Any, width: str = "long") -> str:
        """The day: short, medium, long or full."""
        if width not in WIDTHS:
            raise ValueError(
                N_("“date” can be %(widths)s; not “%(width)s”")
                % {"widths": ", ".join(WIDTHS), "width": width}
            )
        return str(format_date(_day(value, "date"), width, locale=locale))

    def month(value: Any) -> str:
        """Month and year of the day, in words."""
        return str(format_date(_day(value, "month"), "LLLL y", locale=locale))

    def number(value: Any, decimals: int | None = None) -> str:
        """The number with the language's separators; as many decimals as it has, or as are asked for."""
        amount = _number(value, "number")
        places = max(0, min(decimals, 12)) if decimals is not None else None
        pattern = None if places is None else "#,##0" + ("." + "0" * places if places else "")
        return str(
            format_decimal(amount, format=pattern, locale=locale, decimal_quantization=places is not None)
        )

    def percent(value: Any, decimals: int = 0) -> str:
        """A share of one as percent: 0.21 is 21 %."""
        places = max(0, min(decimals, 12))
        pattern = locale.percent_formats[None].pattern
        pattern = pattern.replace("0", "0." + "0" * places, 1) if places else pattern
        return str(format_percent(_number(value, "percent"), format=pattern, locale=locale))

    return {"money": money, "date": date_, "month": month, "number": number, "percent": percent}


def locale_of(language: str) -> Locale:
    """The locale of a customer's language; English for one that Babel does not know."""
    for wanted in (language.replace("_", "-"), language.replace("_", "-").partition("-")[0]):
        try:
            return Locale.parse(wanted, sep="-")
        except (UnknownLocaleError, ValueError):
            continue
    return Locale.parse(FALLBACK)


def language_name(language: str) -> str:
    """The language's name as the reader says it: “German”, “Dutch (Belgium)”; what is no known language, as
    it is written."""
    try:
        of = Locale.parse(language.replace("_", "-"), sep="-")
        return str(of.get_display_name(notation.current().language))
    except (UnknownLocaleError, ValueError):
        return f"“{language}”"


def _currency_of(context: Context) -> str:
    invoice = context.get("invoice")
    if not isinstance(invoice, dict):
        raise ValueError(N_("“money” needs a currency here: money(invoice.currency)"))
    return str(invoice["currency"])


NO_NUMBER = N_("“%(asker)s” needs a number, not “%(value)s”")


def _number(value: Any, asker: str) -> Decimal:
    """Accepts texts too: imported data are texts."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise ValueError(NO_NUMBER % {"asker": asker, "value": value})
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise ValueError(NO_NUMBER % {"asker": asker, "value": value}) from None
    if not number.is_finite() or abs(number.adjusted()) > FORMAT_MAX:
        raise ValueError(N_("“%(asker)s” needs a number of a common size") % {"asker": asker})
    return number


FORMAT_MAX = 30
"""Digits before the point, or zeros after it: written out, 1e999999999 would not fit into memory."""


def _day(value: Any, asker: str) -> date:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise ValueError(
            N_("“%(asker)s” needs a day such as 2026-10-31, not “%(value)s”")
            % {"asker": asker, "value": value}
        ) from None
