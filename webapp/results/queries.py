"""The read side of results: a page of the table, the rows on screen, and the counts."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Select, bindparam, case, false, func, select
from sqlalchemy.orm import Session

from webapp import keyset
from webapp.access import Viewer, visible_to
from webapp.keyset import Edge, Page
from webapp.lifecycle.counts import counts
from webapp.results import filters
from webapp.results import rows as results_rows
from webapp.results.orders import cursor, in_order, order_named, ordered
from webapp.results.rows import ResultRow
from webapp.store.runs import Reservation, Result, ResultInvoice, Run
from webapp.store.statuses import NEEDS_CONFIRMATION, ResultStatus


@dataclass(frozen=True)
class Filter:
    """Which results the page of a run shows."""

    status: str = ""
    reason: str = ""
    search: str = ""
    order: str = ""

    @property
    def narrows(self) -> bool:
        return bool(self.status or self.reason or self.search)


SORTED_IN_MEMORY_MAX = 20_000
"""Up to this many rows are looked up and sorted faster than an index is walked."""


def results(
    session: Session, viewer: Viewer, run: Run, chosen: Filter, edge: Edge | None, matching: int | None
) -> tuple[Page[ResultRow], int]:
    """A page of the run's results, and how many match. Pass `matching` if the count is known.

    The ids are found first, and everything else is then looked up for these 50 rows only. Raises ValueError
    for a status, reason or edge that does not exist."""
    query = select(Result.id).where(visible_to(viewer, Result), *_conditions(run.id, chosen))
    if matching == 0:
        ids: list[int] = []
    elif matching is None:
        ids, matching = _found_and_counted(session, query, chosen.order, edge)
    else:
        query = in_order(query, chosen.order, edge, few=matching < SORTED_IN_MEMORY_MAX)
        ids = list(session.scalars(query.limit(keyset.PAGE_SIZE + 1)))
    found = {
        row[0].id: ResultRow(*row)
        for row in session.execute(results_rows.rows_query(viewer).where(Result.id.in_(ids)))
    }
    page = [found[id] for id in ids]
    results_rows.load_details(session, run, page)
    cursors = [cursor(line.result, chosen.order) for line in page]
    return keyset.page(page, edge, cursors, keyset.PAGE_SIZE), matching


def kept_count(session: Session, viewer: Viewer, run_id: int, chosen: Filter) -> int | None:
    """How many results match the filter, from the stored counts; None if these cannot tell. Raises ValueError
    for a status that does not exist."""
    if chosen.search or viewer.clusters:
        return None
    counted = counts(session, run_id)
    if chosen.reason:
        return counted.reasons.get(chosen.reason, 0) if chosen.status in ("", ResultStatus.SKIPPED) else 0
    if chosen.status:
        return counted.by_status[ResultStatus(chosen.status)]
    return counted.total - counted.by_status[ResultStatus.REMOVED]


def _found_and_counted(
    session: Session, query: Select[int], order: str, edge: Edge | None
) -> tuple[list[int], int]:
    """The ids of a page and the number of all rows, in one pass over every row, which a search needs
    anyway."""
    hits = query.add_columns(order_named(order).column.label("by")).cte()
    how_many = select(func.count()).select_from(hits).scalar_subquery()
    rows = session.execute(
        ordered(select(hits.c.id, how_many), hits.c.by, hits.c.id, order, edge).limit(keyset.PAGE_SIZE + 1)
    ).all()
    return [id for id, _ in rows], rows[0][1] if rows else 0


def changed_on_screen(
    session: Session, viewer: Viewer, run: Run, ids: list[int], since: datetime | None
) -> list[ResultRow]:
    """Those of these results that belong to the run and have changed since that moment."""
    on_screen: BindParameter[Any] = bindparam("on_screen", ids, expanding=True, literal_execute=True)
    query = results_rows.rows_query(viewer).where(Result.run_id == run.id, Result.id.in_(on_screen))
    if since:
        query = query.where(Result.changed_at >= since)
    return [ResultRow(*row) for row in session.execute(query)]


def statuses_of(
    session: Session, viewer: Viewer, conditions: list[ColumnElement[bool]], *, as_they_are: bool = False
) -> dict[ResultStatus, int]:
    """How many of the results under these conditions have each status. Results that went only to the redirect
    address count as ready, since no customer has them, unless `as_they_are`."""
    harmless = false() if as_they_are else filters.only_rehearsed()
    each = select(Result.status, harmless.label("harmless")).where(visible_to(viewer, Result), *conditions)
    hits = each.subquery()
    kinds = (hits.c.status, hits.c.harmless)
    rows = session.execute(select(*kinds, func.count()).group_by(*kinds))
    found: dict[ResultStatus, int] = defaultdict(int)
    for status, is_harmless, n in rows:
        found[
            ResultStatus.READY if is_harmless and status in NEEDS_CONFIRMATION else ResultStatus(status)
        ] += n
    return dict(found)


def asked_about(
    session: Session, viewer: Viewer, run: Run, conditions: list[ColumnElement[bool]]
) -> tuple[int, datetime | None]:
    """For the results under these conditions: how many customers may get a mail twice if they are sent again,
    and when the last of the results changed or the last mail of one of their invoices went out. What goes
    out between the two queries is counted."""
    ours = (visible_to(viewer, Result), *conditions)
    mailed_at = session.scalar(
        select(func.max(Reservation.taken_at))
        .select_from(Result)
        .join(ResultInvoice, ResultInvoice.result_id == Result.id)
        .join(Reservation, Reservation.invoice_id == ResultInvoice.invoice_id)
        .where(*ours, Reservation.definition_id == run.definition_id)
    )
    twice = func.count(case((filters.may_come_twice(run.definition_id), 1)))
    n, changed_at = session.execute(select(twice, func.max(Result.changed_at)).where(*ours)).one()
    return n, max((moment for moment in (changed_at, mailed_at) if moment), default=None)


def last_change(session: Session, viewer: Viewer, conditions: list[ColumnElement[bool]]) -> datetime | None:
    """When the last of the results under these conditions changed."""
    return session.scalar(select(func.max(Result.changed_at)).where(visible_to(viewer, Result), *conditions))


def _conditions(run_id: int, chosen: Filter) -> list[ColumnElement[bool]]:
    return filters.matching(run_id, chosen.status, chosen.reason, chosen.search)
