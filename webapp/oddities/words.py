"""Oddities in words."""

from __future__ import annotations

import calendar
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from babel.dates import format_date

from webapp import notation
from webapp.notation import DateStyle
from webapp.oddities.comparison import share_of_change
from webapp.oddities.finding import Oddities, Oddity
from webapp.oddities.kinds import SHARING_MAX, TIMES_USUAL, OddityKind
from webapp.periods import period_words
from webapp.translation import N_, _, ngettext

TITLES = {
    OddityKind.GONE: N_("Mailed last time, no invoice now"),
    OddityKind.LARGE: N_("Much larger than usual"),
    OddityKind.UNNAMED: N_("Amount not in the document"),
    OddityKind.MAILED_BEFORE: N_("Mailed with another definition"),
    OddityKind.SHARED: N_("One address for many customers"),
    OddityKind.NEW_DOMAIN: N_("First mail to a domain"),
}
"""The lists, by the kinds that have one."""
LOOK = (
    OddityKind.NUMBER,
    OddityKind.AMOUNT,
    OddityKind.GONE,
    OddityKind.LARGE,
    OddityKind.UNNAMED,
    OddityKind.MAILED_BEFORE,
)
"""Kinds that are worth a look; the others are told."""


@dataclass(frozen=True)
class OddityLine:
    """One oddity: its number, if it has one, what it is, and where its rows are. `icon`: by its name."""

    number: str
    words: str
    href: str
    icon: str
    is_look: bool


@dataclass(frozen=True)
class ComparedLine:
    """A total of the earlier run and of now. `currency`: of amounts; empty for numbers."""

    label: str
    before: Decimal | int
    now: Decimal | int
    change: str
    currency: str = ""


def lines(oddities: Oddities, address: Callable[[OddityKind], str]) -> list[OddityLine]:
    """What is told of the oddities. `address`: where the rows of a kind are listed."""
    earlier = short_period(oddities.earlier.period) if oddities.earlier else ""
    return [
        OddityLine(
            number="" if each.kind in (OddityKind.NUMBER, OddityKind.AMOUNT) else notation.number(each.n),
            words=_words(each, earlier),
            href=address(each.kind),
            icon="changed" if each.kind in LOOK else "info",
            is_look=each.kind in LOOK,
        )
        for each in oddities.found
    ]


def _words(oddity: Oddity, earlier: str) -> str:
    match oddity.kind:
        case OddityKind.NUMBER:
            return _of_number(oddity.change, earlier)
        case OddityKind.AMOUNT:
            return _of_amount(oddity.change, oddity.currency, earlier)
        case OddityKind.GONE:
            return ngettext(
                "customer had a mail in %(period)s and has no invoice now",
                "customers had a mail in %(period)s and have no invoice now",
                oddity.n,
                period=earlier,
            )
        case OddityKind.LARGE:
            return ngettext(
                "amount is more than %(times)s times the customer’s usual",
                "amounts are more than %(times)s times the customer’s usual",
                oddity.n,
                times=TIMES_USUAL,
            )
    return _of_list(oddity)


def _of_list(oddity: Oddity) -> str:
    match oddity.kind:
        case OddityKind.UNNAMED:
            return ngettext(
                "invoice has a document that does not name its amount",
                "invoices have a document that does not name their amount",
                oddity.n,
            )
        case OddityKind.MAILED_BEFORE:
            return ngettext(
                "invoice was mailed before with another definition",
                "invoices were mailed before with another definition",
                oddity.n,
            )
        case OddityKind.SHARED:
            return ngettext(
                "address is shared by more than %(limit)s customers",
                "addresses are each shared by more than %(limit)s customers",
                oddity.n,
                limit=SHARING_MAX,
            )
    return ngettext(
        "invoice goes to a domain for the first time",
        "invoices go to a domain for the first time",
        oddity.n,
    )


def _of_number(change: Decimal | None, earlier: str) -> str:
    share = share_words(change)
    if change is not None and change > 0:
        return _("%(share)s more invoices than in %(period)s", share=share, period=earlier)
    return _("%(share)s fewer invoices than in %(period)s", share=share, period=earlier)


def _of_amount(change: Decimal | None, currency: str, earlier: str) -> str:
    if change is None:
        return _("%(currency)s: nothing in %(period)s", currency=currency, period=earlier)
    told = {"currency": currency, "share": share_words(change), "period": earlier}
    if change > 0:
        return _("%(currency)s: %(share)s more than in %(period)s", **told)
    return _("%(currency)s: %(share)s less than in %(period)s", **told)


def compared(oddities: Oddities) -> list[ComparedLine]:
    """The totals, beside each other."""
    before, now = oddities.before, oddities.totals
    counts = (
        (_("Invoices"), before.invoices, now.invoices),
        (_("Customers"), before.customers, now.customers),
    )
    found = [ComparedLine(label, was, is_now, _change(was, is_now)) for label, was, is_now in counts]
    for currency in sorted({*before.amounts, *now.amounts}):
        was, is_now = (each.amounts.get(currency, Decimal(0)) for each in (before, now))
        label = _("Gross, %(currency)s", currency=currency)
        found.append(ComparedLine(label, was, is_now, _change(was, is_now), currency))
    return found


def _change(before: Decimal | int, now: Decimal | int) -> str:
    """By how much a total has changed: +2.8%"""
    change = share_of_change(before, now)
    if change is None:
        return "" if before == now else _("new")
    sign = "+" if change > 0 else "−" if change < 0 else "±"
    return f"{sign}{share_words(change)}"


def share_words(change: Decimal | None) -> str:
    """The share without its sign, with one decimal place below ten per cent."""
    percent = abs(change or Decimal(0)) * 100
    return notation.number(percent, ".0f" if percent >= 10 else ".1f") + "%"


def short_period(period: tuple[date, date]) -> str:
    """A whole month by its name, another period by its days: October 2026"""
    first, last = period
    end = first.replace(day=calendar.monthrange(first.year, first.month)[1])
    is_month = first.day == 1 and last == end
    if not is_month or notation.current().dates is not DateStyle.WORDS:
        return period_words(first, last)
    return str(format_date(first, "LLLL y", locale=notation.current().language))
