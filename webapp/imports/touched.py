"""The customers and invoices that an import touches: held before it changes them, and indexed again after it,
in the same transaction (webapp/sources.py, webapp/found_by.py); and what changed_here.csv of an export says
that people changed of them, which is theirs again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import (
    Select,
    Table,
    Text,
    and_,
    case,
    cast,
    exists,
    func,
    insert,
    literal_column,
    null,
    or_,
    select,
    type_coerce,
    union,
    update,
)
from sqlalchemy.orm import Session, aliased

from webapp import found_by, since_mailed
from webapp.imports import staged
from webapp.imports.merging import MergeCounts
from webapp.imports.targets import CUSTOMER, EMAIL, INVOICE, RESULT, Target
from webapp.sources import DOCUMENTS, EMAILS
from webapp.store.customers import Cluster, Customer, RecipientKey
from webapp.store.dialects import insert_into
from webapp.store.invoices import Invoice, Transformation
from webapp.store.mailservers import MailServer, Sender
from webapp.store.statuses import Origin, SourceSubject
from webapp.store.types import Json
from webapp.store.users import SourceValue

Counts = Mapping[str, MergeCounts]
"""By file."""
NOTHING = MergeCounts(0, 0, 0)


def hold(session: Session) -> None:
    """Lock the clusters, customers and invoices that are about to change, and those of which people changed
    something: clusters first, each kind in the order of ids, as everyone does who locks several. On SQLite
    the transaction is alone."""
    if session.get_bind().dialect.name != "postgresql":
        return
    _hold(session, Cluster, select(staged.KNOWN[staged.CLUSTER.name].c.id))
    _hold(session, Customer, *_changing(CUSTOMER, EMAIL, SourceSubject.CUSTOMER))
    _hold(session, Invoice, *_changing(INVOICE, RESULT, SourceSubject.INVOICE))


def note_before(session: Session, counts: Counts) -> int:
    """Note what can be told only before anything is stored: whose addresses are removed, and which invoices
    may differ from their last mail from now on. Gives the highest id of an invoice: those that are added have
    higher ones."""
    changed = _of(counts, "invoices.csv").changed
    documents = _of(counts, "transformation_results.csv")
    if changed or documents.changes_anything:
        since_mailed.mark_all(session, *_changing(INVOICE, RESULT, SourceSubject.INVOICE)[:-1])
    if _of(counts, "emails.csv").removed:
        gone, stored = staged.REMOVED[EMAIL.staged.name], EMAIL.stored
        owners = select(stored.c.customer_id).join_from(gone, stored, stored.c.id == gone.c.id).distinct()
        session.execute(insert(staged.TOUCHED_CUSTOMER).from_select(["id"], owners))
    return session.scalar(select(func.max(Invoice.id))) or 0


def index(session: Session, counts: Counts, last: int) -> None:
    """Index again what was stored and noted, and the invoices behind the `last` one. If others added some of
    these meanwhile, they are indexed twice, which does no harm."""
    customers, emails = _of(counts, "customers.csv"), _of(counts, "emails.csv")
    if customers.new or customers.changed:
        _note(session, staged.TOUCHED_CUSTOMER, _stored_now(CUSTOMER))
    if emails.new:
        unknown = EMAIL.known.c.line.is_(None)
        rows = EMAIL.source.outerjoin(EMAIL.known, EMAIL.known.c.line == EMAIL.staged.c.line)
        owners = select(EMAIL.values["customer_id"]).select_from(rows).where(unknown).distinct()
        _note(session, staged.TOUCHED_CUSTOMER, owners)
    if session.scalar(select(func.count()).select_from(staged.TOUCHED_CUSTOMER)):
        found_by.index_customers(session, select(staged.TOUCHED_CUSTOMER.c.id))
    if _of(counts, "invoices.csv").new:
        found_by.index_invoices(session, select(Invoice.id).where(Invoice.id > last))


def _of(counts: Counts, file: str) -> MergeCounts:
    return counts.get(file, NOTHING)


def _note(session: Session, touched: Table, ids: Select[Any]) -> None:
    [id] = ids.selected_columns
    fresh = ids.where(id.not_in(select(touched.c.id)))
    session.execute(insert(touched).from_select(["id"], fresh))


def _stored_now(target: Target) -> Select[Any]:
    """The ids of the rows of the file that were new, or differed."""
    [natural] = target.natural
    file, known = target.staged, target.known
    return (
        select(target.stored.c.id)
        .join_from(file, target.stored, target.stored.c[natural] == file.c[natural])
        .outerjoin(known, known.c.line == file.c.line)
        .where(or_(known.c.line.is_(None), known.c.differs))
    )


def _hold(session: Session, model: Any, *ids: Select[Any]) -> None:
    rows = select(model.id).where(model.id.in_(union(*ids) if len(ids) > 1 else ids[0]))
    held = rows.order_by(model.id).with_for_update(key_share=True).subquery()
    session.execute(select(func.count()).select_from(held))


def _changing(target: Target, rows: Target, subject: SourceSubject) -> list[Select[Any]]:
    """The ids of stored customers, or invoices, that change, or whose addresses, or documents, do."""
    owner = rows.scope[0]
    known, gone = rows.known, staged.REMOVED[rows.staged.name]
    named = rows.source.outerjoin(known, known.c.line == rows.staged.c.line)
    return [
        select(target.known.c.id).where(target.known.c.differs),
        select(rows.values[owner]).select_from(named).where(or_(known.c.line.is_(None), known.c.differs)),
        select(rows.stored.c[owner]).join_from(gone, rows.stored, rows.stored.c.id == gone.c.id),
        select(SourceValue.subject_id).where(SourceValue.subject == subject),
    ]


OWNERS: dict[SourceSubject, tuple[Any, Any, Any]] = {
    SourceSubject.CLUSTER: (Cluster, Cluster.tag_name, staged.CLUSTER.c.tag_name),
    SourceSubject.CUSTOMER: (Customer, Customer.code, staged.CUSTOMER.c.code),
    SourceSubject.INVOICE: (Invoice, Invoice.number, staged.INVOICE.c.number),
    SourceSubject.MAIL_SERVER: (MailServer, MailServer.name, null()),
    SourceSubject.SENDER: (Sender, Sender.key, null()),
    SourceSubject.RECIPIENT_KEY: (RecipientKey, RecipientKey.key, null()),
    SourceSubject.TRANSFORMATION: (Transformation, Transformation.name, null()),
}
"""By subject: the table, what names its rows, and the same in the file; settings are in no staging table."""
CARRIED, ROWS = staged.CHANGED_HERE.c, staged.ROW_OF_PEOPLE.c


def count_carried(session: Session) -> MergeCounts:
    """How many of the values of changed_here.csv are not remembered yet, or as another value."""
    new = changed = same = 0
    for subject, (model, name, in_file) in OWNERS.items():
        field, value, others = _as_stored(session)
        is_same = SourceValue.value == value
        rows = (
            select(SourceValue.subject.is_(None), is_same, func.count())
            .select_from(others.outerjoin(model, name == CARRIED.owner))
            .outerjoin(
                SourceValue,
                and_(
                    SourceValue.subject == CARRIED.subject,
                    SourceValue.subject_id == model.id,
                    SourceValue.field == field,
                ),
            )
            .where(
                CARRIED.subject == subject,
                or_(model.id.is_not(None), exists().where(in_file == CARRIED.owner)),
            )
            .group_by(SourceValue.subject.is_(None), is_same)
        )
        for is_new, is_equal, n in session.execute(rows):
            if is_new:
                new += n
            elif is_equal:
                same += n
            else:
                changed += n
    for stored, origin, ids in _rows_of_people():
        differing = select(func.count()).where(stored.c.id.in_(ids), stored.c.origin != origin)
        changed += session.scalar(differing) or 0
    return MergeCounts(new, changed, same)


def store_carried(session: Session) -> None:
    """Remember them, and have what people added or changed be theirs. Call it when all else is stored."""
    for subject, (model, name, _) in OWNERS.items():
        field, value, others = _as_stored(session)
        rows = (
            select(CARRIED.subject, model.id, field, value)
            .select_from(others.join(model, name == CARRIED.owner))
            .where(CARRIED.subject == subject)
        )
        inserting = insert_into(session, SourceValue)
        inserting = inserting.from_select(["subject", "subject_id", "field", "value"], rows)
        key = ["subject", "subject_id", "field"]
        session.execute(
            inserting.on_conflict_do_update(index_elements=key, set_={"value": inserting.excluded.value})
        )
    for stored, origin, ids in _rows_of_people():
        session.execute(update(stored).where(stored.c.id.in_(ids)).values(origin=origin))


def _as_stored(session: Session) -> tuple[Any, Any, Any]:
    """The field and the value of a row of changed_here.csv as they are remembered, and the rows: a cluster is
    remembered by its id."""
    is_cluster = and_(CARRIED.subject == SourceSubject.CUSTOMER, CARRIED.field == staged.CLUSTER_FIELD)
    home = aliased(Cluster)
    if session.get_bind().dialect.name == "sqlite":
        tag: Any = func.json_extract(CARRIED.value, "$")
        id: Any = cast(home.id, Text)
    else:
        tag, id = CARRIED.value.op("#>>")(literal_column("'{}'")), func.to_jsonb(home.id)
    rows = staged.CHANGED_HERE.outerjoin(home, and_(is_cluster, home.tag_name == tag))
    field = case((is_cluster, staged.CLUSTER_ID), else_=CARRIED.field)
    return field, case((is_cluster, type_coerce(id, Json)), else_=CARRIED.value), rows


def _rows_of_people() -> Iterator[tuple[Table, Origin, Select[Any]]]:
    """The tables of addresses and of documents, with the ids of the rows that people added, and changed."""
    emails, documents = EMAIL.stored.alias(), RESULT.stored.alias()
    addresses = (
        select(emails.c.id)
        .join(Customer, Customer.id == emails.c.customer_id)
        .join(RecipientKey, RecipientKey.id == emails.c.recipient_key_id)
        .join(staged.ROW_OF_PEOPLE, and_(ROWS.owner == Customer.code, ROWS.item == emails.c.address))
        .where(ROWS.field == EMAILS + RecipientKey.key)
    )
    files = (
        select(documents.c.id)
        .join(Invoice, Invoice.id == documents.c.invoice_id)
        .join(Transformation, Transformation.id == documents.c.transformation_id)
        .join(staged.ROW_OF_PEOPLE, and_(ROWS.owner == Invoice.number, ROWS.item == documents.c.file_name))
        .where(ROWS.field == DOCUMENTS + Transformation.name)
    )
    for origin in (Origin.ADDED, Origin.CHANGED):
        yield EMAIL.stored, origin, addresses.where(ROWS.origin == origin)
        yield RESULT.stored, origin, files.where(ROWS.origin == origin)
