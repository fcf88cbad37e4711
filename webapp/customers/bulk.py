"""What is done to many customers at once: move them to another cluster, suspend them, end the suspension; and
what a person is told of it beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import ColumnElement, Text, cast, func, literal, select, update
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import SQLColumnExpression

from webapp import audit
from webapp.access import Viewer, visible_to
from webapp.customers import checks, locks
from webapp.store.customers import Cluster, Customer
from webapp.store.dialects import insert_into
from webapp.store.invoices import Invoice
from webapp.store.runs import Result, Run
from webapp.store.statuses import InvoiceStatus, ResultStatus, RunStatus, SourceSubject
from webapp.store.types import Json
from webapp.store.users import SourceValue
from webapp.translation import _

Conditions = Sequence[ColumnElement[bool]]
REASON_MAX = 300
"""Characters of the reason for which customers are suspended."""
UNSYNCHRONIZED = {"synchronize_session": False}


@dataclass(frozen=True)
class Reach:
    """What a change of these customers touches: them, those of them that are suspended, their clusters (the
    largest first), their invoices that are not closed and the gross of these by currency, and their results
    that wait in runs, by run."""

    customers: int
    suspended: int
    clusters: list[tuple[str, int]]
    invoices: int
    amounts: dict[str, Decimal]
    waiting: list[tuple[str, int]]


def one(viewer: Viewer, customer_id: int) -> Conditions:
    """The conditions for this customer alone, if this person may see it."""
    return [Customer.id == customer_id, visible_to(viewer, Customer)]


RUNS_TOLD_MAX = 5


def reach(session: Session, conditions: Conditions) -> Reach:
    """Count what a change of these customers touches."""
    customers, suspended = session.execute(
        select(func.count(), func.count().filter(Customer.suspended)).select_from(Customer).where(*conditions)
    ).one()
    n = func.count().label("n")
    clusters = session.execute(
        select(Cluster.tag_name, n)
        .join(Customer, Customer.cluster_id == Cluster.id)
        .where(*conditions)
        .group_by(Cluster.tag_name)
        .order_by(n.desc(), Cluster.tag_name)
    ).all()
    ids = select(Customer.id).where(*conditions)
    invoices = session.execute(
        select(Invoice.currency, func.count(), func.sum(Invoice.gross_amount))
        .where(Invoice.customer_id.in_(ids), Invoice.status != InvoiceStatus.CLOSED)
        .group_by(Invoice.currency)
        .order_by(Invoice.currency)
    ).all()
    return Reach(
        customers=customers,
        suspended=suspended,
        clusters=[(tag_name, count) for tag_name, count in clusters],
        invoices=sum(count for _currency, count, _gross in invoices),
        amounts={currency: gross for currency, _count, gross in invoices},
        waiting=_waiting(session, ids),
    )


def _waiting(session: Session, ids: SQLColumnExpression[int] | object) -> list[tuple[str, int]]:
    """(run, number of results that it has yet to send) for these customers, the newest first."""
    to_send = (ResultStatus.READY, ResultStatus.DEFERRED)
    rows = session.execute(
        select(Run.name, func.count())
        .join(Result, Result.run_id == Run.id)
        .where(
            Run.status != RunStatus.FINISHED,
            Result.status.in_(to_send),
            Result.customer_id.in_(ids),  # type: ignore[arg-type]
        )
        .group_by(Run.id, Run.name)
        .order_by(Run.id.desc())
        .limit(RUNS_TOLD_MAX)
    )
    return [(name, count) for name, count in rows]


def move(session: Session, viewer: Viewer, conditions: Conditions, cluster: Cluster) -> int:
    """Move these customers to this cluster; returns how many were elsewhere before. What the source says of
    their cluster is remembered."""
    elsewhere = [*conditions, Customer.cluster_id != cluster.id]
    ids = locks.customers(session, elsewhere)
    before = (
        select(Cluster.tag_name)
        .where(Cluster.id == Customer.cluster_id)
        .correlate(Customer)
        .scalar_subquery()
    )
    _remember_cluster(session, ids)
    _note(session, viewer, "change", ids, literal("cluster: ") + before + f" → {cluster.tag_name}")
    _update(session, ids, {"cluster_id": cluster.id})
    return len(ids)


def suspend(session: Session, viewer: Viewer, conditions: Conditions, reason: str) -> int:
    """Suspend these customers; returns how many were not suspended. The reason is kept in the audit trail.
    Raises Refused for one that is no line of text."""
    reason = checks.line(_("The reason"), reason, REASON_MAX, empty=True)
    ids = locks.customers(session, [*conditions, Customer.suspended.is_(False)])
    _note(session, viewer, "suspend", ids, literal(reason))
    _update(session, ids, {"suspended": True})
    return len(ids)


def resume(session: Session, viewer: Viewer, conditions: Conditions) -> int:
    """End the suspension of these customers; returns how many were suspended."""
    ids = locks.customers(session, [*conditions, Customer.suspended.is_(True), Customer.erased_at.is_(None)])
    _note(session, viewer, "resume", ids, literal(""))
    _update(session, ids, {"suspended": False})
    return len(ids)


def _update(session: Session, ids: Sequence[int], values: dict[str, object]) -> None:
    for some in locks.batches(ids):
        session.execute(
            update(Customer).where(locks.among(session, some)).values(values),
            execution_options=UNSYNCHRONIZED,
        )


def _note(
    session: Session, viewer: Viewer, action: str, ids: Sequence[int], detail: ColumnElement[str]
) -> None:
    """An entry in the audit trail for each of these customers."""
    for some in locks.batches(ids):
        code = literal("customer ") + Customer.code
        audit.note_each(session, viewer.name, action, code, detail, locks.among(session, some))


def _remember_cluster(session: Session, ids: Sequence[int]) -> None:
    """Note what the source said of the cluster, where nothing is noted yet (webapp/sources.py)."""
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    value = cast(Customer.cluster_id, Text) if is_sqlite else func.to_jsonb(Customer.cluster_id)
    for some in locks.batches(ids):
        rows = select(
            literal(SourceSubject.CUSTOMER.value), Customer.id, literal("cluster_id"), cast(value, Json)
            if not is_sqlite else value
        ).where(locks.among(session, some))  # fmt: skip
        statement = insert_into(session, SourceValue).from_select(
            ["subject", "subject_id", "field", "value"], rows
        )
        session.execute(statement.on_conflict_do_nothing())
