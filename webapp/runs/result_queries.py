"""The read side of results: a page of the table, the rows that are on screen, one result with all that
happened to it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from webapp.runs import filters, lines
from webapp.runs.lines import Line
from webapp.store import keyset
from webapp.store.customers import Customer
from webapp.store.keyset import Edge, Page
from webapp.store.runs import Attempt, Result, Run
from webapp.store.statuses import ResultStatus
from webapp.users.access import Viewer, visible_to

S = ResultStatus
ORDERS = {"": "Order taken", "customer": "Customer", "changed": "Last change"}


@dataclass(frozen=True)
class Filter:
    """What the page of a run shows of its results."""

    status: str = ""
    reason: str = ""
    search: str = ""
    order: str = ""

    @property
    def narrows(self) -> bool:
        return bool(self.status or self.reason or self.search)


def results(session: Session, viewer: Viewer, run: Run, chosen: Filter, edge: Edge | None) -> Page[Line]:
    """A page of the run's results. Raises ValueError for a status, reason or edge that cannot be."""
    query = lines.rows(viewer).where(*_conditions(run.id, chosen))
    query = _in_order(query, chosen.order, edge).limit(keyset.SIZE + 1)
    found = [Line(*row) for row in session.execute(query)]
    lines.fill(session, run, found[: keyset.SIZE + 1])
    return keyset.page(found, edge, [_cursor(line, chosen.order) for line in found])


def how_many(session: Session, viewer: Viewer, run_id: int, chosen: Filter) -> int:
    """How many results match the filter. Counts them one by one: ask only when the kept counts do not say."""
    query = select(func.count()).select_from(Result).where(visible_to(viewer, Result))
    return session.scalar(query.where(*_conditions(run_id, chosen))) or 0


def on_screen(session: Session, viewer: Viewer, run: Run, ids: list[int]) -> list[Result]:
    """Those of these results that belong to the run."""
    return list(
        session.scalars(
            select(Result).where(Result.run_id == run.id, Result.id.in_(ids), visible_to(viewer, Result))
        )
    )


def statuses_of(
    session: Session, viewer: Viewer, conditions: list[ColumnElement[bool]]
) -> dict[ResultStatus, int]:
    """How many of the results under these conditions are in each status that there is; those that went to
    the redirect address only count as ready, since no customer has them."""
    rows = session.execute(
        select(Result.status, Result.redirected, func.count())
        .where(visible_to(viewer, Result), *conditions)
        .group_by(Result.status, Result.redirected)
    )
    found: dict[ResultStatus, int] = defaultdict(int)
    for status, redirected, n in rows:
        found[S.READY if redirected and status == S.SENT else S(status)] += n
    return dict(found)


def result(session: Session, viewer: Viewer, result_id: int) -> tuple[Run, Line, list[Attempt]] | None:
    """One result with its run and its attempts, the last one first; None if there is none to be seen."""
    row = session.execute(lines.rows(viewer).where(Result.id == result_id)).first()
    if row is None:
        return None
    line = Line(*row)
    run = session.scalar(select(Run).where(Run.id == line.result.run_id, visible_to(viewer, Run)))
    if run is None:
        return None
    lines.fill(session, run, [line])
    attempts = session.scalars(
        select(Attempt)
        .where(Attempt.result_id == result_id)
        .order_by(Attempt.number.desc(), Attempt.id.desc())
    )
    return run, line, list(attempts)


def _conditions(run_id: int, chosen: Filter) -> list[ColumnElement[bool]]:
    return filters.matching(run_id, chosen.status, chosen.reason, chosen.search)


def _in_order(
    query: Select[Result, str, str, str], order: str, edge: Edge | None
) -> Select[Result, str, str, str]:
    if order == "customer":
        if edge:
            query = query.where(keyset.beyond(edge, Result.id, Customer.name, edge.value))
        return query.order_by(*keyset.order(edge, Customer.name, Result.id))
    if order == "changed":
        if edge:
            at = _instant(edge.value)
            query = query.where(keyset.beyond(edge, Result.id, Result.changed_at, at, descending=True))
        return query.order_by(*keyset.order(edge, Result.changed_at, Result.id, descending=True))
    if edge:
        query = query.where(keyset.beyond(edge, Result.id))
    return query.order_by(*keyset.order(edge, Result.id))


def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"no time zone: {text}")
    return at


def _cursor(line: Line, order: str) -> str:
    value = {"customer": line.name, "changed": line.result.changed_at.isoformat()}.get(order, "")
    return keyset.cursor(line.result.id, value)
