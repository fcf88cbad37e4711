"""What the document check (document_checks.py) knows of documents: which are suspect, which are unchecked;
and what a person or a worker adds to that."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, Select, func, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from webapp.store.invoices import Invoice, TransformationResult
from webapp.store.statuses import Finding
from webapp.store.types import now
from webapp.stored_texts import retold
from webapp.translation import N_, _

Condition = ColumnElement[bool] | InstrumentedAttribute[bool]

UNCHECKED = TransformationResult.found_in != TransformationResult.sha256
"""Nothing is known yet of today's bytes."""


def let_pass(session: Session, document_ids: Select[int], by: str, as_of: datetime | None = None) -> None:
    """Release those of these documents that are suspect: a person looked at them at `as_of`. What was
    imported or checked since then stays held. A document that the store does not have as it was imported
    cannot be released, nor sent."""
    looked_at = [] if as_of is None else [TransformationResult.checked_at <= as_of]
    note(
        session,
        TransformationResult.id.in_(document_ids),
        TransformationResult.suspect,
        TransformationResult.finding != Finding.ALTERED,
        ~UNCHECKED,
        *looked_at,
        suspect=False,
        passed_by=by,
        passed_at=now(),
    )


def check_again(session: Session, invoice_ids: Select[int]) -> None:
    """Have documents of these invoices checked again that the store did not have as they were imported: that
    may have been fixed. Also those that were imported again and not checked since."""
    ours = TransformationResult.invoice_id.in_(invoice_ids)
    passing = or_(TransformationResult.finding == Finding.ALTERED, UNCHECKED)
    note(session, ours, TransformationResult.suspect, passing, suspect=False, found_in="")


def altered(session: Session) -> set[str]:
    """The SHA-256 of what the store did not have as it was imported."""
    known = select(TransformationResult.sha256).where(
        TransformationResult.suspect, TransformationResult.finding == Finding.ALTERED
    )
    return set(session.scalars(known))


def check_all_again(session: Session, digests: Collection[str]) -> None:
    """Have these documents checked again: they were put into the store once more."""
    note(session, TransformationResult.sha256.in_(digests), suspect=False, found_in="")


def note_altered(session: Session, invoice_id: int, sha256: str) -> None:
    """Record that the store does not have this document as it was imported, found when its mail was built."""
    note(
        session,
        TransformationResult.invoice_id == invoice_id,
        TransformationResult.sha256 == sha256,
        suspect=True,
        finding=Finding.ALTERED,
        found_in=sha256,
        finding_words=NOT_AS_IMPORTED,
        checked_at=now(),
        passed_by="",
        passed_at=None,
    )


def count_unchecked(session: Session, *conditions: ColumnElement[bool]) -> int:
    """How many documents are unchecked."""
    counting = select(func.count()).select_from(TransformationResult).where(UNCHECKED, *conditions)
    return session.scalars(counting).one()


def suspects(session: Session, at_most: int) -> list[tuple[str, TransformationResult]]:
    """(invoice number, document) of suspect documents, the latest checked first."""
    rows = session.execute(
        select(Invoice.number, TransformationResult)
        .join(Invoice, Invoice.id == TransformationResult.invoice_id)
        .where(TransformationResult.suspect)
        .order_by(TransformationResult.checked_at.desc(), TransformationResult.id)
        .limit(at_most)
    )
    return [(number, document) for number, document in rows]


NOT_AS_IMPORTED = N_("the document store does not have the bytes that were imported")

SAID = {
    Finding.UNCHECKED: N_("was not checked yet"),
    Finding.FINE: N_("names its invoice"),
    Finding.NOT_NAMED: N_("does not name its invoice"),
    Finding.OTHER_CUSTOMER: N_("names its invoice, but neither the code nor the name of its customer"),
    Finding.NO_TEXT: N_("has no text that could name its invoice"),
    Finding.UNREADABLE: N_("cannot be read"),
    Finding.ALTERED: N_("is not what was imported"),
}


def said(document: TransformationResult) -> str:
    """The finding about a document, as the end of a sentence that starts with its name. What an e-invoice
    says of itself stands for itself: is invoice INV-2026-2, of Other GmbH"""
    finding, words = Finding(document.finding), _(SAID[Finding(document.finding)])
    why = retold(document.finding_words)
    if why and finding in (Finding.NOT_NAMED, Finding.OTHER_CUSTOMER):
        return why
    return _("%(finding)s: %(why)s", finding=words, why=why) if why else words


def note(session: Session, *conditions: Condition, **values: object) -> None:
    """Write this to the documents that meet the conditions."""
    session.execute(
        update(TransformationResult).where(*conditions).values(**values),
        execution_options={"synchronize_session": False},
    )
