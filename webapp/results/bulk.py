"""The results of a run that a person chose to change: which these are, whether they may be changed, and what
became of them."""

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
from webapp.lifecycle.results import CHUNK, Held, hold
from webapp.results.filters import matching
from webapp.store.id_lists import among
from webapp.store.runs import Result, Run
from webapp.store.statuses import ResultStatus, RunStatus
from webapp.store.users import AuditEntry

MOST_NAMED = 200
NAMED = "; results "
"""What the audit says before the ids of the results that were changed, where these are not too many."""
CHANGED_SINCE = "changed meanwhile: look at what became of it"


@dataclass(frozen=True)
class Chosen:
    """Results of one run: these ids, or, without any, everything that the filter matches at the time.

    `as_of`: a person saw them as they were then, and decided about that: what has changed since stays as it
    is. So many of them, they were told, customers may have already (`may_come_twice`)."""

    run_id: int
    result_ids: tuple[int, ...] | None = None
    status: str = ""
    reason: str = ""
    search: str = ""
    as_of: datetime | None = None
    may_come_twice: int | None = None


@dataclass(frozen=True)
class Done:
    """How many were changed, which (at most 1,000 ids, for Undo), and how many were not, by the reason in
    words."""

    changed: int
    unchanged: dict[str, int]
    ids: tuple[int, ...] = ()


def open_run(session: Session, chosen: Chosen, viewer: Viewer) -> Run:
    """The run of these results, locked for a change. Raises Refused if it cannot be changed, or not yet."""
    run = runs.changeable(session, chosen.run_id, viewer)
    if run.status == RunStatus.CREATING:
        raise Refused("The list of this run is still being made. Wait until it is whole.")
    return run


def conditions(chosen: Chosen, viewer: Viewer, status: str = "") -> list[Any]:
    """What a Result meets that was chosen and that this person sees. `status` if the filter names none."""
    seen = visible_to(viewer, Result)
    if chosen.result_ids is None:
        return [*matching(chosen.run_id, chosen.status or status, chosen.reason, chosen.search), seen]
    return [Result.run_id == chosen.run_id, Result.id.in_(chosen.result_ids), seen]


def hold_chosen(session: Session, chosen: Chosen, viewer: Viewer) -> list[Held]:
    """Locks the chosen results, and tells how they are."""
    return hold(session, *conditions(chosen, viewer))


def sorted_out(rows: Iterable[Held], refused: dict[ResultStatus, str]) -> tuple[list[Held], Counter[str]]:
    """The rows that may be changed, and how many may not, by the reason."""
    fit, unchanged = [], Counter[str]()
    for row in rows:
        if row.status in refused:
            unchanged[refused[row.status]] += 1
        else:
            fit.append(row)
    return fit, unchanged


def as_seen(session: Session, chosen: Chosen, rows: Sequence[Held], unchanged: Counter[str]) -> list[Held]:
    """Those of the rows that are as the person saw them; how many are not is counted in `unchanged`."""
    if chosen.as_of is None:
        return list(rows)
    later = dict(column_of(session, rows, Result.changed_at > chosen.as_of))
    seen = [row for row in rows if not later[row.id]]
    if len(seen) < len(rows):
        unchanged[CHANGED_SINCE] += len(rows) - len(seen)
    return seen


def column_of(session: Session, rows: Sequence[Held], column: Any) -> Iterable[tuple[int, Any]]:
    """(result id, value of this column) of each row."""
    for start in range(0, len(rows), CHUNK):
        ids = [row.id for row in rows[start : start + CHUNK]]
        yield from session.execute(select(Result.id, column).where(among(session, Result.id, ids)))


def conclude(
    session: Session, viewer: Viewer, action: str, run: Run, rows: Sequence[Held], unchanged: Counter[str]
) -> Done:
    """Notes who changed these rows, as they were before, and tells what was done."""
    if rows:
        before = Counter(row.status for row in rows)
        detail = ", ".join(f"{n} {status}" for status, n in sorted(before.items()))
        if len(rows) <= MOST_NAMED:
            detail += NAMED + ", ".join(str(row.id) for row in rows)
        session.add(AuditEntry(actor=viewer.name, action=action, subject=f"run {run.id}", detail=detail))
    return Done(len(rows), dict(unchanged), tuple(row.id for row in rows[:1_000]))
