"""Find what is odd about mails: one statement for the mails, so that they are looked at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sqlalchemy import CTE, CompoundSelect, Select, func, literal, select, union_all
from sqlalchemy.orm import Session

from webapp.oddities import comparison, kinds
from webapp.oddities.comparison import Earlier, Totals, differs, share_of_change
from webapp.oddities.domains import any_known
from webapp.oddities.kinds import OddityKind
from webapp.oddities.mails import Mails
from webapp.store.types import Money

NOW, BEFORE = "now", "before"


@dataclass(frozen=True)
class Oddity:
    """A kind and how many there are: customers (GONE), addresses (SHARED), else invoices. NUMBER and AMOUNT
    say by what share a total has changed, an amount of which currency."""

    kind: OddityKind
    n: int
    currency: str = ""
    change: Decimal | None = None


@dataclass(frozen=True)
class Oddities:
    """What is odd. `totals` and, of the earlier run, `before`; `earlier` is None where there is no run to
    compare with."""

    totals: Totals
    before: Totals
    earlier: Earlier | None
    found: list[Oddity] = field(default_factory=list)


@dataclass(frozen=True)
class Looked:
    """What is looked at: the mails that go out, where they go, and what the earlier run mailed."""

    mails: Mails
    going: CTE
    to: CTE
    mailed: CTE | None


def looked_at(mails: Mails, earlier: Earlier | None) -> Looked:
    """The parts of the statement that several kinds share."""
    going = mails.going
    mailed = comparison.mailed_invoices(mails, earlier.run_id) if earlier else None
    return Looked(mails, going, kinds.addresses(mails, going), mailed)


def invoices_of(session: Session, of: Looked) -> dict[OddityKind, Select[Any]]:
    """The invoices in the list of each kind, by their ids; a kind that cannot be judged is left out."""
    found: dict[OddityKind, Select[Any]] = {
        OddityKind.LARGE: kinds.large(of.mails, of.going),
        OddityKind.MAILED_BEFORE: kinds.mailed_before(of.mails, of.going),
        OddityKind.SHARED: kinds.shared(of.going, of.to),
    }
    if of.mailed is not None:
        found[OddityKind.GONE] = kinds.gone(of.mails, of.mailed)
    if of.mails.transformations:
        found[OddityKind.UNNAMED] = kinds.unnamed(of.mails, of.going)
    if any_known(session, of.mails.viewer):
        found[OddityKind.NEW_DOMAIN] = kinds.new_domain(of.mails, of.going, of.to)
    return found


def find(session: Session, mails: Mails) -> Oddities:
    """Compare the mails with what was usual.

    1. Look up the last comparable run.
    2. Count every kind, and the totals of both runs, in one statement.
    3. Tell of totals only where they differ by more than a margin, of the other kinds where there is any."""
    earlier = comparison.last_comparable(session, mails)
    counted: dict[str, int] = {}
    sums: dict[str, list[Any]] = {NOW: [], BEFORE: []}
    for what, currency, n, amount in session.execute(_counts(session, looked_at(mails, earlier))):
        if currency:
            sums[what].append((currency, n, amount))
        else:
            counted[what] = n
    totals = comparison.totals_of(sums[NOW], counted[NOW])
    before = comparison.totals_of(sums[BEFORE], counted.get(BEFORE, 0))
    told = [*_of_totals(before, totals)] if earlier else []
    told += [Oddity(kind, n) for kind in OddityKind if (n := counted.get(kind, 0))]
    return Oddities(totals, before, earlier, told)


def _counts(session: Session, of: Looked) -> CompoundSelect[Any]:
    """(what, currency, number, amount) of all that is counted: a line for each currency, then one for the
    customers, of what goes out NOW and of what went out BEFORE; and one for each kind."""
    parts = [*_sums(NOW, of.going), *(_sums(BEFORE, of.mailed) if of.mailed is not None else ())]
    for kind, invoices in invoices_of(session, of).items():
        rows: Any = invoices.subquery(kind.value)
        if kind is OddityKind.SHARED:
            rows = kinds.shared_addresses(of.to).subquery(kind.value)
        number = func.count(rows.c.customer_id.distinct()) if kind is OddityKind.GONE else func.count()
        parts.append(_line(kind.value, number).select_from(rows))
    return union_all(*parts)


def _sums(what: str, rows: CTE) -> tuple[Select[Any], Select[Any]]:
    by_currency = select(literal(what), rows.c.currency, func.count(), func.sum(rows.c.gross))
    return by_currency.group_by(rows.c.currency), _line(what, func.count(rows.c.customer_id.distinct()))


def _line(what: str, number: Any) -> Select[Any]:
    return select(literal(what), literal(""), number, literal(Decimal(0), Money))


def _of_totals(before: Totals, after: Totals) -> Iterator[Oddity]:
    """What is odd about the totals."""
    if differs(before.invoices, after.invoices, abs(after.invoices - before.invoices)):
        yield Oddity(
            OddityKind.NUMBER, after.invoices, change=share_of_change(before.invoices, after.invoices)
        )
    for currency in sorted({*before.amounts, *after.amounts}):
        mails = max(before.by_currency.get(currency, 0), after.by_currency.get(currency, 0))
        was, now = before.amounts.get(currency, Decimal(0)), after.amounts.get(currency, Decimal(0))
        if differs(was, now, mails):
            yield Oddity(OddityKind.AMOUNT, mails, currency, share_of_change(was, now))
