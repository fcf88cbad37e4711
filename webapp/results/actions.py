"""What a person can do with results besides sending them (resend.py): remove, put back, mark as sent or
bounced. Each works on one result, on the ticked ones, or on everything that a filter matches.

Each takes the run's lock, changes what can be changed, and counts the results that it could not change, by
the reason in words."""

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
from webapp.results.labels import NOT_REMOVED, status_words
from webapp.results.splitting import recheck_all
from webapp.store.runs import Result
from webapp.store.statuses import ResultStatus
from webapp.store.types import now
from webapp.translation import N_, _

CHECKED_AGAIN = (ResultStatus.READY, ResultStatus.DEFERRED, ResultStatus.SKIPPED)
"""What had this status before it was removed may be sent once it is put back."""
NOT_REMOVED_YET = N_("not removed")


def remove(session: Session, selection: BulkSelection, viewer: Viewer) -> BulkOutcome:
    """Remove results from the run; they are kept for the record. A mail that went out, or is being handed
    over, cannot be removed. Raises Refused."""
    run = open_run(session, selection, viewer)
    rows, unchanged = partition(lock_selected(session, selection, viewer), NOT_REMOVED)
    rows = unchanged_since_seen(session, selection, rows, unchanged)
    values = {**RELEASE_CLAIM, "removed_from": Result.status, "reason": Result.reason}
    transition(session, run.id, rows, ResultStatus.REMOVED, values=values)
    runs.finish_if_done(session, run.id)
    return audit_and_report(session, viewer, "remove", run, rows, unchanged)


def put_back(session: Session, queue: JobQueue, selection: BulkSelection, viewer: Viewer) -> BulkOutcome:
    """Give removed results the status they had. What was `ready`, `deferred` or `skipped` is checked again.

    Raises Refused.
    """
    run = open_run(session, selection, viewer)
    removed = lock_results(
        session, Result.status == ResultStatus.REMOVED, *conditions(selection, viewer, ResultStatus.REMOVED)
    )
    others = len(selection.result_ids or removed) - len(removed)
    unchanged = Counter({NOT_REMOVED_YET: others} if others > 0 else {})
    rows = unchanged_since_seen(session, selection, removed, unchanged)
    former = dict(load_column(session, rows, Result.removed_from))
    to_check = [row for row in rows if former[row.id] in CHECKED_AGAIN]
    targets: dict[tuple[ResultStatus, str], list[LockedResult]] = defaultdict(list)
    for row, reason in recheck_all(session, to_check, None):
        if reason:
            targets[ResultStatus.SKIPPED, reason].append(row)
        else:
            was_skipped = former[row.id] == ResultStatus.SKIPPED
            targets[ResultStatus.READY if was_skipped else ResultStatus(former[row.id]), ""].append(row)
    for row in rows:
        if former[row.id] not in CHECKED_AGAIN:
            targets[ResultStatus(former[row.id]), ""].append(row)
    for (status, reason), group in targets.items():
        transition(session, run.id, group, status, reason=reason, values={"removed_from": ""})
    if runs.has_outstanding(session, run.id):
        runs.resume_for_new_work(session, queue, run, viewer)
    return audit_and_report(session, viewer, "put back", run, rows, unchanged)


def confirm_sent(session: Session, selection: BulkSelection, viewer: Viewer) -> BulkOutcome:
    """A person knows that it arrived: `unconfirmed` becomes `sent`, without a mail server's reply. Raises
    Refused."""
    detail = N_("marked as sent by %(name)s") % {"name": viewer.name}
    values = {**RELEASE_CLAIM, "sent_at": now(), "detail": detail, "smtp_reply": ""}  # of an earlier attempt
    return _decide(
        session, selection, viewer, "confirm sent", ResultStatus.UNCONFIRMED, ResultStatus.SENT, values
    )


def mark_bounced(session: Session, selection: BulkSelection, viewer: Viewer) -> BulkOutcome:
    """A person knows that it came back: `sent` becomes `bounced`. Raises Refused."""
    values = {"detail": N_("marked as bounced by %(name)s") % {"name": viewer.name}}
    return _decide(
        session, selection, viewer, "mark bounced", ResultStatus.SENT, ResultStatus.BOUNCED, values
    )


def _decide(
    session: Session,
    selection: BulkSelection,
    viewer: Viewer,
    action: str,
    old: ResultStatus,
    new: ResultStatus,
    values: dict[str, Any],
) -> BulkOutcome:
    run = open_run(session, selection, viewer)
    refused = {
        status: _("the status is %(now)s, not %(old)s", now=status_words(status), old=status_words(old))
        for status in ResultStatus
        if status != old
    }
    rows, unchanged = partition(lock_selected(session, selection, viewer), refused)
    rows = unchanged_since_seen(session, selection, rows, unchanged)
    transition(session, run.id, rows, new, values=values)
    return audit_and_report(session, viewer, action, run, rows, unchanged)
