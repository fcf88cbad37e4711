"""The last comparable run, and how it differs in numbers from the mails that are looked at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import CTE, exists, not_, select
from sqlalchemy.orm import Session

from webapp.access import visible_to
from webapp.oddities.domains import was_mailed
from webapp.oddities.mails import Mails
from webapp.store.invoices import Invoice
from webapp.store.runs import ChosenInvoice, Result, ResultInvoice, Run
from webapp.store.statuses import RunStatus

DIFFERENCE_MIN = Decimal("0.2")
"""A number that differs by more than this share of the earlier one is an oddity,"""
MAILS_MIN = 5
"""and only where it is about this many mails: of four customers one is a quarter."""


@dataclass(frozen=True)
class Totals:
    """How many invoices go out, to how many customers, and their gross amount by currency."""

    invoices: int = 0
    customers: int = 0
    by_currency: dict[str, int] = field(default_factory=dict)
    amounts: dict[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True)
class Earlier:
    """The last comparable run."""

    run_id: int
    name: str
    period: tuple[date, date]


def last_comparable(session: Session, mails: Mails) -> Earlier | None:
    """The run of the same definition and cluster that finished last, for an earlier period. None for
    selected invoices, which are never like all of a period."""
    if not mails.is_whole:
        return None
    of_run = (Result.run_id == Run.id, was_mailed(), visible_to(mails.viewer, Result))
    run = session.execute(
        select(Run.id, Run.name, Run.period_from, Run.period_to)
        .where(
            Run.definition_id == mails.definition_id,
            Run.cluster_id == mails.cluster_id,
            Run.include_children == mails.include_children,
            Run.status == RunStatus.FINISHED,
            Run.period_from < mails.period[0],
            Run.id != mails.run_id,
            visible_to(mails.viewer, Run),
            not_(exists().where(ChosenInvoice.run_id == Run.id)),
            exists().where(*of_run),
        )
        .order_by(Run.finished_at.desc(), Run.id.desc())
        .limit(1)
    ).first()
    return Earlier(run.id, run.name, (run.period_from, run.period_to)) if run else None


def mailed_invoices(mails: Mails, run_id: int) -> CTE:
    """(invoice_id, customer_id, currency, gross) of what a run mailed, as far as this person may see it."""
    return (
        select(
            ResultInvoice.invoice_id,
            Result.customer_id,
            Invoice.currency,
            Invoice.gross_amount.label("gross"),
        )
        .select_from(Result)
        .join(ResultInvoice, (ResultInvoice.run_id == run_id) & (ResultInvoice.result_id == Result.id))
        .join(Invoice, Invoice.id == ResultInvoice.invoice_id)
        .where(Result.run_id == run_id, was_mailed(), visible_to(mails.viewer, Result))
        .cte("mailed")
    )


def totals_of(rows: Iterable[Any], customers: int) -> Totals:
    """The totals, given (currency, number of invoices, sum of amounts) of each currency."""
    by_currency = sorted((currency, n, amount) for currency, n, amount in rows)
    return Totals(
        invoices=sum(n for _, n, _ in by_currency),
        customers=customers,
        by_currency={currency: n for currency, n, _ in by_currency},
        amounts={currency: amount for currency, _, amount in by_currency},
    )


def differs(before: Decimal | int, after: Decimal | int, mails: int) -> bool:
    """Whether a number is another than was usual. `mails`: how many of them it is about."""
    return mails >= MAILS_MIN and abs(Decimal(after) - before) > DIFFERENCE_MIN * abs(Decimal(before))


def share_of_change(before: Decimal | int, after: Decimal | int) -> Decimal | None:
    """By what share of itself a number has changed; None where it was nothing."""
    return Decimal(after - before) / abs(Decimal(before)) if before else None
