"""Which runs need a second person's yes: above a number of mails or an amount, and all of chosen definitions.

What counts is what goes out, or has: a list that is sent in small pieces is measured as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.orm import Session

from webapp import notation
from webapp.store.approvals import ApprovedResult, RunApproval
from webapp.store.definitions import MessageDefinition
from webapp.store.installation import Installation
from webapp.store.invoices import Invoice
from webapp.store.runs import Reservation, Result, ResultInvoice, Run
from webapp.store.statuses import Decision, ResultStatus
from webapp.translation import _, ngettext


@dataclass(frozen=True)
class Limits:
    """Above how many mails, and above which amount in any one currency, a run needs an approval. None: no
    limit. `always`: every run of this definition does."""

    mails: int | None
    amount: Decimal | None
    always: bool = False

    @property
    def are_none(self) -> bool:
        """Whether no run can need an approval."""
        return self.mails is None and self.amount is None and not self.always


@dataclass(frozen=True)
class Volume:
    """How many mails, and what their invoices come to by currency; a credit note counts as what it is
    worth."""

    mails: int
    worth: Mapping[str, Decimal]


def limits(session: Session, definition_id: int) -> Limits:
    """The limits that hold now for runs of this definition."""
    always = select(MessageDefinition.needs_approval).where(MessageDefinition.id == definition_id)
    row = session.execute(
        select(Installation.approval_mails, Installation.approval_amount, always.scalar_subquery())
    ).one_or_none()
    return Limits(row[0], row[1], bool(row[2])) if row else Limits(None, None)


def why_needed(limits: Limits, volume: Volume) -> str:
    """Why these mails need an approval, as the end of a sentence; empty if they do not."""
    if not volume.mails:
        return ""
    if limits.always:
        return _("every run of this definition does")
    if limits.mails is not None and volume.mails > limits.mails:
        return ngettext(
            "%(num)s mail, above the limit of %(limit)s",
            "%(num)s mails, above the limit of %(limit)s",
            volume.mails,
            limit=notation.number(limits.mails),
        )
    if limits.amount is not None:
        for currency, worth in sorted(volume.worth.items()):
            if worth > limits.amount:
                amount, most = (notation.money(each, currency) for each in (worth, limits.amount))
                return _("%(amount)s, above the limit of %(limit)s", amount=amount, limit=most)
    return ""


GOES_OUT = Result.status.not_in((ResultStatus.SKIPPED, ResultStatus.REMOVED))
HAS_GONE_OUT = exists().where(Reservation.result_id == Result.id).correlate(Result)
"""Whether a mail of the Result has gone out, or may have, whatever a person has made of it since: one that
was marked as bounced and taken out of the run still counts."""


def is_approved() -> ColumnElement[bool]:
    """Whether an approval names the present mail of the Result. Its data may have changed since."""
    return exists().where(
        ApprovedResult.result_id == Result.id,
        ApprovedResult.message_number == Result.message_number,
        ApprovedResult.approval_id == RunApproval.id,
        RunApproval.run_id == Result.run_id,
        RunApproval.decision == Decision.APPROVED,
    )


def volume(session: Session, run_id: int, *conditions: ColumnElement[bool]) -> Volume:
    """What goes out of this run, or has gone out, of the results under these conditions."""
    of_run = and_(Result.run_id == run_id, or_(GOES_OUT, HAS_GONE_OUT), *conditions)
    mails = session.scalar(select(func.count()).select_from(Result).where(of_run)) or 0
    worth = session.execute(
        select(Invoice.currency, func.sum(func.abs(Invoice.gross_amount), type_=Invoice.gross_amount.type))
        .select_from(Result)
        .join(ResultInvoice, ResultInvoice.result_id == Result.id)
        .join(Invoice, Invoice.id == ResultInvoice.invoice_id)
        .where(of_run)
        .group_by(Invoice.currency)
    )
    return Volume(mails, {currency: amount for currency, amount in worth})


def net_sums(session: Session, run: Run) -> dict[str, str]:
    """What the invoices that still have to be mailed come to, by currency, as exact text."""
    rows = session.execute(
        select(Invoice.currency, func.sum(Invoice.gross_amount, type_=Invoice.gross_amount.type))
        .select_from(Result)
        .join(ResultInvoice, ResultInvoice.result_id == Result.id)
        .join(Invoice, Invoice.id == ResultInvoice.invoice_id)
        .where(Result.run_id == run.id, GOES_OUT)
        .group_by(Invoice.currency)
    )
    return {currency: str(amount) for currency, amount in rows}
