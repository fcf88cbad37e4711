"""The position of a result in the list that a person is going through, and the results before and after
it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from webapp import notation
from webapp.access import Viewer, visible_to
from webapp.keyset import Edge
from webapp.results import filters
from webapp.results.orders import cursor, in_order
from webapp.results.queries import Filter, kept_count
from webapp.store.runs import Result, Run
from webapp.translation import _

POSITION_LIST_MAX = 1_000
"""A list that is not longer than this gives the position of the result in it."""


@dataclass(frozen=True)
class ListPosition:
    """`previous` and `next` are ids, None at an end of the list. `position` counts from 1; it is None in a
    long list, and for a result that the filter no longer matches. `total` is None where counting would
    take too long."""

    previous: int | None
    next: int | None
    position: int | None
    total: int | None

    @property
    def words(self) -> str:
        """1 of 3, or of a long list: one of 12,471"""
        if self.position is not None:
            shown = {"done": notation.number(self.position), "to_do": notation.number(self.total or 0)}
            return _("%(done)s of %(to_do)s", **shown)
        return _("one of %(number)s", number=notation.number(self.total)) if self.total else ""


def list_position(session: Session, viewer: Viewer, run: Run, result: Result, chosen: Filter) -> ListPosition:
    """The position of this result among those of its run that the filter matches, in the filter's order.

    A short list is read completely, once. In a long one the neighbours are found from the result on, along
    the index. Raises ValueError for a status or a reason that does not exist."""
    total = kept_count(session, viewer, run.id, chosen)
    within = [
        visible_to(viewer, Result),
        *filters.matching(run.id, chosen.status, chosen.reason, chosen.search),
    ]
    if total is None or total <= POSITION_LIST_MAX:
        ids = _ids(session, within, chosen.order, None, POSITION_LIST_MAX + 1)
        if len(ids) <= POSITION_LIST_MAX:
            if result.id in ids:
                return _in_list(ids, ids.index(result.id))
            total, within = len(ids), [Result.id.in_(ids)]
    value = cursor(result, chosen.order).partition("~")[2]
    previous, following = (
        next(iter(_ids(session, within, chosen.order, Edge(result.id, value, backwards), 1)), None)
        for backwards in (True, False)
    )
    return ListPosition(previous, following, None, total)


def _in_list(ids: list[int], at: int) -> ListPosition:
    following = ids[at + 1] if at + 1 < len(ids) else None
    return ListPosition(ids[at - 1] if at else None, following, at + 1, len(ids))


def _ids(
    session: Session, within: list[ColumnElement[bool]], order: str, edge: Edge | None, most: int
) -> list[int]:
    query = in_order(select(Result.id).where(*within), order, edge, few=edge is None)
    return list(session.scalars(query.limit(most)))
