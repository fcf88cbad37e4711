"""Whose word counts. What a person changed stays until the source itself changes it: so what the source said
last is remembered of each value that a person changes (docs/import.md; imports/kept.py compares).

A page that changes what a source says does it in this order, in one transaction: `hold` the row, read it,
`remember` what it has, change it. An import holds the same rows before it stores anything, so neither
overwrites the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import bindparam, delete, select
from sqlalchemy.orm import Session

from webapp.store.customers import Cluster, ClusterParent, Customer, CustomerEmail, RecipientKey
from webapp.store.dialects import insert_into
from webapp.store.invoices import Invoice, Transformation, TransformationResult
from webapp.store.mailservers import MailServer, Sender
from webapp.store.statuses import Origin, SourceSubject
from webapp.store.users import SourceValue

SUBJECTS: dict[SourceSubject, type[Any]] = {
    SourceSubject.CLUSTER: Cluster,
    SourceSubject.CUSTOMER: Customer,
    SourceSubject.INVOICE: Invoice,
    SourceSubject.MAIL_SERVER: MailServer,
    SourceSubject.SENDER: Sender,
    SourceSubject.RECIPIENT_KEY: RecipientKey,
    SourceSubject.TRANSFORMATION: Transformation,
}
EMAILS, DOCUMENTS, PARENTS = "emails.", "documents.", "parents"
"""The fields of sets: the first two with a recipient key, or a transformation, behind them."""

TAG_NAME = "tag_name"
"""The field of a cluster that a person renamed."""


def hold(session: Session, subject: SourceSubject, subject_id: int) -> None:
    """Lock this cluster, customer or invoice until the end of the transaction: what is read of it from now
    on is not changed by others meanwhile. Its sets (addresses, documents, parents) belong to it.

    New rows that refer to it need not wait. On SQLite a writing transaction is alone anyway."""
    one = SUBJECTS[subject]
    session.execute(select(one.id).where(one.id == subject_id).with_for_update(key_share=True))


def remember(session: Session, subject: SourceSubject, subject_id: int, field: str, value: Any) -> None:
    """Note what the source said last of a value, before a person's first change of it: `value` is what is
    stored now, read under `hold`. What is noted already stays, since a second change replaces the person's
    own value.

    Call it only for what came from the source: what the source never said cannot be remembered.
    """
    hold(session, subject, subject_id)
    row = {"subject": subject, "subject_id": subject_id, "field": field, "value": as_json(value)}
    session.execute(insert_into(session, SourceValue).values(row).on_conflict_do_nothing())


def remember_addresses(session: Session, customer_id: int, key: str) -> None:
    """Note which addresses the source gave this customer under this recipient key, before a person changes,
    adds or removes one."""
    hold(session, SourceSubject.CUSTOMER, customer_id)
    rows = (
        select(CustomerEmail.address, CustomerEmail.display_name)
        .join(RecipientKey, RecipientKey.id == CustomerEmail.recipient_key_id)
        .where(CustomerEmail.customer_id == customer_id, RecipientKey.key == key)
        .where(CustomerEmail.origin == Origin.SOURCE)
    )
    _remember_set(session, SourceSubject.CUSTOMER, customer_id, EMAILS + key, rows)


def remember_documents(session: Session, invoice_id: int, transformation: str) -> None:
    """Note which documents the source gave this invoice under this transformation, before a person replaces,
    adds or removes one."""
    hold(session, SourceSubject.INVOICE, invoice_id)
    rows = (
        select(TransformationResult.file_name, TransformationResult.sha256)
        .join(Transformation, Transformation.id == TransformationResult.transformation_id)
        .where(TransformationResult.invoice_id == invoice_id, Transformation.name == transformation)
        .where(TransformationResult.origin == Origin.SOURCE)
    )
    _remember_set(session, SourceSubject.INVOICE, invoice_id, DOCUMENTS + transformation, rows)


def remember_parents(session: Session, cluster_id: int) -> None:
    """Note which parents the source gave this cluster, before a person adds or removes one."""
    hold(session, SourceSubject.CLUSTER, cluster_id)
    names = (
        select(Cluster.tag_name)
        .join(ClusterParent, ClusterParent.parent_id == Cluster.id)
        .where(ClusterParent.child_id == cluster_id)
    )
    remember(session, SourceSubject.CLUSTER, cluster_id, PARENTS, sorted(session.scalars(names)))


def forget(session: Session, subject: SourceSubject, subject_id: int, field: str) -> None:
    """Forget what the source said: the value is the source's again."""
    session.execute(
        delete(SourceValue).where(
            SourceValue.subject == subject, SourceValue.subject_id == subject_id, SourceValue.field == field
        )
    )


def forget_row(session: Session, subject: SourceSubject, subject_id: int) -> None:
    """The same for all that is remembered of a row, which is deleted: another may get its id."""
    ours = (SourceValue.subject == subject, SourceValue.subject_id == subject_id)
    session.execute(delete(SourceValue).where(*ours))


def forget_all(session: Session, fields: Sequence[Mapping[str, Any]]) -> None:
    """The same for many, each with its `subject`, `subject_id` and `field`."""
    if fields:
        table = SourceValue.__table__
        one = delete(SourceValue).where(*(table.c[name] == bindparam(f"of_{name}") for name in KEY))
        session.connection().execute(one, [{f"of_{name}": each[name] for name in KEY} for each in fields])


KEY = ("subject", "subject_id", "field")


def as_json(value: Any) -> Any:
    """A stored value as it is remembered: days and amounts as texts."""
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def _remember_set(session: Session, subject: SourceSubject, subject_id: int, field: str, rows: Any) -> None:
    remember(session, subject, subject_id, field, sorted([list(row) for row in session.execute(rows)]))
