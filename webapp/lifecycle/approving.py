"""What the second person does with a run that waits: approve it, which starts it, or reject it."""

from __future__ import annotations

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from webapp.access import Viewer, visible_to, whole_runs
from webapp.audit import audit
from webapp.errors import NotAllowed, NotFound, Refused
from webapp.lifecycle import approvals, run_notices, runs
from webapp.lifecycle.mail_digests import list_digest, mail_digests
from webapp.lifecycle.rights import cannot_approve, may_still_send, must_not_be_held
from webapp.lifecycle.sending_window import must_be_in_time, time_words, waits_for_its_time
from webapp.queue import JobQueue
from webapp.store.approvals import ApprovedResult, RunApproval
from webapp.store.locks import lock_run
from webapp.store.runs import Result, Run
from webapp.store.statuses import SENDABLE, Decision
from webapp.store.types import now
from webapp.translation import _

APPROVED_ROWS_MAX = 5_000
"""Rows per INSERT: far below either database's limit of parameters."""


def approve(session: Session, queue: JobQueue, run_id: int, viewer: Viewer, seen: str, note: str = "") -> str:
    """Approve the list of this run, whose digest the person saw (`seen`), and start it in the name of the
    person who asked; one that waits for its time starts then.

    Refused for a list that has changed, for one's own run, for a person without the right, and if the person
    who asked may no longer send. Raises Refused, or NotFound."""
    run, asked = _open_request(session, run_id, viewer)
    must_not_be_held(session)
    must_be_in_time(run)
    _must_still_send(session, run, asked)
    digests = mail_digests(session, run)
    if not list_digest(digests) == asked.digest == seen:
        raise Refused(
            _(
                "The list has changed since approval was asked for, so nothing was approved. Have %(person)s "
                "look at it and press Start again.",
                person=asked.requested_by,
            )
        )
    _name_mails(session, asked, digests)
    _decide(session, run, asked, Decision.APPROVED, viewer, note)
    audit(session, viewer.name, "approve run", run, _told(asked, note))
    if run.start_at is not None and waits_for_its_time(run):
        return _("Approved: the run starts at %(time)s.", time=time_words(run.start_at))
    runs.begin(session, queue, run, asked.requested_by)
    return _("Approved: the run has started.")


def reject(session: Session, run_id: int, viewer: Viewer, reason: str) -> str:
    """Send the run back to the person who asked, with a reason; nothing is sent. Raises Refused, or
    NotFound."""
    if not reason.strip():
        raise Refused(_("Say why, so that it can be put right: enter a reason."))
    run, asked = _open_request(session, run_id, viewer)
    _decide(session, run, asked, Decision.REJECTED, viewer, reason)
    run.start_at = None
    audit(session, viewer.name, "reject run", run, _told(asked, reason))
    return _("Rejected. Nothing is sent; %(person)s sees why.", person=asked.requested_by)


def _open_request(session: Session, run_id: int, viewer: Viewer) -> tuple[Run, RunApproval]:
    """The run, locked, and the request that waits. Raises NotFound, or Refused if this person may not
    decide, or nothing waits."""
    run = session.scalar(select(Run).where(Run.id == run_id, visible_to(viewer, Run)))
    if run is None:
        raise NotFound(_("There is no run %(run)s.", run=run_id))
    if not whole_runs(session, viewer, [run_id]):
        raise _denied(run, _("You see a part of this run, so another person has to approve it."))
    lock_run(session.connection(), run_id, exclusive=True)
    session.refresh(run, with_for_update=runs.LOCKED)
    asked = approvals.waiting(session, run_id)
    if asked is None:
        raise Refused(_("This run does not wait for an approval any more."))
    if why := cannot_approve(run, asked, viewer):
        raise _denied(run, why)
    return run, asked


def _denied(run: Run, words: str) -> NotAllowed:
    return NotAllowed(words, f"run {run.id}", "approval")


def _must_still_send(session: Session, run: Run, asked: RunApproval) -> None:
    """Raise Refused if the person in whose name the run would start may not start it any more."""
    if not may_still_send(session, run, asked.requested_by):
        raise Refused(
            _(
                "%(person)s, who asked for this approval, may no longer send this run. Have a person who may "
                "press Start.",
                person=asked.requested_by,
            )
        )


def _name_mails(session: Session, asked: RunApproval, digests: dict[int, str]) -> None:
    """Note of each mail of the list that it is approved."""
    of_run = select(Result.id, Result.message_number).where(Result.run_id == asked.run_id)
    numbers = dict(session.execute(of_run.where(Result.status.in_(SENDABLE))).all())
    rows = [
        {"approval_id": asked.id, "result_id": id, "message_number": numbers[id], "digest": digest}
        for id, digest in digests.items()
    ]
    for start in range(0, len(rows), APPROVED_ROWS_MAX):
        session.execute(insert(ApprovedResult), rows[start : start + APPROVED_ROWS_MAX])


def _decide(
    session: Session, run: Run, asked: RunApproval, decision: Decision, viewer: Viewer, reason: str
) -> None:
    asked.decision, asked.decided_by, asked.decided_at = decision, viewer.name, now()
    asked.reason = reason.strip()[: approvals.REASON_MAX]
    run.awaits_approval = False
    session.flush()
    run_notices.approval_decided(session, run, asked)


def _told(asked: RunApproval, words: str) -> str:
    said = f"{asked.mails} mails, list {asked.digest[:16]}, asked for by {asked.requested_by}"
    return f"{said}: {words.strip()[: approvals.REASON_MAX]}" if words.strip() else said
