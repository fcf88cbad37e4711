"""The results of a run that a person selected to change: which they are, whether they may be changed, and the
outcome."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp import audit
from webapp.access import Viewer, visible_to
from webapp.errors import Refused
from webapp.lifecycle import runs
from webapp.lifecycle.results import TRANSITION_BATCH, LockedResult, lock_results
from webapp.results.filters import matching
from webapp.store.dialects import id_in
from webapp.store.runs import Result, Run
from webapp.store.statuses import ResultStatus, RunStatus
from webapp.translation import N_, _

AUDITED_IDS_MAX = 200
NAMED = "; results "
"""What the audit writes before the ids of the changed results, if there are few enough to list."""
CHANGED_SINCE = N_("changed meanwhile: check the new status")


@dataclass(frozen=True)
class BulkSelection:
    """Results of one run: these ids or, without ids, everything that the filter matches when the change is
    made.

    `as_of`: when the person saw the results; their decision does not cover what has changed since.
    `may_come_twice`: how many customers may have the mail already, as the person was told."""

    run_id: int
    result_ids: tuple[int, ...] | None = None
    status: str = ""
    reason: str = ""
    search: str = ""
    as_of: datetime | None = None
    may_come_twice: int | None = None


@dataclass(frozen=True)
class BulkOutcome:
    """How many results were changed, their ids (at most 1,000, for Undo), and how many were not changed, by
    the reason in words, which is translated where it is shown. `awaits_approval`: the run now waits for a
    second person, so nothing goes out yet."""

    changed: int
    unchanged: dict[str, int]
    ids: tuple[int, ...] = ()
    awaits_approval: bool = False


def open_run(session: Session, selection: BulkSelection, viewer: Viewer) -> Run:
    """The run of these results, locked for a change. Raises Refused if it cannot be changed, or not yet."""
    run = runs.lock_for_change(session, selection.run_id, viewer)
    if run.status == RunStatus.CREATING:
        raise Refused(_("The list of this run is still being created. Wait until that is done."))
    return run


def conditions(selection: BulkSelection, viewer: Viewer, status: str = "") -> list[Any]:
    """The conditions on Result for what was selected and is visible to this person. `status` applies if the
    filter names none."""
    seen = visible_to(viewer, Result)
    if selection.result_ids is None:
        return [
            *matching(selection.run_id, selection.status or status, selection.reason, selection.search),
            seen,
        ]
    return [Result.run_id == selection.run_id, Result.id.in_(selection.result_ids), seen]


def lock_selected(session: Session, selection: BulkSelection, viewer: Viewer) -> list[LockedResult]:
    """Lock the selected results and return their present state."""
    return lock_results(session, *conditions(selection, viewer))


def partition(
    rows: Iterable[LockedResult], refused: dict[ResultStatus, str]
) -> tuple[list[LockedResult], Counter[str]]:
    """The rows that may be changed, and how many may not, by reason."""
    fit, unchanged = [], Counter[str]()
    for row in rows:
        if row.status in refused:
            unchanged[refused[row.status]] += 1
        else:
            fit.append(row)
    return fit, unchanged


def unchanged_since_seen(
    session: Session, selection: BulkSelection, rows: Sequence[LockedResult], unchanged: Counter[str]
) -> list[LockedResult]:
    """Those of the rows that are still as the person saw them. Counts the others in `unchanged`."""
    if selection.as_of is None:
        return list(rows)
    later = dict(load_column(session, rows, Result.changed_at > selection.as_of))
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
    """Write to the audit who changed these rows and their former statuses, and return the outcome."""
    if rows:
        before = Counter(row.status for row in rows)
        detail = ", ".join(f"{n} {status}" for status, n in sorted(before.items()))
        if len(rows) <= AUDITED_IDS_MAX:
            detail += NAMED + ", ".join(str(row.id) for row in rows)
        audit.audit(session, viewer.name, action, run, detail)
    ids = tuple(row.id for row in rows[:1_000])
    return BulkOutcome(len(rows), dict(unchanged), ids, run.awaits_approval)
