"""The suspect documents that results are held for, as pages show them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session

from webapp.documents import findings
from webapp.store.customers import Customer
from webapp.store.definitions import DefinitionVersion
from webapp.store.invoices import Invoice, TransformationResult
from webapp.store.runs import Result, ResultInvoice, Run
from webapp.store.statuses import ResultStatus, SkipReason

SUSPECTS_LISTED_MAX = 20


@dataclass(frozen=True)
class Suspect:
    """A suspect document of a held result. `said` is the finding of the document check, to follow the name of
    the file."""

    result_id: int
    number: str
    customer: str
    file_name: str
    said: str


def suspects(session: Session, run: Run, conditions: Sequence[ColumnElement[bool]]) -> list[Suspect]:
    """The suspect documents of those of these results that are held for one, at most SUSPECTS_LISTED_MAX."""
    listed = _of_held(session, run, conditions).order_by(Result.id, TransformationResult.id)
    return [
        Suspect(result_id, number, name, document.file_name, findings.said(document))
        for result_id, number, name, document in session.execute(listed.limit(SUSPECTS_LISTED_MAX))
    ]


def checked_until(session: Session, run: Run, conditions: Sequence[ColumnElement[bool]]) -> datetime | None:
    """When the last of all these documents was checked; None if there is none."""
    last = func.max(TransformationResult.checked_at)
    return session.scalar(_of_held(session, run, conditions).with_only_columns(last))


def attached_to(session: Session, run: Run, result_ids: Collection[int]) -> Select[int]:
    """The documents that the mails of these results of the run would have, each by its own version."""
    return (
        select(TransformationResult.id)
        .join(ResultInvoice, ResultInvoice.invoice_id == TransformationResult.invoice_id)
        .join(Result, Result.id == ResultInvoice.result_id)
        .where(_is_attached(session, run, Result.id.in_(result_ids)))
    )


def _of_held(
    session: Session, run: Run, conditions: Sequence[ColumnElement[bool]]
) -> Select[int, str, str, TransformationResult]:
    held = (Result.status == ResultStatus.SKIPPED, Result.reason == SkipReason.SUSPECT_DOCUMENT)
    return (
        select(Result.id, Invoice.number, Customer.name, TransformationResult)
        .join(ResultInvoice, ResultInvoice.result_id == Result.id)
        .join(Invoice, Invoice.id == ResultInvoice.invoice_id)
        .join(Customer, Customer.id == Invoice.customer_id)
        .join(TransformationResult, TransformationResult.invoice_id == Invoice.id)
        .where(TransformationResult.suspect, _is_attached(session, run, *conditions, *held))
    )


def _is_attached(session: Session, run: Run, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether the TransformationResult is attached by the version that the Result, of this run and under
    these conditions, would be sent with. Looks up versions only for such results."""
    ours = (Result.run_id == run.id, *conditions)
    others = select(Result.version_id).where(*ours, Result.version_id.is_not(None)).distinct()
    versions = [run.version_id, *session.scalars(others)]
    known = session.scalars(select(DefinitionVersion).where(DefinitionVersion.id.in_(versions)))
    own, kind = func.coalesce(Result.version_id, run.version_id), TransformationResult.transformation_id
    each = (and_(own == version.id, kind.in_(version.content["transformations"])) for version in known)
    return and_(*ours, or_(*each))
