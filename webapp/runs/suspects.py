"""The documents that the guard holds results back for, as people are told of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from webapp.invoices import findings
from webapp.store.customers import Customer
from webapp.store.invoices import Invoice, TransformationResult
from webapp.store.runs import Result, ResultInvoice, Run
from webapp.store.statuses import ResultStatus, SkipReason

MOST_LISTED = 20


@dataclass(frozen=True)
class Suspect:
    """A document of a held result: `said` is what the guard found, as what follows the name of the file."""

    result_id: int
    number: str
    customer: str
    file_name: str
    said: str


def suspects(session: Session, run: Run, conditions: Sequence[ColumnElement[bool]]) -> list[Suspect]:
    """The suspect documents of those of these results that are held for one, at most MOST_LISTED."""
    listed = _suspect(run, conditions).order_by(Result.id, TransformationResult.id).limit(MOST_LISTED)
    return [
        Suspect(result_id, number, name, document.file_name, findings.said(document))
        for result_id, number, name, document in session.execute(listed)
    ]


def checked_until(session: Session, run: Run, conditions: Sequence[ColumnElement[bool]]) -> datetime | None:
    """When the last of all these documents was checked; None if there is none."""
    last = func.max(TransformationResult.checked_at)
    return session.scalar(_suspect(run, conditions).with_only_columns(last))


def _suspect(
    run: Run, conditions: Sequence[ColumnElement[bool]]
) -> Select[int, str, str, TransformationResult]:
    return (
        select(Result.id, Invoice.number, Customer.name, TransformationResult)
        .join(ResultInvoice, ResultInvoice.result_id == Result.id)
        .join(Invoice, Invoice.id == ResultInvoice.invoice_id)
        .join(Customer, Customer.id == Invoice.customer_id)
        .join(TransformationResult, TransformationResult.invoice_id == Invoice.id)
        .where(
            *conditions,
            Result.run_id == run.id,
            Result.status == ResultStatus.SKIPPED,
            Result.reason == SkipReason.SUSPECT_DOCUMENT,
            TransformationResult.suspect,
            TransformationResult.transformation_id.in_(run.version.content["transformations"]),
        )
    )
