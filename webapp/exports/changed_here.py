"""What people changed, and what the source had said of it: so an import of the export leaves both as they
are, and a later import of the source itself is judged as it would have been here (webapp/sources.py)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp import sealed
from webapp.errors import Refused
from webapp.exports.tables import unreadable
from webapp.imports.kinds import CHANGED_HERE as FILE
from webapp.imports.staged import CLUSTER_FIELD, CLUSTER_ID
from webapp.sealed import CannotOpen, secret_names
from webapp.sources import DOCUMENTS, EMAILS
from webapp.store.customers import Cluster, Customer, CustomerEmail, RecipientKey
from webapp.store.invoices import Invoice, Transformation, TransformationResult
from webapp.store.mailservers import MailServer, Sender
from webapp.store.statuses import Origin, SourceSubject
from webapp.store.users import SourceValue

HEADER = ["subject", "owner", "field", "value", "origins"]
BATCH = 2_000
NAMES: dict[SourceSubject, tuple[Any, Any]] = {
    SourceSubject.CLUSTER: (Cluster, Cluster.tag_name),
    SourceSubject.CUSTOMER: (Customer, Customer.code),
    SourceSubject.INVOICE: (Invoice, Invoice.number),
    SourceSubject.MAIL_SERVER: (MailServer, MailServer.name),
    SourceSubject.SENDER: (Sender, Sender.key),
    SourceSubject.RECIPIENT_KEY: (RecipientKey, RecipientKey.key),
    SourceSubject.TRANSFORMATION: (Transformation, Transformation.name),
}

__all__ = ["FILE", "HEADER", "rows"]


def rows(session: Session, *, with_documents: bool, with_passwords: bool) -> Iterator[Iterable[str]]:
    """A row for each value of which the source's word is remembered; of a set with the origins of the rows
    that people added or changed. Only of what the other files name. Raises Refused for a password that cannot
    be read."""
    secret = {f"metadata.{name}" for name in secret_names(session)}
    tags = {id: name for id, name in session.execute(select(Cluster.id, Cluster.tag_name))}
    for subject, (model, name) in NAMES.items():
        for owner_id, owner, field, value in _remembered(session, subject, model, name):
            if (field in secret and not with_passwords) or (
                field.startswith(DOCUMENTS) and not with_documents
            ):
                continue
            if field in secret:
                value = _opened(session, owner, field, value)
            if field == CLUSTER_ID:
                field, value = CLUSTER_FIELD, tags.get(value, "")
            origins = _origins(session, owner_id, field)
            yield subject, owner, field, json.dumps(value), json.dumps(origins) if origins else ""


def _remembered(
    session: Session, subject: SourceSubject, model: Any, name: Any
) -> Iterator[tuple[int, str, str, Any]]:
    """In the order of the owners' ids, some at a time."""
    last = (0, "")
    ordered = (SourceValue.subject_id, SourceValue.field)
    query = (
        select(SourceValue.subject_id, name, SourceValue.field, SourceValue.value)
        .join(model, model.id == SourceValue.subject_id)
        .where(SourceValue.subject == subject)
        .order_by(*ordered)
        .limit(BATCH)
    )
    while True:
        after = (ordered[0] > last[0]) | ((ordered[0] == last[0]) & (ordered[1] > last[1]))
        found = session.execute(query.where(after)).all()
        yield from map(tuple, found)
        if len(found) < BATCH:
            return
        last = (found[-1][0], found[-1][2])


def _origins(session: Session, owner_id: int, field: str) -> dict[str, str]:
    """Of a set: what people added or changed, by address or file name."""
    query: Any
    if field.startswith(EMAILS):
        query = (
            select(CustomerEmail.address, CustomerEmail.origin)
            .join(RecipientKey, RecipientKey.id == CustomerEmail.recipient_key_id)
            .where(RecipientKey.key == field.removeprefix(EMAILS), CustomerEmail.customer_id == owner_id)
            .where(CustomerEmail.origin != Origin.SOURCE)
            .order_by(CustomerEmail.id)
        )
    elif field.startswith(DOCUMENTS):
        of_kind = Transformation.name == field.removeprefix(DOCUMENTS)
        query = (
            select(TransformationResult.file_name, TransformationResult.origin)
            .join(Transformation, Transformation.id == TransformationResult.transformation_id)
            .where(of_kind, TransformationResult.invoice_id == owner_id)
            .where(TransformationResult.origin != Origin.SOURCE)
            .order_by(TransformationResult.id)
        )
    else:
        return {}
    return {item: origin for item, origin in session.execute(query)}


def _opened(session: Session, owner: str, field: str, value: Any) -> str:
    name = field.partition(".")[2]
    try:
        return sealed.keys_of(session).open(owner, name, value)
    except CannotOpen as problem:
        raise Refused(unreadable(name, owner, problem)) from None
