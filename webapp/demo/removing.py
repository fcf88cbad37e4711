"""Removes the demo company, so that an administrator starts with data of their own.

One transaction: runs with all that they made, then invoices, customers and clusters, then definitions and
what they are made of, as far as nothing that stays needs it. Users and the audit trail stay."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, delete, func, select, union, update
from sqlalchemy.orm import Session

from webapp import audit, found_by
from webapp.access import Viewer
from webapp.demo import own_data
from webapp.demo.own_data import DemoNumbers, DemoRows, messaging
from webapp.document_store.stores import DocumentStore
from webapp.errors import Refused
from webapp.logs import ids
from webapp.store import locks
from webapp.store.approvals import ApprovedResult, RunApproval
from webapp.store.base import Base
from webapp.store.bounces import ReturnedMail
from webapp.store.counts import RunCount, SentCount
from webapp.store.customers import Cluster, ClusterParent, Customer, CustomerEmail, RecipientKey
from webapp.store.database import after_commit
from webapp.store.definitions import (
    DefinitionTransformation,
    DefinitionVersion,
    MessageDefinition,
    MessageTemplate,
    TemplateImage,
    TemplatePart,
)
from webapp.store.installation import Installation
from webapp.store.invoices import Invoice, Transformation, TransformationResult
from webapp.store.mailservers import MailServer, RefusedResult, Sender
from webapp.store.plans import Plan
from webapp.store.runs import Attempt, ChosenInvoice, Reservation, Result, ResultInvoice, Run
from webapp.store.statuses import SourceSubject
from webapp.store.text_search import CUSTOMER_SEARCH, INVOICE_SEARCH
from webapp.store.users import SourceValue
from webapp.translation import N_

log = logging.getLogger("mailrun.demo")

FOR_ADMINS = N_("Only administrators who see all clusters start with other data. Ask one of them.")
GONE = N_("The demo company is not here.")
OTHERS = N_("What would be removed has changed since this page was shown. Look at the numbers again.")


def remove(session: Session, viewer: Viewer, store: DocumentStore, seen: DemoNumbers | None) -> DemoNumbers:
    """Remove the demo company; return how much that was.

    1. Lock its runs, so that none begins to send meanwhile, and look again.
    2. Refuse what `own_data.objections` says, and if it is no longer what the person was told (`seen`).
    3. Delete the rows, and note it in the audit trail.
    4. After the commit delete the documents that nothing else has.

    Needs a writing session. Raises Refused."""
    if not viewer.manages_users:
        raise Refused(FOR_ADMINS)
    loaded = own_data.loaded_at(session)
    if loaded is None:
        raise Refused(GONE)
    locks.lock_imports(session.connection())
    rows = own_data.demo_rows(session, loaded)
    for run_id in rows.runs:
        locks.lock_run(session.connection(), run_id, exclusive=True)
    session.execute(select(Run.id).where(Run.id.in_(rows.runs)).order_by(Run.id).with_for_update()).all()
    if why := own_data.objections(session, rows):
        raise Refused(" ".join(why))
    told = own_data.numbers(session, rows)
    if told != seen:
        raise Refused(OTHERS)
    documents = _documents(session, rows)
    _delete_runs(session, rows)
    _delete_data(session, rows)
    _delete_messaging(session)
    words = f"{told.customers} customers, {told.invoices} invoices, {told.runs} runs, {told.mails} mails"
    audit.note(session, viewer.name, own_data.REMOVED, "demo company", f"{words}, {told.documents} documents")
    if not store.is_far and session.scalar(select(Attempt.id).limit(1)) is None:
        kept = [_among(session, table.sha256, documents) for table in (TransformationResult, TemplateImage)]
        after_commit(session, lambda: _forget(store, documents.difference(*kept)))
    return told


def _documents(session: Session, rows: DemoRows) -> set[str]:
    """The SHA-256 of the demo's documents and of its logo."""
    theirs = TransformationResult.invoice_id.in_(rows.invoices)
    logo = select(TemplateImage.sha256).where(TemplateImage.name == own_data.LOGO)
    return {
        *session.scalars(select(TransformationResult.sha256).where(theirs)),
        *session.scalars(logo),
    }


def _among(session: Session, column: Any, values: Collection[str]) -> Sequence[str]:
    return session.scalars(select(column).where(column.in_(values))).all()


def _forget(store: DocumentStore, digests: Collection[str]) -> None:
    """The rows are gone: bytes that cannot be deleted now only take up room."""
    try:
        for digest in digests:
            store.remove(digest)
    except OSError as error:
        log.warning("documents of the demo are still in the store", extra=ids(error=error))


def _delete_runs(session: Session, rows: DemoRows) -> None:
    results = select(Result.id).where(Result.run_id.in_(rows.runs))
    _delete(session, ReturnedMail, ReturnedMail.result_id.in_(results))
    _delete(session, Reservation, Reservation.result_id.in_(results))
    model: Any
    asked = select(RunApproval.id).where(RunApproval.run_id.in_(rows.runs))
    _delete(session, ApprovedResult, ApprovedResult.approval_id.in_(asked))
    for model in (
        RunApproval,
        Attempt,
        ResultInvoice,
        RefusedResult,
        Result,
        RunCount,
        SentCount,
        ChosenInvoice,
    ):
        _delete(session, model, model.run_id.in_(rows.runs))
    _delete(session, Run, Run.id.in_(rows.runs))
    highest = max(rows.runs, default=0)
    session.execute(
        update(Installation).where(Installation.runs_removed_to < highest).values(runs_removed_to=highest)
    )


def _delete_data(session: Session, rows: DemoRows) -> None:
    _delete(session, TransformationResult, TransformationResult.invoice_id.in_(rows.invoices))
    _delete(session, Invoice, Invoice.id.in_(rows.invoices))
    session.execute(delete(INVOICE_SEARCH).where(INVOICE_SEARCH.c.rowid.in_(rows.invoices)))
    if rows.invoices:  # one row finds several invoices, perhaps some that stay
        near = Invoice.id.between(min(rows.invoices), max(rows.invoices) + found_by.BLOCK)
        found_by.index_invoices(session, select(Invoice.id).where(near))
    _delete(session, CustomerEmail, CustomerEmail.customer_id.in_(rows.customers))
    _delete(session, Customer, Customer.id.in_(rows.customers))
    session.execute(delete(CUSTOMER_SEARCH).where(CUSTOMER_SEARCH.c.rowid.in_(rows.customers)))
    _delete(session, ClusterParent, ClusterParent.child_id.in_(rows.clusters))
    _delete(session, Cluster, Cluster.id.in_(rows.clusters))
    for subject, removed in (
        (SourceSubject.INVOICE, rows.invoices),
        (SourceSubject.CUSTOMER, rows.customers),
        (SourceSubject.CLUSTER, rows.clusters),
    ):
        _delete(session, SourceValue, SourceValue.subject == subject, SourceValue.subject_id.in_(removed))


def _delete_messaging(session: Session) -> None:
    """Delete the demo's definitions, then what they were made of; whatever something that stays uses, stays
    with it."""
    unused = _ids(
        session,
        MessageDefinition,
        "name",
        "definition",
        union(select(Run.definition_id), select(Plan.definition_id)),
    )
    model: Any
    for model in (DefinitionTransformation, DefinitionVersion):
        _delete(session, model, model.definition_id.in_(unused))
    _delete(session, MessageDefinition, MessageDefinition.id.in_(unused))
    used_keys = union(select(MessageDefinition.recipient_key_id), select(CustomerEmail.recipient_key_id))
    used_kinds = union(
        select(DefinitionTransformation.transformation_id), select(TransformationResult.transformation_id)
    )
    used_servers = union(select(Sender.mail_server_id), select(Attempt.mail_server_id))
    for model, natural, name, used in (
        (MessageTemplate, "name", "template", select(MessageDefinition.template_id)),
        (RecipientKey, "key", "recipient_key", used_keys),
        (Transformation, "name", "transformation", used_kinds),
        (Sender, "key", "sender", select(MessageDefinition.sender_id)),
        (MailServer, "name", "mail_server", used_servers),
    ):
        _delete(session, model, model.id.in_(_ids(session, model, natural, name, used)))
    if session.scalar(select(func.count()).select_from(MessageTemplate)) == 0:
        parts = {part["name"] for part in messaging()["template_part"]}
        _delete(session, TemplatePart, TemplatePart.name.in_(parts))
        _delete(session, TemplateImage, TemplateImage.name == own_data.LOGO)


def _ids(session: Session, model: Any, natural: str, table: str, used: Any) -> Sequence[int]:
    """The ids of the demo's rows of this table that nothing uses. `used`: a query of the ids that are."""
    names = {row[natural] for row in messaging()[table]}
    ours = (getattr(model, natural).in_(names), model.id.not_in(used))
    return session.scalars(select(model.id).where(*ours)).all()


def _delete(session: Session, model: type[Base], *conditions: ColumnElement[bool]) -> None:
    session.execute(delete(model).where(*conditions), execution_options={"synchronize_session": False})
