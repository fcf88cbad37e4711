"""Whether an invoice can be sent, and the skip reason if it cannot."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, case, exists, literal, literal_column, not_, or_
from sqlalchemy.sql.elements import SQLColumnExpression

from webapp.documents.findings import UNCHECKED
from webapp.store.customers import Customer, CustomerEmail, has_metadata
from webapp.store.definitions import Content
from webapp.store.invoices import Invoice, TransformationResult
from webapp.store.runs import Reservation
from webapp.store.statuses import InvoiceStatus, LockProblem, SkipReason


@dataclass(frozen=True)
class Requirements:
    """What a definition requires of an invoice and its customer. `password_key`: the metadata field that must
    hold the documents' password; empty: no password is needed. `zip`: they go into an archive, so that the
    password changes none of them."""

    definition_id: int
    recipient_key_id: int
    transformations: tuple[int, ...]
    password_key: str = ""
    zip: bool = False


def requirements_of(definition_id: int, content: Content) -> Requirements:
    """The requirements of this version of a definition."""
    transformations = tuple(content["transformations"])
    password_key = content["password_key"] if transformations else ""
    return Requirements(
        definition_id, content["recipient_key_id"], transformations, password_key, content["zip"]
    )


def skip_reason(requirements: Requirements, copy: SQLColumnExpression[int] | None) -> ColumnElement[str]:
    """Why the current Invoice (joined with its Customer) cannot be sent as this copy; empty if it can.

    The first reason that applies, in the order of SkipReason. An invoice "was sent, or may have been sent"
    when this copy or a later one is reserved; with `copy` None that is not checked."""
    whens = (
        (condition, literal(reason.value))
        for reason, condition in skip_conditions(requirements, copy).items()
    )
    return case(*whens, else_=literal(""))


def skip_conditions(
    requirements: Requirements, copy: SQLColumnExpression[int] | None
) -> dict[SkipReason, ColumnElement[bool]]:
    """Each condition that keeps the current Invoice from being sent, in the order of SkipReason."""
    found: dict[SkipReason, ColumnElement[bool]] = {
        SkipReason.SUSPENDED: Customer.suspended.is_(True),
        SkipReason.NOT_APPROVED: Invoice.status != InvoiceStatus.APPROVED,
        SkipReason.NO_RECIPIENT: not_(_has_address(requirements)),
    }
    if requirements.transformations:
        missing = [not_(_has_document(transformation)) for transformation in requirements.transformations]
        found[SkipReason.NO_ATTACHMENT] = or_(*missing)
    if copy is not None:
        found[SkipReason.ALREADY_SENT] = is_reserved(requirements.definition_id, copy)
    if requirements.password_key:
        found[SkipReason.NO_PASSWORD] = not_(has_metadata(requirements.password_key))
    if requirements.password_key and requirements.transformations and not requirements.zip:
        found[SkipReason.UNLOCKABLE] = _has_unlockable_document(requirements)
    if requirements.transformations:
        found[SkipReason.SUSPECT_DOCUMENT] = _has_suspect_document(requirements)
    return {reason: found[reason] for reason in SkipReason if reason in found}


def is_reserved(definition_id: int, copy: SQLColumnExpression[int]) -> ColumnElement[bool]:
    """Whether this copy of the current Invoice, or a later one, has gone out or may have."""
    return exists().where(
        Reservation.definition_id == definition_id,
        Reservation.invoice_id == Invoice.id,
        Reservation.copy >= copy,
    )


def mailed_with_other_definition(definition_id: int) -> ColumnElement[bool]:
    """Whether the current Invoice has gone out, or may have, with another definition."""
    return exists().where(Reservation.invoice_id == Invoice.id, Reservation.definition_id != definition_id)


def _has_address(requirements: Requirements) -> ColumnElement[bool]:
    return exists().where(
        CustomerEmail.customer_id == Customer.id,
        CustomerEmail.recipient_key_id == requirements.recipient_key_id,
    )


def _has_document(transformation_id: int) -> ColumnElement[bool]:
    return exists().where(
        TransformationResult.invoice_id == Invoice.id,
        TransformationResult.transformation_id == transformation_id,
    )


def _has_suspect_document(requirements: Requirements) -> ColumnElement[bool]:
    """Starts from the few suspect documents: no index covers the condition on the transformation."""
    return exists().where(
        TransformationResult.invoice_id == Invoice.id,
        TransformationResult.suspect,
        (TransformationResult.transformation_id + 0).in_(requirements.transformations),
    )


def _has_unlockable_document(requirements: Requirements) -> ColumnElement[bool]:
    """Whether a PDF cannot be given a password. One that cannot even be read is suspect first; once a person
    has released it, it still cannot be protected. The literal lets SQLite take the partial index."""
    return exists().where(
        TransformationResult.invoice_id == Invoice.id,
        TransformationResult.lock_problem != literal_column("''"),
        not_(UNCHECKED),
        or_(
            TransformationResult.lock_problem != LockProblem.UNREADABLE,
            not_(TransformationResult.suspect),
        ),
        (TransformationResult.transformation_id + 0).in_(requirements.transformations),
    )
