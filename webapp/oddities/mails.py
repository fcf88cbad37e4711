"""The mails that oddities are looked for in: those that a run would send if it were created now, or those
that are in a run. Both are the same query to all that comes after."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import CTE, Select, and_, select
from sqlalchemy.orm import Session

from webapp.access import Viewer, seen_by, visible_to
from webapp.selection.eligibility import requirements_of
from webapp.selection.invoices import Selection, invoices_matching, planned_customer_filter
from webapp.store.definitions import Content
from webapp.store.invoices import Invoice
from webapp.store.runs import ChosenInvoice, Result, ResultInvoice, Run
from webapp.store.statuses import ResultStatus

STAYS = (ResultStatus.SKIPPED, ResultStatus.REMOVED)
"""A result in one of these sends nothing."""


@dataclass(frozen=True)
class Mails:
    """The invoices of a run, or of one to come, that `viewer` may see: `taken` has (invoice_id, customer_id,
    currency, gross, period_start, goes), where `goes` is false for what is skipped. It is found once for
    all that asks for it: a database that merges it into a query searches again and again. `run_id`: 0 for
    one to come. `is_whole`: it takes all of its cluster and period, not only selected invoices."""

    viewer: Viewer
    taken: CTE
    definition_id: int
    cluster_id: int
    include_children: bool
    period: tuple[date, date]
    recipient_key_id: int
    transformations: tuple[int, ...]
    is_whole: bool
    run_id: int = 0

    @property
    def going(self) -> CTE:
        """Those that go out, or have gone."""
        taken = self.taken.c
        columns = (taken.invoice_id, taken.customer_id, taken.currency, taken.gross, taken.period_start)
        return select(*columns).where(taken.goes).cte("going").prefix_with("MATERIALIZED")


def planned(session: Session, viewer: Viewer, selection: Selection, content: Content) -> Mails:
    """What a run created now would send."""
    requirements = requirements_of(selection.definition_id, content)
    conditions = [seen_by(viewer)]
    if selection.invoice_ids:
        conditions.append(Invoice.id.in_(selection.invoice_ids))
    rows = invoices_matching(
        selection, requirements, *conditions, customers=planned_customer_filter(session, selection)
    )
    seen = rows.add_columns(*_amounts()).subquery("seen")
    columns = [each for each in seen.c if each.name != "reason"]
    return Mails(
        viewer=viewer,
        taken=select(*columns, (seen.c.reason == "").label("goes")).cte("taken").prefix_with("MATERIALIZED"),
        definition_id=selection.definition_id,
        cluster_id=selection.cluster_id,
        include_children=selection.include_children,
        period=(selection.period_from, selection.period_to),
        recipient_key_id=content["recipient_key_id"],
        transformations=tuple(content["transformations"]),
        is_whole=not selection.invoice_ids,
    )


def frozen(session: Session, viewer: Viewer, run: Run) -> Mails:
    """What is in this run, by the version of the definition that it keeps."""
    goes = Result.status.not_in(STAYS).label("goes")
    rows: Select[Any] = (
        select(ResultInvoice.invoice_id, Result.customer_id, *_amounts(), goes)
        .select_from(Result)
        .join(ResultInvoice, and_(ResultInvoice.run_id == run.id, ResultInvoice.result_id == Result.id))
        .join(Invoice, Invoice.id == ResultInvoice.invoice_id)
        .where(Result.run_id == run.id, visible_to(viewer, Result))
    )
    content = run.version.content
    chosen = select(ChosenInvoice.invoice_id).where(ChosenInvoice.run_id == run.id).limit(1)
    return Mails(
        viewer=viewer,
        taken=rows.cte("taken").prefix_with("MATERIALIZED"),
        definition_id=run.definition_id,
        cluster_id=run.cluster_id,
        include_children=run.include_children,
        period=(run.period_from, run.period_to),
        recipient_key_id=content["recipient_key_id"],
        transformations=tuple(content["transformations"]),
        is_whole=session.scalar(chosen) is None,
        run_id=run.id,
    )


def _amounts() -> tuple[Any, ...]:
    return Invoice.currency, Invoice.gross_amount.label("gross"), Invoice.period_start
