"""The results of a run that a person selected to change: which these are, whether they may be changed, and
the outcome."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.access import Viewer, visible_to
from webapp.errors import Refused
from webapp.lifecycle import runs
from webapp.lifecycle.results import TRANSITION_BATCH, LockedResult, lock_results
from webapp.results.filters import matching
from webapp.store.id_lists import id_in
from webapp.store.runs import Result, Run
from webapp.store.statuses import ResultStatus, RunStatus
from webapp.store.users import AuditEntry

AUDITED_IDS_MAX = 200
NAMED = "; results "
"""What the audit entry says before the ids of the changed results, unless these are too many."""
CHANGED_SINCE = "changed meanwhile: look at what became of it"


@dataclass(frozen=True)
class BulkSelection:
    """Results of one run: these ids or, without any, everything that the filter matches at the time.

    `as_of`: the person saw the results as they were then, and decided about that; what has changed since
    stays as it is. `may_come_twice` is the number of customers who, as the question said, may already have
    the mail."""

    run_id: int
    result_ids: tuple[int, ...] | None = None
    status: str = ""
    reason: str = ""
    search: str = ""
    as_of: datetime | None = None
    may_come_twice: int | None = None


@dataclass(frozen=True)
class BulkOutcome:
    """How many were changed, which (at most 1,000 ids, for Undo), and how many were not, by the reason in
    words."""

    changed: int
    unchanged: dict[str, int]
    ids: tuple[int, ...] = ()


def open_run(session: Session, chosen: BulkSelection, viewer: Viewer) -> Run:
    """The run of these results, locked for a change. Raises Refused if it cannot be changed, or not yet."""
    run = runs.lock_for_change(session, chosen.run_id, viewer)
    if run.status == RunStatus.CREATING:
        raise Refused("The list of this run is still being created. Wait until that is done.")
    return run


def conditions(chosen: BulkSelection, viewer: Viewer, status: str = "") -> list[Any]:
    """The conditions on Result for what was selected and this person may see. `status` applies if the filter
    names none."""
    seen = visible_to(viewer, Result)
    if chosen.result_ids is None:
        return [*matching(chosen.run_id, chosen.status or status, chosen.reason, chosen.search), seen]
    return [Result.run_id == chosen.run_id, Result.id.in_(chosen.result_ids), seen]


def lock_selected(session: Session, chosen: BulkSelection, viewer: Viewer) -> list[LockedResult]:
    """Lock the selected results, and return them as they are."""
    return lock_results(session, *conditions(chosen, viewer))


def partition(
    rows: Iterable[LockedResult], refused: dict[ResultStatus, str]
) -> tuple[list[LockedResult], Counter[str]]:
    """The rows that may be changed, and the number that may not, by the reason."""
    fit, unchanged = [], Counter[str]()
    for row in rows:
        if row.status in refused:
            unchanged[refused[row.status]] += 1
        else:
            fit.append(row)
    return fit, unchanged


def unchanged_since_seen(
    session: Session, chosen: BulkSelection, rows: Sequence[LockedResult], unchanged: Counter[str]
) -> list[LockedResult]:
    """The rows that are as the person saw them; the others are counted in `unchanged`."""
    if chosen.as_of is None:
        return list(rows)
    later = dict(load_column(session, rows, Result.changed_at > chosen.as_of))
    seen = [row for row in rows if not later[row.id]]
    if len(seen) < len(rows):
        unchanged[CHANGED_SINCE] += len(rows) - len(seen)
    return seen


def load_column(session: Session, rows: Sequence[LockedResult], column: Any) -> Iterable[tuple[int, Any]]:
    """(result id, value of this column) of each row."""
    for start in range(0, len(rows), TRANSITION_BATCH):
        ids = [row.id for row in rows[start : start + TRANSITION_BATCH]]
        yield from session.execute(select(Result.id, column).where(id_in(session, Result.id, ids)))


def audit_and_report(
    session: Session,
    viewer: Viewer,
    action: str,
    run: Run,
    rows: Sequence[LockedResult],
    unchanged: Counter[str],
) -> BulkOutcome:
    """Record who changed these rows, as they were before, and report what was done."""
    if rows:
        before = Counter(row.status for row in rows)
        detail = ", ".join(f"{n} {status}" for status, n in sorted(before.items()))
        if len(rows) <= AUDITED_IDS_MAX:
            detail += NAMED + ", ".join(str(row.id) for row in rows)
        session.add(AuditEntry(actor=viewer.name, action=action, subject=f"run {run.id}", detail=detail))
    return BulkOutcome(len(rows), dict(unchanged), tuple(row.id for row in rows[:1_000]))
