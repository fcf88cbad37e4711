"""Why an invoice is in one of the preview's lists: where its mail goes, what is missing, who mailed it
when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp import notation
from webapp.mailing.pdf_locking import WHY_NOT
from webapp.new_run import bounced_before
from webapp.new_run.preview_lists import BOUNCED_BEFORE, MAILED_BEFORE, READY, SKIPPED, Listed
from webapp.store.customers import CustomerEmail, RecipientKey
from webapp.store.definitions import Content, MessageDefinition
from webapp.store.invoices import TransformationResult
from webapp.store.runs import Attempt, Reservation, Result, Run
from webapp.store.statuses import InvoiceStatus, LockProblem, Outcome, SkipReason
from webapp.translation import N_, _, translated

STATUS_NOTES = {
    InvoiceStatus.OPEN: N_("the invoice is open"),
    InvoiceStatus.APPROVED: N_("the invoice is approved"),
    InvoiceStatus.CLOSED: N_("the invoice is closed"),
}


@dataclass(frozen=True)
class Mailing:
    """When and by whom an invoice went out before, or may have."""

    at: datetime
    by: str
    definition: str
    surely: bool


def add_notes(session: Session, definition_id: int, content: Content, show: str, lines: list[Listed]) -> None:
    """Add to every row why it is in this list, with one statement for all of them; in the list of all that is
    skipped with one for each reason."""
    if show == SKIPPED:
        for reason in dict.fromkeys(line.reason for line in lines):
            ours = [line for line in lines if line.reason == reason]
            _add_notes(session, definition_id, content, reason, ours)
    else:
        _add_notes(session, definition_id, content, show, lines)


def _add_notes(
    session: Session, definition_id: int, content: Content, show: str, lines: list[Listed]
) -> None:
    customers, invoices = [line.customer_id for line in lines], [line.invoice_id for line in lines]
    by_customer: dict[int, list[str]] = {}
    by_invoice: dict[int, list[str]] = {}
    if show == READY:
        by_customer = _addresses(session, content, customers)
    elif show == BOUNCED_BEFORE:
        by_customer = bounced_before.notes(session, content["recipient_key_id"], customers)
    elif show == SkipReason.NOT_APPROVED:
        by_invoice = {line.invoice_id: [_(STATUS_NOTES[InvoiceStatus(line.status)])] for line in lines}
    elif show == SkipReason.NO_RECIPIENT:
        by_customer = _other_keys(session, customers)
    elif show == SkipReason.NO_ATTACHMENT:
        by_invoice = _lacking(session, content, invoices)
    elif show == SkipReason.UNLOCKABLE:
        by_invoice = _unlockable(session, content, invoices)
    elif show in (SkipReason.ALREADY_SENT, MAILED_BEFORE):
        same = show == SkipReason.ALREADY_SENT
        found = _mailings(session, definition_id, invoices, same=same)
        by_invoice = {id: [_mailed(mailing, name_it=not same)] for id, mailing in found.items()}
    for line in lines:
        line.notes = by_invoice.get(line.invoice_id) or by_customer.get(line.customer_id, [])


def add_documents(session: Session, content: Content, lines: list[Listed]) -> None:
    """Add to every row the documents that it is mailed with. They are selected by their invoices only, as in
    results/rows.py."""
    by_invoice = {line.invoice_id: line for line in lines}
    attached = set(content["transformations"])
    for document in session.scalars(
        select(TransformationResult)
        .where(TransformationResult.invoice_id.in_(by_invoice))
        .order_by(TransformationResult.invoice_id, TransformationResult.id)
    ):
        if document.transformation_id in attached:
            by_invoice[document.invoice_id].documents.append(document)


def _addresses(session: Session, content: Content, customer_ids: Iterable[int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = defaultdict(list)
    for customer_id, address in session.execute(
        select(CustomerEmail.customer_id, CustomerEmail.address)
        .where(
            CustomerEmail.customer_id.in_(customer_ids),
            CustomerEmail.recipient_key_id == content["recipient_key_id"],
        )
        .order_by(CustomerEmail.id)
    ):
        found[customer_id].append(address)
    return found


def _other_keys(session: Session, customer_ids: list[int]) -> dict[int, list[str]]:
    """Under which keys these customers do have an address."""
    found: dict[int, list[str]] = {customer_id: [] for customer_id in customer_ids}
    for customer_id, key in session.execute(
        select(CustomerEmail.customer_id, RecipientKey.key)
        .join(RecipientKey, RecipientKey.id == CustomerEmail.recipient_key_id)
        .where(CustomerEmail.customer_id.in_(customer_ids))
        .distinct()
        .order_by(CustomerEmail.customer_id, RecipientKey.key)
    ):
        found[customer_id].append(_("has one with key “%(key)s”", key=key))
    return {customer_id: notes or [_("no address at all")] for customer_id, notes in found.items()}


def _lacking(session: Session, content: Content, invoice_ids: list[int]) -> dict[int, list[str]]:
    """The names of the transformations that have no result for the invoice."""
    there: dict[int, set[int]] = defaultdict(set)
    for invoice_id, transformation_id in session.execute(
        select(TransformationResult.invoice_id, TransformationResult.transformation_id).where(
            TransformationResult.invoice_id.in_(invoice_ids)
        )
    ):
        there[invoice_id].add(transformation_id)
    wanted = list(zip(content["transformations"], content["transformation_names"], strict=True))
    return {
        invoice_id: [_("no “%(name)s”", name=name) for id, name in wanted if id not in there[invoice_id]]
        for invoice_id in invoice_ids
    }


def _unlockable(session: Session, content: Content, invoice_ids: list[int]) -> dict[int, list[str]]:
    """Which PDF of the invoice cannot be given a password, and why."""
    found: dict[int, list[str]] = defaultdict(list)
    for invoice_id, file_name, problem in session.execute(
        select(
            TransformationResult.invoice_id, TransformationResult.file_name, TransformationResult.lock_problem
        )
        .where(
            TransformationResult.invoice_id.in_(invoice_ids),
            TransformationResult.transformation_id.in_(content["transformations"]),
            TransformationResult.lock_problem != LockProblem.NONE,
        )
        .order_by(TransformationResult.id)
    ):
        why = translated(WHY_NOT[LockProblem(problem)])
        found[invoice_id].append(f"{file_name} {why}")
    return found


def _mailings(
    session: Session, definition_id: int, invoice_ids: Iterable[int], *, same: bool
) -> dict[int, Mailing]:
    """Invoice id → the last time that it was mailed, or may have been, with this definition (`same`) or with
    any other."""
    one = Reservation.definition_id
    rows = session.execute(
        select(
            Reservation.invoice_id,
            Reservation.taken_at,
            Run.started_by,
            MessageDefinition.name,
            Attempt.outcome,
        )
        .join(Attempt, Attempt.id == Reservation.attempt_id)
        .join(Result, Result.id == Reservation.result_id)
        .join(Run, Run.id == Result.run_id)
        .join(MessageDefinition, MessageDefinition.id == one)
        .where(
            Reservation.invoice_id.in_(invoice_ids),
            one == definition_id if same else one != definition_id,
        )
        .order_by(Reservation.taken_at)
    )
    return {id: Mailing(at, by, name, outcome == Outcome.ACCEPTED) for id, at, by, name, outcome in rows}


def _mailed(mailing: Mailing, *, name_it: bool) -> str:
    """mailed on 3 Nov 2026 by Marit with “Other definition”"""
    on = notation.day(notation.local(mailing.at), year=True)
    if mailing.surely:
        said = _("mailed on %(day)s by %(name)s", day=on, name=mailing.by)
    else:
        said = _("may have been mailed on %(day)s by %(name)s", day=on, name=mailing.by)
    return (
        _("%(mailed)s with “%(definition)s”", mailed=said, definition=mailing.definition) if name_it else said
    )
