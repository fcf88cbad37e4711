"""What a person does with results besides sending them (resend.py): remove, put back, mark as sent or
bounced. On one row, on the selected rows, or on everything that a filter matches.

Each takes the run's lock, changes what can be changed, and reports how many could not, with the reason in
words."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

from sqlalchemy.orm import Session

from webapp.access import Viewer
from webapp.lifecycle import runs
from webapp.lifecycle.results import RELEASE_CLAIM, LockedResult, lock_results, transition
from webapp.queue import JobQueue
from webapp.results.bulk import (
    BulkOutcome,
    BulkSelection,
    audit_and_report,
    conditions,
    load_column,
    lock_selected,
    open_run,
    partition,
    unchanged_since_seen,
)
from webapp.results.splitting import recheck_all
from webapp.store.runs import Result
from webapp.store.statuses import ResultStatus
from webapp.store.types import now


def remove(session: Session, chosen: BulkSelection, viewer: Viewer) -> BulkOutcome:
    """Remove results from the run; they stay on record. What is on the wire cannot be removed. Raises
    Refused."""
    run = open_run(session, chosen, viewer)
    rows, unchanged = partition(
        lock_selected(session, chosen, viewer),
        {ResultStatus.SENDING: "on the wire right now", ResultStatus.REMOVED: "already removed"},
    )
    rows = unchanged_since_seen(session, chosen, rows, unchanged)
    values = {**RELEASE_CLAIM, "removed_from": Result.status, "reason": Result.reason}
    transition(session, run.id, rows, ResultStatus.REMOVED, values=values)
    runs.finish_if_done(session, run.id)
    return audit_and_report(session, viewer, "remove", run, rows, unchanged)


def put_back(session: Session, queue: JobQueue, chosen: BulkSelection, viewer: Viewer) -> BulkOutcome:
    """Restore removed results to the status they had. `ready`, `deferred` and `skipped` are re-checked.

    Raises Refused."""
    run = open_run(session, chosen, viewer)
    found = lock_results(
        session, Result.status == ResultStatus.REMOVED, *conditions(chosen, viewer, ResultStatus.REMOVED)
    )
    asked = len(chosen.result_ids or found)
    unchanged = Counter({"not removed": asked - len(found)} if asked > len(found) else {})
    held = unchanged_since_seen(session, chosen, found, unchanged)
    had = dict(load_column(session, held, Result.removed_from))
    back: dict[tuple[ResultStatus, str], list[LockedResult]] = defaultdict(list)
    to_recheck = [
        row
        for row in held
        if had[row.id] in (ResultStatus.READY, ResultStatus.DEFERRED, ResultStatus.SKIPPED)
    ]
    for row, reason in recheck_all(session, to_recheck, None):
        was = ResultStatus.READY if had[row.id] == ResultStatus.SKIPPED else ResultStatus(had[row.id])
        back[(ResultStatus.SKIPPED, reason) if reason else (was, "")].append(row)
    for row in held:
        if had[row.id] not in (ResultStatus.READY, ResultStatus.DEFERRED, ResultStatus.SKIPPED):
            back[ResultStatus(had[row.id]), ""].append(row)
    for (status, reason), rows in back.items():
        transition(session, run.id, rows, status, reason=reason, values={"removed_from": ""})
    if runs.has_outstanding(session, run.id):
        runs.resume_for_new_work(session, queue, run, viewer.name)
    return audit_and_report(session, viewer, "put back", run, held, unchanged)


def confirm_sent(session: Session, chosen: BulkSelection, viewer: Viewer) -> BulkOutcome:
    """A person knows that it arrived: `unconfirmed` becomes `sent`, without a mail server's reply. Raises
    Refused."""
    detail = f"marked as sent by {viewer.name}"
    values = {**RELEASE_CLAIM, "sent_at": now(), "detail": detail, "smtp_reply": ""}  # of an earlier attempt
    return _decide(
        session, chosen, viewer, "confirm sent", ResultStatus.UNCONFIRMED, ResultStatus.SENT, values
    )


def mark_bounced(session: Session, chosen: BulkSelection, viewer: Viewer) -> BulkOutcome:
    """A person knows that it came back: `sent` becomes `bounced`. Raises Refused."""
    values = {"detail": f"marked as bounced by {viewer.name}"}
    return _decide(session, chosen, viewer, "mark bounced", ResultStatus.SENT, ResultStatus.BOUNCED, values)


def _decide(
    session: Session,
    chosen: BulkSelection,
    viewer: Viewer,
    action: str,
    old: ResultStatus,
    new: ResultStatus,
    values: dict[str, Any],
) -> BulkOutcome:
    run = open_run(session, chosen, viewer)
    refused = {status: f"the status is {status}, not {old}" for status in ResultStatus if status != old}
    rows, unchanged = partition(lock_selected(session, chosen, viewer), refused)
    rows = unchanged_since_seen(session, chosen, rows, unchanged)
    transition(session, run.id, rows, new, values=values)
    return audit_and_report(session, viewer, action, run, rows, unchanged)
