"""The customers and invoices that an import touches: held before it changes them, and indexed again after it,
in the same transaction (webapp/sources.py, webapp/found_by.py)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select, Table, func, insert, or_, select, union
from sqlalchemy.orm import Session

from webapp import found_by, since_mailed
from webapp.imports import staged
from webapp.imports.merging import MergeCounts
from webapp.imports.targets import CUSTOMER, EMAIL, INVOICE, RESULT, Target
from webapp.store.customers import Cluster, Customer
from webapp.store.invoices import Invoice
from webapp.store.statuses import SourceSubject
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


def note_before(session: Session, counts: Counts) -> None:
    """Note what can be told only before anything is stored: whose addresses are removed, and which invoices
    may differ from their last mail from now on."""
    changed = _of(counts, "invoices.csv").changed
    documents = _of(counts, "transformation_results.csv")
    if changed or documents.changes_anything:
        since_mailed.mark_all(session, *_changing(INVOICE, RESULT, SourceSubject.INVOICE)[:-1])
    if _of(counts, "emails.csv").removed:
        gone, stored = staged.REMOVED[EMAIL.staged.name], EMAIL.stored
        owners = select(stored.c.customer_id).join_from(gone, stored, stored.c.id == gone.c.id).distinct()
        session.execute(insert(staged.TOUCHED_CUSTOMER).from_select(["id"], owners))


def index(session: Session, counts: Counts) -> None:
    """Index again what was stored and noted."""
    customers, emails = _of(counts, "customers.csv"), _of(counts, "emails.csv")
    if customers.new or customers.changed:
        _note(session, staged.TOUCHED_CUSTOMER, _stored_now(CUSTOMER, or_differs=True))
    if emails.new:
        unknown = EMAIL.known.c.line.is_(None)
        rows = EMAIL.source.outerjoin(EMAIL.known, EMAIL.known.c.line == EMAIL.staged.c.line)
        owners = select(EMAIL.values["customer_id"]).select_from(rows).where(unknown).distinct()
        _note(session, staged.TOUCHED_CUSTOMER, owners)
    if _of(counts, "invoices.csv").new:
        _note(session, staged.TOUCHED_INVOICE, _stored_now(INVOICE, or_differs=False))
    for touched, write in (
        (staged.TOUCHED_CUSTOMER, found_by.index_customers),
        (staged.TOUCHED_INVOICE, found_by.index_invoices),
    ):
        if session.scalar(select(func.count()).select_from(touched)):
            write(session, select(touched.c.id))


def _of(counts: Counts, file: str) -> MergeCounts:
    return counts.get(file, NOTHING)


def _note(session: Session, touched: Table, ids: Select[Any]) -> None:
    [id] = ids.selected_columns
    fresh = ids.where(id.not_in(select(touched.c.id)))
    session.execute(insert(touched).from_select(["id"], fresh))


def _stored_now(target: Target, *, or_differs: bool) -> Select[Any]:
    """The ids of the rows of the file that were new, or differed too."""
    [natural] = target.natural
    file, known = target.staged, target.known
    new = known.c.line.is_(None)
    return (
        select(target.stored.c.id)
        .join_from(file, target.stored, target.stored.c[natural] == file.c[natural])
        .outerjoin(known, known.c.line == file.c.line)
        .where(or_(new, known.c.differs) if or_differs else new)
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
