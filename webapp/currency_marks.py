"""The sign or code of a currency beside an amount, as spreadsheets write it: € 345,50 or 345.50 EUR."""

from __future__ import annotations

import re

from babel import Locale

from webapp.file_styles import APOSTROPHES, SPACES

_DOLLARS = (
    "USD ARS AUD BBD BMD BND BSD BZD CAD CLP COP DOP FJD GYD HKD JMD KYD LRD MXN NAD NZD SBD SGD SRD TTD TWD "
    "UYU XCD"
)
SIGNS = {
    "€": "EUR", "$": _DOLLARS, "US$": "USD", "A$": "AUD", "AU$": "AUD", "C$": "CAD", "CA$": "CAD",
    "NZ$": "NZD", "HK$": "HKD", "S$": "SGD", "R$": "BRL", "£": "GBP EGP FKP GIP SHP SYP", "¥": "JPY CNY",
    "kr": "SEK NOK DKK ISK", "fr": "CHF", "sfr": "CHF", "zł": "PLN", "kč": "CZK", "ft": "HUF", "lei": "RON",
    "лв": "BGN", "₽": "RUB", "₺": "TRY", "₴": "UAH", "₹": "INR", "₪": "ILS", "₩": "KRW", "r": "ZAR",
}  # fmt: skip
"""The currencies that a sign may stand for; without the point after it, and in small letters."""

_SPACE = f"[{SPACES}]*"
_MARK = r"([^\W\d_]{1,4}\.?|[A-Z]{0,2}[€$£¥₽₺₴₹₪₩])?"
_AMOUNT = rf"([0-9][0-9.,{APOSTROPHES}{SPACES}]*?)"
MARKED = re.compile(f"{_SPACE}(-?){_SPACE}{_MARK}{_SPACE}(-?){_SPACE}{_AMOUNT}{_SPACE}{_MARK}{_SPACE}")


def unmarked(text: str) -> tuple[str, str]:
    """The amount without spaces and the mark of a currency around it, and that mark, if there is one. What is
    not understood is given as it is."""
    match = MARKED.fullmatch(text)
    if match is None:
        return text, ""
    minus, before, inner_minus, amount, after = match.groups("")
    mark = before or after
    if (before and after) or (minus and inner_minus) or (mark and not _currencies(mark)):
        return text, ""
    return f"{minus or inner_minus}{amount}", mark


def stands_for(mark: str, currency: str) -> bool:
    """Whether this mark may say this currency, such as EUR."""
    return currency in _currencies(mark)


def _currencies(mark: str) -> list[str]:
    """The codes that the mark may stand for."""
    if (code := mark.upper()) in Locale("en").currencies:
        return [code]
    bare = mark.rstrip(".")
    return SIGNS.get(bare, SIGNS.get(bare.lower(), "")).split()
