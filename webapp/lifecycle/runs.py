"""A run's life: start, stop, finish. The words that a verb returns, or refuses with, are shown to the person.

No run goes on but by `begin`, which asks whether a second person has to approve it first (approvals.py).

Each takes the run's lock, so that Stop is exact and twenty Starts have one effect (store/locks.py)."""

from __future__ import annotations

from sqlalchemy import exists, func, or_, select
from sqlalchemy.orm import Session, joinedload

from webapp.access import Viewer, only_looked_at, visible_to, whole_runs
from webapp.audit import audit
from webapp.errors import NotFound, Refused
from webapp.lifecycle import approvals, run_notices
from webapp.lifecycle.approvals import ApprovalNeeded
from webapp.lifecycle.rights import must_be_allowed, must_have_the_right, must_not_be_held
from webapp.lifecycle.sending_window import must_be_in_time
from webapp.queue import JobQueue
from webapp.store.database import after_commit
from webapp.store.locks import lock_run
from webapp.store.runs import Attempt, Result, Run
from webapp.store.statuses import OUTSTANDING, RUN_MOVES, Decision, RunStatus
from webapp.store.types import now
from webapp.translation import N_, _

LOCKED = {"key_share": True}
"""How a run's row is locked for a change. Rows that only refer to it, such as a worker's counts, may still be
written; otherwise a worker that holds results and has one to count would wait for a transaction that waits
for its results."""


def start(session: Session, queue: JobQueue, run_id: int, viewer: Viewer) -> str:
    """Let the run send, or ask a second person to approve it first. Harmless when it already sends, or has
    nothing to send; the returned words say so. Raises Refused."""
    run = lock_for_change(session, run_id, viewer)
    must_have_the_right(viewer)
    if run.status == RunStatus.CREATING:
        raise Refused(_("The list of this run is still being created. Start it once that is done."))
    if run.status == RunStatus.RUNNING:
        must_not_be_held(session)
        return _("This run is already running.")
    if run.status == RunStatus.FINISHED:
        return _("This run is already finished; there is nothing to send.")
    run.start_at = None
    try:
        return begin(session, queue, run, viewer.name)
    except ApprovalNeeded as needed:
        return ask_for_approval(session, run, viewer.name, needed)


def ask_for_approval(session: Session, run: Run, by: str, needed: ApprovalNeeded) -> str:
    """Have the run wait for a second person. Needs the run's lock."""
    asked = approvals.request(session, run, by)
    if asked.requested_by != by:
        return _("%(person)s has asked for approval of this list already.", person=asked.requested_by)
    return _("Asked for approval: %(why)s. It starts once another person has approved it.", why=needed.why)


def begin(session: Session, queue: JobQueue, run: Run, by: str) -> str:
    """Start a run that is created or stopped, or a finished one with new work. Needs the run's lock.

    Raises Refused while the database belongs to another secret key or once nothing of the run may be sent any
    more, and ApprovalNeeded."""
    must_not_be_held(session)
    must_be_in_time(run)
    approvals.must_be_approved(session, run)
    approvals.end(session, run, Decision.VOID, by, N_("the run needed no approval any more"))
    run.started_by, run.problem, run.start_at = by, None, None
    newest = select(func.coalesce(func.max(Attempt.id), 0)).where(Attempt.run_id == run.id)
    run.refusals_counted_after = session.scalars(
        newest
    ).one()  # the person who starts it knows the earlier refusals
    run.started_at = run.started_at or now()
    if not has_outstanding(session, run.id):
        _become(run, RunStatus.FINISHED)
        run.finished_at = now()
        audit(session, by, "start", run, "nothing to send")
        run_notices.run_finished(session, run)
        return _("There was nothing to send: the run is finished.")
    _become(run, RunStatus.RUNNING)
    run.finished_at = None
    audit(session, by, "start", run)
    enqueue_drain(session, queue, run.id)
    return _("Started.")


def resume_for_new_work(session: Session, queue: JobQueue, run: Run, viewer: Viewer) -> None:
    """The run has something new to send: a finished one runs again, or waits for an approval if it needs one;
    a running one gets a drain; a created or stopped one waits for Start. Needs the run's lock. Raises Refused
    as `begin` does, and if mails would go out and this person has no right to send."""
    must_be_in_time(run)
    if run.status in (RunStatus.FINISHED, RunStatus.RUNNING):
        must_have_the_right(viewer)
    if run.status == RunStatus.FINISHED:
        try:
            begin(session, queue, run, viewer.name)
        except ApprovalNeeded as needed:
            _become(run, RunStatus.STOPPED)
            run.finished_at = run.archived_at = None
            ask_for_approval(session, run, viewer.name, needed)
    elif run.status == RunStatus.RUNNING:
        _must_stay_within_limits(session, run)
        enqueue_drain(session, queue, run.id)


def _must_stay_within_limits(session: Session, run: Run) -> None:
    """Raise Refused if a running run would send more than may go out without an approval."""
    try:
        approvals.must_be_approved(session, run)
    except ApprovalNeeded as needed:
        raise Refused(
            _(
                "This run is sending, and these mails need an approval: %(why)s. Stop the run, do this "
                "again, and press Start.",
                why=needed.why,
            )
        ) from None


def stop(session: Session, run_id: int, viewer: Viewer) -> str:
    """Stop the run. Once this is committed, no message's last byte goes out except those already marked
    `sending`. A run that is still being generated does not start by itself.

    A run that waits for an approval, or for its time, waits no longer. Harmless when it is already stopped.
    Raises Refused."""
    run = lock_for_change(session, run_id, viewer)
    must_have_the_right(viewer)
    waited, run.start_at = run.start_at is not None, None
    if approvals.withdraw(session, run, viewer.name):
        return _("The request for approval is withdrawn. Press Start to ask again.")
    if run.status == RunStatus.CREATED and waited:
        audit(session, viewer.name, "stop", run, "before its time")
        return _("This run no longer starts by itself. Press Start when it should send.")
    if run.status == RunStatus.CREATING and run.start_when_created:
        run.start_when_created = False
        audit(session, viewer.name, "stop", run, "before its list was made")
        return _("This run no longer starts by itself. Press Start once its list is complete.")
    if run.status == RunStatus.STOPPED:
        return _("This run is already stopped.")
    if run.status == RunStatus.FINISHED:
        return _("This run is already finished; there is nothing to send.")
    if run.status != RunStatus.RUNNING:
        return _("This run has not been started.")
    _become(run, RunStatus.STOPPED)
    audit(session, viewer.name, "stop", run)
    return _("Stopped. Only mails already being handed over still go out.")


def stop_all(session: Session, by: str, why: str) -> int:
    """Stop every running run, keep all others from starting by themselves, and withdraw every request for
    approval; return how many were running. Each run shows `why` until it is started again."""
    stopped = 0
    by_themselves = or_(Run.status.in_((RunStatus.CREATING, RunStatus.RUNNING)), Run.start_at.is_not(None))
    for run_id in session.scalars(select(Run.id).where(by_themselves).order_by(Run.id)).all():
        lock_run(session.connection(), run_id, exclusive=True)
        run = session.get_one(Run, run_id, with_for_update=LOCKED, populate_existing=True)
        if run.status == RunStatus.RUNNING:
            _become(run, RunStatus.STOPPED)
            audit(session, by, "stop", run, why)
            stopped += 1
        run.start_when_created, run.start_at, run.problem = False, None, why
    for run in session.scalars(select(Run).where(Run.awaits_approval).order_by(Run.id)).all():
        lock_run(session.connection(), run.id, exclusive=True)
        approvals.withdraw(session, run, by, why)
    return stopped


def stop_automatically(session: Session, run: Run, problem: str) -> None:
    """Stop a running run without being asked, and say why. Needs the run's lock."""
    _become(run, RunStatus.STOPPED)
    run.problem = problem
    audit(session, "Mailrun", "stop", run, problem)
    run_notices.run_stopped(session, run, problem)


def finish_if_done(session: Session, run_id: int) -> bool:
    """Finish a run if its rows say so: nothing is ready, sending or deferred."""
    if has_outstanding(session, run_id):
        return False
    lock_run(session.connection(), run_id, exclusive=True)
    run = session.scalar(
        select(Run).where(Run.id == run_id, Run.status == RunStatus.RUNNING).with_for_update(key_share=True)
    )
    if run is None or has_outstanding(session, run_id):
        return False
    _become(run, RunStatus.FINISHED)
    run.finished_at = now()
    run_notices.run_finished(session, run)
    return True


def finish(session: Session, run: Run) -> None:
    """Finish a run of which nothing is left to send, whether it was started or not; harmless when something
    is still on the wire. Needs the run's lock."""
    if not has_outstanding(session, run.id):
        _become(run, RunStatus.FINISHED)
        run.finished_at = now()
        run_notices.run_finished(session, run)


def reopen(session: Session, run_id: int) -> None:
    """Reopen a finished run that has something to send after all: an unconfirmed mail turned out not to have
    gone out. Needs the run's lock; shared is enough. Harmless when it is running."""
    run = session.scalar(
        select(Run).where(Run.id == run_id, Run.status == RunStatus.FINISHED).with_for_update(key_share=True)
    )
    if run is not None:
        _become(run, RunStatus.RUNNING)
        run.finished_at = run.archived_at = None
        audit(session, "Mailrun", "start", run, "a mail that was unconfirmed had not gone out")


def others_running(session: Session, run_id: int) -> bool:
    """Whether another run is running or being generated, and so waits for a worker."""
    at_work = Run.status.in_((RunStatus.RUNNING, RunStatus.CREATING))
    return bool(session.scalar(select(exists().where(at_work, Run.id != run_id))))


def has_outstanding(session: Session, run_id: int) -> bool:
    """Whether a result of this run is still to be sent, or on the wire."""
    return any(
        session.scalar(select(exists().where(Result.run_id == run_id, Result.status == status)))
        for status in OUTSTANDING
    )


def lock_for_change(session: Session, run_id: int, viewer: Viewer) -> Run:
    """The run, locked for a change. Raises NotFound if this person may not see it, Refused if they may only
    look: at everything, or at this run."""
    run = session.scalar(select(Run).where(Run.id == run_id, visible_to(viewer, Run)))
    if run is None:
        raise NotFound(_("There is no run %(run)s.", run=run_id))
    must_be_allowed(viewer)
    if not whole_runs(session, viewer, [run_id]):
        raise Refused(only_looked_at(run))
    lock_run(session.connection(), run_id, exclusive=True)
    session.refresh(run, with_for_update=LOCKED)
    return run


def enqueue_drain(session: Session, queue: JobQueue, run_id: int) -> None:
    """Enqueue a drain once this transaction is committed."""
    after_commit(session, lambda: queue.enqueue_drain(run_id))


def _become(run: Run, status: RunStatus) -> None:
    if status not in RUN_MOVES[RunStatus(run.status)]:
        raise ValueError(f"run {run.id} cannot go from {run.status} to {status}")
    run.status = status


def run(session: Session, viewer: Viewer, run_id: int) -> Run | None:
    """The run with its definition's version and its cluster; None if there is none that this person may
    see."""
    return session.scalar(
        select(Run)
        .options(joinedload(Run.version), joinedload(Run.cluster), joinedload(Run.definition))
        .where(Run.id == run_id, visible_to(viewer, Run))
    )
