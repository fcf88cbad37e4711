"""A page of the list: its numbers, and the first rows of each cause."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from webapp.access import Viewer, whole_to
from webapp.fixing import open_results
from webapp.fixing.fix_row import FixRow
from webapp.fixing.open_results import Scope
from webapp.fixing.rows import rows_of
from webapp.mailservers.backoff import waiting_sentence
from webapp.results import to_fix
from webapp.results.to_fix import OF_RESULTS, SKIPPED_FOR, OpenCause
from webapp.store.counts import RunCount
from webapp.store.runs import Run
from webapp.store.statuses import ResultStatus

SECTION_CUSTOMERS = 10
"""Customers of each cause on the page of all causes."""
PAGE_CUSTOMERS = 50
RUNS_OFFERED_MAX = 100


@dataclass(frozen=True)
class Section:
    """The rows of a cause, and how many customers there are with it. `next`: behind which result the next
    page begins; 0 if there is none."""

    cause: OpenCause
    n: int
    shown: int
    rows: list[FixRow]
    next: int = 0


@dataclass(frozen=True)
class WaitingRun:
    """A run that waits for its mail server, and for what."""

    run: Run
    words: str


@dataclass(frozen=True)
class Worklist:
    """The page."""

    counts: dict[OpenCause, int]
    sections: list[Section]
    waiting: list[WaitingRun]

    @property
    def total(self) -> int:
        """The number beside "To fix"."""
        return sum(self.counts.values())


def worklist(session: Session, viewer: Viewer, scope: Scope, cause: OpenCause | None, after: int) -> Worklist:
    """The rows of this cause, or the first of each, oldest first."""
    counts = to_fix.counts(session, viewer, scope.run_id, scope.cluster_id, scope.search)
    wanted = [each for each in OF_RESULTS if counts[each] and cause in (None, each)]
    at_most = SECTION_CUSTOMERS if cause is None else PAGE_CUSTOMERS
    ours = open_results.among(session, viewer, scope) if wanted else []
    sections = []
    for each in wanted:
        found = open_results.customers(session, ours, each, scope, after, at_most + 1)
        sections.append(_section(session, viewer, each, scope, counts[each], found, at_most))
    waits = waiting(session, viewer, scope, cause) if counts[OpenCause.WAITING] else []
    return Worklist(counts, sections, waits)


def waiting(session: Session, viewer: Viewer, scope: Scope, cause: OpenCause | None) -> list[WaitingRun]:
    """The runs that wait, unless the list is narrowed to customers or to another cause."""
    if cause not in (None, OpenCause.WAITING) or scope.search or scope.cluster_id is not None:
        return []
    return [
        WaitingRun(run, waiting_sentence(server) or "")
        for run, server in to_fix.waiting_runs(session, viewer, scope.run_id)
    ]


def _section(
    session: Session,
    viewer: Viewer,
    cause: OpenCause,
    scope: Scope,
    n: int,
    found: list[tuple[int, int]],
    at_most: int,
) -> Section:
    shown = found[:at_most]
    rows = rows_of(session, viewer, cause, [customer_id for _, customer_id in shown], scope)
    return Section(cause, n, len(shown), rows, shown[-1][0] if len(found) > at_most else 0)


def runs_offered(session: Session, viewer: Viewer) -> list[tuple[int, str]]:
    """(id, name) of the runs, oldest first, that something is open in; of those that the person sees
    whole, whose counts are stored."""
    statuses = (ResultStatus.FAILED, ResultStatus.BOUNCED, ResultStatus.UNCONFIRMED)
    is_open = or_(RunCount.status.in_(statuses), RunCount.reason.in_(SKIPPED_FOR.values()))
    having = select(RunCount.run_id).where(is_open).group_by(RunCount.run_id).having(func.sum(RunCount.n) > 0)
    rows = session.execute(
        select(Run.id, Run.name)
        .where(whole_to(viewer), Run.archived_at.is_(None), Run.id.in_(having))
        .order_by(Run.id)
        .limit(RUNS_OFFERED_MAX)
    )
    return [(id, name) for id, name in rows]
