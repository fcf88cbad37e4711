"""What happens to a run by the clock: it starts by itself, and what is left at its end is skipped."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.access import Viewer
from webapp.audit import audit
from webapp.errors import Refused
from webapp.lifecycle import approvals, run_notices, runs
from webapp.lifecycle.approvals import ApprovalNeeded
from webapp.lifecycle.results import RELEASE_CLAIM, lock_results, transition
from webapp.lifecycle.rights import may_still_send, must_have_the_right
from webapp.lifecycle.sending_window import check_window, is_past, time_words, waits_for_its_time
from webapp.queue import JobQueue
from webapp.store.installation import held
from webapp.store.locks import lock_run
from webapp.store.runs import Result, Run
from webapp.store.statuses import SENDABLE, ResultStatus, RunStatus, SkipReason
from webapp.store.types import now
from webapp.translation import N_, _

MAY_NOT_SEND = N_("The person who created this run may no longer send it. Have a person who may press Start.")
BY_THE_CLOCK = "Mailrun"


@dataclass(frozen=True)
class DueRuns:
    """Runs whose time to start has come, and runs that have something left after their end."""

    to_start: tuple[int, ...]
    to_end: tuple[int, ...]


def due(session: Session) -> DueRuns:
    """What the clock asks for now. A run that waits for an approval starts with it."""
    waiting = (Run.status == RunStatus.CREATED, Run.start_at <= now(), Run.awaits_approval.is_(False))
    unfinished = (Run.status.not_in((RunStatus.CREATING, RunStatus.FINISHED)), Run.send_until <= now())
    return DueRuns(
        () if held(session) else tuple(session.scalars(select(Run.id).where(*waiting).order_by(Run.id))),
        tuple(session.scalars(select(Run.id).where(*unfinished).order_by(Run.id))),
    )


def start_due(session: Session, queue: JobQueue, run_id: int) -> None:
    """Start a run whose time has come. Harmless when it no longer waits."""
    run = _locked(session, run_id)
    if run.status == RunStatus.CREATED and run.start_at is not None and not waits_for_its_time(run):
        start_by_itself(session, queue, run)


def start_by_itself(session: Session, queue: JobQueue, run: Run) -> None:
    """Start a run whose list is complete as the person wanted who asked for it, or have it wait for its time;
    an approval is asked for at once. If they may not send it any more, it says so. Needs the run's lock."""
    by = run.started_by or run.created_by
    if not may_still_send(session, run, by):
        _call_off(session, run, MAY_NOT_SEND)
        return
    try:
        if waits_for_its_time(run):
            approvals.must_be_approved(session, run)
        else:
            runs.begin(session, queue, run, by)
    except ApprovalNeeded as needed:
        runs.ask_for_approval(session, run, by, needed)
    except Refused as refused:
        _call_off(session, run, str(refused))


def _call_off(session: Session, run: Run, why: str) -> None:
    run.problem, run.start_at = why, None
    run_notices.run_stopped(session, run, why)


def end_late(session: Session, run_id: int) -> int:
    """Skip what is left of a run after whose end nothing may be sent, and finish it; return how many results
    that were. What is on the wire is left to its outcome. Harmless when there is nothing to do.

    1. Take the run's lock, so that no attempt of it starts meanwhile.
    2. Results that are `ready` or `deferred` become `skipped`, too late; no worker can start them any more.
    3. A request for approval is withdrawn, and a start to come is called off.
    4. The run is finished, unless something is still on the wire."""
    run = _locked(session, run_id)
    if not is_past(run.send_until) or run.status in (RunStatus.CREATING, RunStatus.FINISHED):
        return 0
    left = lock_results(session, Result.run_id == run_id, Result.status.in_(SENDABLE))
    values = {**RELEASE_CLAIM, "next_try_at": None}
    if left:
        reason = SkipReason.TOO_LATE
        transition(session, run_id, left, ResultStatus.SKIPPED, reason=reason, values=values)
        audit(session, BY_THE_CLOCK, "skip", run, f"{len(left)} mails, not sent by {run.send_until}")
    approvals.withdraw(session, run, BY_THE_CLOCK, N_("nothing of the run is sent any more"))
    run.start_at = None
    session.flush()
    runs.finish(session, run)
    return len(left)


def change_window(
    session: Session,
    queue: JobQueue,
    run_id: int,
    viewer: Viewer,
    start_at: datetime | None,
    send_until: datetime | None,
) -> str:
    """Change when a run sends; the returned words say what happens. A start can be set for a run that has not
    been started. Raises Refused."""
    run = runs.lock_for_change(session, run_id, viewer)
    must_have_the_right(viewer)
    before = (run.start_at, run.send_until)
    if (start_at, send_until) == before:
        return _("Nothing was changed.")
    check_window(start_at if start_at != run.start_at else None, send_until)
    if start_at is not None and run.status not in (RunStatus.CREATING, RunStatus.CREATED):
        raise Refused(_("This run has been started already, so it cannot start at a later time."))
    run.start_at, run.send_until = start_at, send_until
    audit(session, viewer.name, "change", run, _change_in_words(before, (start_at, send_until)))
    if start_at == before[0]:
        return _("Changed.")
    if run.status == RunStatus.CREATING:
        run.start_when_created = start_at is not None
    if start_at is None:
        return _("This run no longer starts by itself. Press Start when it should send.")
    run.started_by, run.problem = viewer.name, None
    if run.status == RunStatus.CREATED:
        start_by_itself(session, queue, run)
    return _("The run starts at %(time)s.", time=time_words(start_at))


def _change_in_words(before: tuple[datetime | None, ...], after: tuple[datetime | None, ...]) -> str:
    names = ("start at", "do not send after")
    pairs = zip(names, before, after, strict=True)
    return "; ".join(f"{name}: {old or '-'} → {new or '-'}" for name, old, new in pairs if old != new)


def _locked(session: Session, run_id: int) -> Run:
    lock_run(session.connection(), run_id, exclusive=True)
    return session.get_one(Run, run_id, with_for_update=runs.LOCKED, populate_existing=True)
