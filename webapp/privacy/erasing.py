"""Erase a customer's personal data on request. What accounting law asks for stays: the invoices with their
amounts, and that a mail went out, with its SHA-256 and times."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from webapp import audit, found_by
from webapp.access import Viewer
from webapp.bounces import keeping
from webapp.errors import Refused
from webapp.evidence.retention import documents_of
from webapp.privacy import erased_words, identifying, old_documents, reach, without_addresses
from webapp.privacy.identifying import Identifying
from webapp.privacy.reach import ErasureReach
from webapp.store import locks
from webapp.store.customers import Customer, CustomerEmail
from webapp.store.dialects import insert_into
from webapp.store.installation import held
from webapp.store.invoices import ErasedDocument, Invoice, TransformationResult
from webapp.store.mailservers import RefusedResult
from webapp.store.runs import Attempt, Reservation, Result, ResultInvoice
from webapp.store.statuses import SourceSubject
from webapp.store.types import now
from webapp.store.users import SourceValue
from webapp.translation import _

ERASE = "erase"
"""The action in the audit trail."""
NAME = "Erased customer {code}"
SILENTLY: dict[str, Any] = {"synchronize_session": False}
READ_AT_ONCE = 500


def erase(session: Session, viewer: Viewer, code_or_id: str | int, typed_code: str) -> ErasureReach:
    """Erase the personal data of this customer, in this writing transaction; returns what there was. Raises
    NotFound, NotAllowed and Refused.

    1. Keep imports and runs that are being generated out, lock the customer, and refuse while a mail is
    outstanding.
    2. Collect the words by which the customer can be told, and the documents.
    3. Erase what is the customer's own: by ids, table by table.
    4. Hide the words in what others wrote: the audit trail, reports of imports, replies of mail servers.
    The documents go from the store after the commit (erased_documents.py)."""
    locks.lock_imports(session.connection())
    locks.lock_erasures(session.connection(), exclusive=True)
    customer = reach.locked(session, viewer, code_or_id)
    if typed_code.strip() != customer.code:
        raise Refused(_("Type the code %(code)s to confirm.", code=customer.code))
    if why := held(session):
        raise Refused(_("Nothing can be erased here: %(why)s.", why=_(why)))
    reach.must_be_erasable(session, customer)
    _overwrite_deleted(session)
    there = reach.of_customer(session, customer)
    words = identifying.of_customer(session, customer)
    numbers = session.scalars(select(Invoice.number).where(Invoice.customer_id == customer.id)).all()
    _erase_customer(session, customer)
    _erase_invoices(session, customer)
    _erase_mails(session, customer, words)
    erased_words.hide(session, words, customer.code, numbers)
    told = f"{there.addresses} addresses, {there.fields} fields, {there.kept_mails} kept mails, "
    told += f"{there.documents} documents; {there.invoices} invoices stay"
    audit.note(session, viewer.name, ERASE, f"customer {customer.code}", told)
    return there


def _overwrite_deleted(session: Session) -> None:
    """Have SQLite overwrite what this transaction deletes with zeros."""
    if session.get_bind().dialect.name == "sqlite":
        session.connection().exec_driver_sql("PRAGMA secure_delete = ON")


def _erase_customer(session: Session, customer: Customer) -> None:
    keeping.clear(session, keeping.of_customer(customer.id))
    session.execute(
        delete(CustomerEmail).where(CustomerEmail.customer_id == customer.id), execution_options=SILENTLY
    )
    session.execute(delete(SourceValue).where(
        SourceValue.subject == SourceSubject.CUSTOMER, SourceValue.subject_id == customer.id
    ), execution_options=SILENTLY)  # fmt: skip
    customer.name, customer.extra, customer.language = NAME.format(code=customer.code)[:300], {}, ""
    customer.suspended, customer.erased_at = True, now()
    session.flush()


def _erase_invoices(session: Session, customer: Customer) -> None:
    """Free data, and documents: noted to be deleted from the store, with those in the customer's mails."""
    ids = session.scalars(select(Invoice.id).where(Invoice.customer_id == customer.id)).all()
    theirs = select(Invoice.id).where(Invoice.customer_id == customer.id)
    ours = TransformationResult.invoice_id.in_(theirs)
    digests = set(session.scalars(select(TransformationResult.sha256).where(ours)))
    mails = (
        select(Attempt.rebuild_data)
        .join(Result, Result.id == Attempt.result_id)
        .where(Result.customer_id == customer.id, Attempt.rebuild_data.is_not(None))
    )
    for kept in session.scalars(mails.execution_options(yield_per=READ_AT_ONCE)):
        digests.update(documents_of(kept or b""))
    if digests:
        rows = [{"sha256": digest} for digest in sorted(digests)]
        session.execute(insert_into(session, ErasedDocument).on_conflict_do_nothing(), rows)
    old_documents.delete_rows(session, ids)
    session.execute(delete(SourceValue).where(
        SourceValue.subject == SourceSubject.INVOICE, SourceValue.subject_id.in_(theirs)
    ), execution_options=SILENTLY)  # fmt: skip
    session.execute(
        update(Invoice).where(Invoice.customer_id == customer.id).values(data={}), execution_options=SILENTLY
    )


def _erase_mails(session: Session, customer: Customer, words: Identifying) -> None:
    """Results, attempts and reservations: who, where to and what was said; not that, and when."""
    of_customer = Result.customer_id == customer.id
    results = select(Result.id).where(of_customer)
    without_addresses.clear_results(session, of_customer)
    without_addresses.clear_attempts(session, Attempt.result_id.in_(results))
    session.execute(
        update(Attempt)
        .where(Attempt.result_id.in_(results), Attempt.rebuild_data.is_not(None))
        .values(rebuild_data=None, rebuild_data_deleted_at=now()),
        execution_options=SILENTLY,
    )
    session.execute(
        delete(RefusedResult).where(RefusedResult.result_id.in_(results)), execution_options=SILENTLY
    )
    for attempt in session.scalars(
        select(Attempt).where(Attempt.result_id.in_(results)).execution_options(populate_existing=True)
    ):
        attempt.reply, attempt.detail = words.hide(attempt.reply), words.hide(attempt.detail)
    numbers: dict[int, list[str]] = {}
    for result_id, number in session.execute(
        select(ResultInvoice.result_id, Invoice.number)
        .join(Invoice, Invoice.id == ResultInvoice.invoice_id)
        .where(ResultInvoice.result_id.in_(results))
        .order_by(Invoice.id)
    ):
        numbers.setdefault(result_id, []).append(number)
    found_by.index_customers(session, select(Customer.id).where(Customer.id == customer.id))
    session.refresh(customer)
    for result in session.scalars(
        select(Result).where(of_customer).execution_options(populate_existing=True)
    ):
        for name in ("detail", "warning", "smtp_reply"):
            setattr(result, name, words.hide(getattr(result, name)))
        result.sort_name = customer.sort_name
        result.search_text = " ".join([customer.code, customer.name, *numbers.get(result.id, ())]).lower()
    for reservation in session.scalars(select(Reservation).where(Reservation.result_id.in_(results))):
        reservation.documents = without_addresses.hide_file_names(reservation.documents)
    session.flush()
    session.expire_all()
