"""What is done to many invoices at once: approve them, close them; and what a person is told of it
beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import ColumnElement, Text, cast, func, literal, select, update
from sqlalchemy.orm import Session

from webapp import audit, since_mailed
from webapp.access import Viewer, visible_to
from webapp.invoices.filters import is_sent
from webapp.store.dialects import id_in, insert_into
from webapp.store.invoices import Invoice
from webapp.store.runs import Result, ResultInvoice, Run
from webapp.store.statuses import InvoiceStatus, ResultStatus, Role, RunStatus, SourceSubject
from webapp.store.types import Json
from webapp.store.users import SourceValue

Conditions = Sequence[ColumnElement[bool]]
BATCH = 5_000
RUNS_TOLD_MAX = 5


@dataclass(frozen=True)
class Touched:
    """What a change of these invoices touches: their number by status, the gross by currency of those that
    would change, how many of these were mailed, and the results that wait in runs, by run."""

    by_status: dict[str, int]
    changing: int
    amounts: dict[str, Decimal]
    mailed: int
    waiting: list[tuple[str, int]]

    @property
    def invoices(self) -> int:
        """How many invoices were picked."""
        return sum(self.by_status.values())


def one(viewer: Viewer, invoice_id: int) -> Conditions:
    """The conditions for this invoice alone, if this person may see it."""
    return [Invoice.id == invoice_id, visible_to(viewer, Invoice)]


def to_approve(viewer: Viewer) -> ColumnElement[bool]:
    """Whether this person can approve the current Invoice: an open one; administrators a closed one too."""
    if viewer.role == Role.ADMIN:
        return Invoice.status != InvoiceStatus.APPROVED
    return Invoice.status == InvoiceStatus.OPEN


def to_close() -> ColumnElement[bool]:
    """Whether the current Invoice can be closed."""
    return Invoice.status != InvoiceStatus.CLOSED


def touched(session: Session, conditions: Conditions, changing: ColumnElement[bool]) -> Touched:
    """Count what a change of these invoices, where they are `changing`, touches."""
    by_status = session.execute(
        select(Invoice.status, func.count()).where(*conditions).group_by(Invoice.status)
    ).all()
    amounts = session.execute(
        select(Invoice.currency, func.count(), func.sum(Invoice.gross_amount))
        .where(*conditions, changing)
        .group_by(Invoice.currency)
        .order_by(Invoice.currency)
    ).all()
    mailed = select(func.count()).select_from(Invoice).where(*conditions, changing, is_sent())
    return Touched(
        by_status={status: n for status, n in by_status},
        changing=sum(n for _currency, n, _gross in amounts),
        amounts={currency: gross for currency, _n, gross in amounts},
        mailed=session.scalar(mailed) or 0,
        waiting=_waiting(session, [*conditions, changing]),
    )


def _waiting(session: Session, conditions: Conditions) -> list[tuple[str, int]]:
    """(run, number of results that it has yet to send) with these invoices, the newest first."""
    rows = session.execute(
        select(Run.name, func.count())
        .join(Result, Result.run_id == Run.id)
        .join(ResultInvoice, ResultInvoice.result_id == Result.id)
        .where(
            Run.status != RunStatus.FINISHED,
            Result.status.in_((ResultStatus.READY, ResultStatus.DEFERRED)),
            ResultInvoice.invoice_id.in_(select(Invoice.id).where(*conditions)),
        )
        .group_by(Run.id, Run.name)
        .order_by(Run.id.desc())
        .limit(RUNS_TOLD_MAX)
    )
    return [(name, n) for name, n in rows]


def approve(session: Session, viewer: Viewer, conditions: Conditions) -> int:
    """Approve those of these invoices that can be; returns how many were."""
    return _set_status(session, viewer, [*conditions, to_approve(viewer)], InvoiceStatus.APPROVED)


def close(session: Session, viewer: Viewer, conditions: Conditions) -> int:
    """Close these invoices: no run includes them from now on. Returns how many were not closed."""
    return _set_status(session, viewer, [*conditions, to_close()], InvoiceStatus.CLOSED)


def _set_status(session: Session, viewer: Viewer, conditions: Conditions, status: InvoiceStatus) -> int:
    """Under the locks of the rows, in the order of ids, in which everything that locks several does so. What
    the source says of the status is remembered (webapp/sources.py), and each change is in the audit trail."""
    locked = select(Invoice.id).where(*conditions).order_by(Invoice.id).with_for_update()
    ids = session.scalars(locked).all()
    for start in range(0, len(ids), BATCH):
        ours = id_in(session, Invoice.id, ids[start : start + BATCH])
        _remember_status(session, ours)
        _note(session, viewer, ours, status)
        since_mailed.mark(session, ours)
        session.execute(
            update(Invoice).where(ours).values(status=status),
            execution_options={"synchronize_session": False},
        )
    return len(ids)


def _note(session: Session, viewer: Viewer, ours: ColumnElement[bool], status: InvoiceStatus) -> None:
    action = "approve" if status == InvoiceStatus.APPROVED else "close"
    number, told = literal("invoice ") + Invoice.number, literal("status: ") + Invoice.status + f" → {status}"
    audit.note_each(session, viewer.name, action, number, told, ours)


def _remember_status(session: Session, ours: ColumnElement[bool]) -> None:
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    value = func.json_quote(Invoice.status) if is_sqlite else func.to_jsonb(cast(Invoice.status, Text))
    said = value if is_sqlite else cast(value, Json)
    rows = select(literal(SourceSubject.INVOICE.value), Invoice.id, literal("status"), said).where(ours)
    columns = ["subject", "subject_id", "field", "value"]
    session.execute(insert_into(session, SourceValue).from_select(columns, rows).on_conflict_do_nothing())
