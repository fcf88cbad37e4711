"""Which invoices a run includes. The preview, the run, every claim and every Send again use these queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import (
    ColumnElement,
    Select,
    bindparam,
    exists,
    func,
    literal,
    not_,
    or_,
    select,
)
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import SQLColumnExpression

from webapp.access import below
from webapp.periods import within
from webapp.remembered import once
from webapp.selection.eligibility import Requirements, requirements_of, skip_reason
from webapp.store.customers import Customer
from webapp.store.definitions import Content
from webapp.store.invoices import Invoice, TransformationResult
from webapp.store.runs import ChosenInvoice, Run


@dataclass(frozen=True)
class Selection:
    """What a person chooses in the run dialog. Without `invoice_ids`, all invoices of the set are meant."""

    definition_id: int
    cluster_id: int
    include_children: bool
    period_from: date
    period_to: date
    resend_already_sent: bool = False
    invoice_ids: tuple[int, ...] = ()


def customer_filter(cluster_id: int, include_children: bool, *, many: bool = False) -> ColumnElement[bool]:
    """Whether a Customer belongs to the cluster, or to any below it: once, however many paths lead there.

    With `many`, neither database starts its search with these customers. If they are most of all customers,
    SQLite, which keeps no statistics, is three times as fast when it starts with the period; and PostgreSQL,
    which underestimates the customers of a slice, would scan all the clusters for each of them."""
    belongs = Customer.cluster_id == cluster_id
    if include_children:
        belongs = Customer.cluster_id.in_(below(frozenset({cluster_id})))
    return func.coalesce(belongs, False) if many else belongs  # what a function is given is no way to search


def planned_customer_filter(session: Session, choice: Selection) -> ColumnElement[bool]:
    """The same for a selection, in the form that both databases plan best: few clusters by their ids, whose
    number of customers is known to the statistics; clusters with a fifth of all customers or more as
    `many`."""
    what = ("customers of", choice.cluster_id, choice.include_children)
    clusters = once(session, what, lambda: _few_clusters(session, choice))
    if clusters is None:
        return customer_filter(choice.cluster_id, choice.include_children, many=True)
    return Customer.cluster_id.in_(bindparam(None, clusters, expanding=True, literal_execute=True))


def _few_clusters(session: Session, choice: Selection) -> Sequence[int] | None:
    """The ids of the clusters; None if they have a fifth of all customers or more."""
    if is_large_share(session, choice.cluster_id, choice.include_children):
        return None
    if not choice.include_children:
        return [choice.cluster_id]
    return session.scalars(below(frozenset({choice.cluster_id}))).all()


def is_large_share(session: Session, cluster_id: int, include_children: bool) -> bool:
    """Whether these are a fifth of all customers or more."""
    chosen = select(func.count()).where(customer_filter(cluster_id, include_children)).scalar_subquery()
    more = select(Customer.id).limit(1).offset(5 * chosen)  # looks at no more than it must
    return not session.scalar(select(exists(more)))


def copy_to_send(choice: Selection) -> SQLColumnExpression[int] | None:
    """The copy that must not be reserved yet: the first; None if sent invoices are sent again."""
    return None if choice.resend_already_sent else literal(1)


def invoices_matching(
    choice: Selection,
    requirements: Requirements,
    *conditions: ColumnElement[bool],
    customers: ColumnElement[bool] | None = None,
) -> Select[int, int, str]:
    """(invoice id, customer id, skip reason or empty) of every invoice that the selection includes.
    `customers`: the result of `planned_customer_filter`."""
    if customers is None:
        customers = customer_filter(choice.cluster_id, choice.include_children)
    return (
        select(
            Invoice.id.label("invoice_id"),
            Invoice.customer_id.label("customer_id"),
            skip_reason(requirements, copy_to_send(choice)).label("reason"),
        )
        .join(Customer, Customer.id == Invoice.customer_id)
        .where(
            customers,
            within(choice.period_from, choice.period_to),
            *conditions,
        )
    )


def invoices_of_run(run: Run, requirements: Requirements, *, many: bool) -> Select[int, int, str]:
    """The same for a run: bounded by the highest invoice id at Create, narrowed to its chosen invoices if it
    has any. `many`: see `customer_filter`."""
    chosen = select(ChosenInvoice.invoice_id).where(ChosenInvoice.run_id == run.id)
    return invoices_matching(
        selection_of(run),
        requirements,
        Invoice.id <= run.highest_invoice_id,
        or_(not_(exists().where(ChosenInvoice.run_id == run.id)), Invoice.id.in_(chosen)),
        customers=customer_filter(run.cluster_id, run.include_children, many=many),
    )


def attached_documents(run: Run, content: Content) -> tuple[ColumnElement[bool], ...]:
    """Which TransformationResults a run with this version of its definition would attach, whether sendable or
    not."""
    rows = invoices_of_run(run, requirements_of(run.definition_id, content), many=False).subquery()
    return (
        (TransformationResult.transformation_id + 0).in_(content["transformations"]),
        TransformationResult.invoice_id.in_(select(rows.c.invoice_id)),
    )


def selection_of(run: Run) -> Selection:
    """What was chosen when the run was created (without the chosen invoices, which are rows of their own)."""
    return Selection(
        definition_id=run.definition_id,
        cluster_id=run.cluster_id,
        include_children=run.include_children,
        period_from=run.period_from,
        period_to=run.period_to,
        resend_already_sent=run.resend_already_sent,
    )
