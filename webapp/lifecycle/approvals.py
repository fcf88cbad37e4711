"""Requests for the approval of a run: when one is needed, how it is made, and what ends it.

An approval is for the mails of one list, each by its digest (mail_digests.py), and holds for nothing else:

1. Start on a list above the limits (approval_limits.py) makes a request, with the digest of the whole list.
2. A second person approves (approving.py), if the list is still that one. Each of its mails is then approved,
   and the run starts.
3. Start after Stop needs no second approval as long as what is left was approved as it is now.
4. What a person adds to a run that is running or has finished is measured by itself, together with all else
   that went out without an approval: up to the limits it goes out."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import ColumnElement, delete, not_, or_, select, update
from sqlalchemy.orm import Session

from webapp.audit import audit
from webapp.errors import Refused
from webapp.lifecycle import run_notices
from webapp.lifecycle.approval_limits import is_approved, limits, net_sums, volume, why_needed
from webapp.lifecycle.mail_digests import list_digest, mail_digests
from webapp.store.approvals import ApprovedResult, RunApproval
from webapp.store.dialects import id_in
from webapp.store.runs import Result, Run
from webapp.store.statuses import SENDABLE, Decision, RunStatus
from webapp.store.types import now
from webapp.translation import N_, _

REASON_MAX = 1000
"""Letters of the note or reason that is kept."""


class ApprovalNeeded(Refused):
    """The run cannot start without a second person's yes. `why`: the end of a sentence that says why."""

    def __init__(self, why: str) -> None:
        super().__init__(_("This run needs an approval: %(why)s.", why=why))
        self.why = why


def must_be_approved(session: Session, run: Run) -> None:
    """Raise ApprovalNeeded unless the run may send what it has: it is within the limits, or was approved.
    Needs the run's lock."""
    if why := why_not_yet(session, run):
        raise ApprovalNeeded(why)


def why_not_yet(session: Session, run: Run) -> str:
    """Why the run may not start before a second person has approved it; empty if it may.

    To a run that is sending or has finished, mails are added: measured is what no approval covers. That is
    also a mail that was approved, and would be another one now."""
    limit = limits(session, run.definition_id)
    if limit.are_none:
        return ""
    approved = _approved(session, run)
    uncovered = [] if not approved else _uncovered(session, run, approved)
    if approved and not uncovered:
        return ""
    measured: tuple[ColumnElement[bool], ...] = ()
    if run.status in (RunStatus.RUNNING, RunStatus.FINISHED):
        measured = (or_(not_(is_approved()), id_in(session, Result.id, uncovered)),)
    why = why_needed(limit, volume(session, run.id, *measured))
    return why if why and (uncovered or _sends_anything(session, run)) else ""


def _approved(session: Session, run: Run, result_ids: Collection[int] = ()) -> set[tuple[int, str]]:
    """(result id, digest) of each mail of this run that was approved; of these results alone, if any are
    named."""
    named = (id_in(session, ApprovedResult.result_id, result_ids),) if result_ids else ()
    rows = session.execute(
        select(ApprovedResult.result_id, ApprovedResult.digest)
        .join(RunApproval, RunApproval.id == ApprovedResult.approval_id)
        .where(RunApproval.run_id == run.id, RunApproval.decision == Decision.APPROVED, *named)
    )
    return {(result_id, digest) for result_id, digest in rows}


def _uncovered(session: Session, run: Run, approved: set[tuple[int, str]]) -> list[int]:
    """The results whose mails the run still has to send, and that no approval covers as they are now."""
    return [id for id, digest in mail_digests(session, run).items() if (id, digest) not in approved]


def changed_since(session: Session, run_id: int, result_ids: Collection[int]) -> set[int]:
    """Those of these results, still to be sent, whose present mail was approved and would be another one
    now."""
    is_of_approved = (RunApproval.run_id == run_id, RunApproval.decision == Decision.APPROVED)
    if session.scalar(select(RunApproval.id).where(*is_of_approved).limit(1)) is None:
        return set()
    ours = id_in(session, Result.id, result_ids)
    named = set(session.scalars(select(Result.id).where(ours, Result.run_id == run_id, is_approved())))
    run = session.get_one(Run, run_id)
    digests = mail_digests(session, run, id_in(session, Result.id, named)) if named else {}
    approved = _approved(session, run, named) if named else set()
    return {id for id, digest in digests.items() if (id, digest) not in approved}


def forget(session: Session, run_id: int, result_ids: Collection[int]) -> None:
    """Have no approval of this run name these results any more: their mails have changed."""
    of_run = select(RunApproval.id).where(RunApproval.run_id == run_id)
    session.execute(
        delete(ApprovedResult).where(
            ApprovedResult.approval_id.in_(of_run), id_in(session, ApprovedResult.result_id, result_ids)
        ),
        execution_options={"synchronize_session": False},
    )


def _sends_anything(session: Session, run: Run) -> bool:
    waiting = select(Result.id).where(Result.run_id == run.id, Result.status.in_(SENDABLE))
    return session.scalar(waiting.limit(1)) is not None


def request(session: Session, run: Run, by: str) -> RunApproval:
    """Ask for an approval of the list as it is now; a request for another list ends. Needs the run's lock."""
    digests = mail_digests(session, run)
    digest = list_digest(digests)
    open_one = waiting(session, run.id)
    if open_one is not None:
        if open_one.digest == digest:
            return open_one
        end(session, run, Decision.VOID, by, N_("the list changed"))
    asked = RunApproval(
        run_id=run.id,
        requested_by=by,
        mails=len(digests),
        sums=net_sums(session, run),
        digest=digest,
    )
    session.add(asked)
    run.awaits_approval = True
    audit(session, by, "ask for approval", run, f"{len(digests)} mails, list {digest[:16]}")
    session.flush()
    run_notices.approval_wanted(session, run, asked)
    return asked


def waiting(session: Session, run_id: int) -> RunApproval | None:
    """The request that waits; None if there is none."""
    return session.scalar(
        select(RunApproval).where(RunApproval.run_id == run_id, RunApproval.decision == Decision.WAITING)
    )


def latest(session: Session, run_id: int) -> RunApproval | None:
    """The newest request, whatever became of it; None if there never was one."""
    newest = select(RunApproval).where(RunApproval.run_id == run_id)
    return session.scalar(newest.order_by(RunApproval.id.desc()).limit(1))


def end(session: Session, run: Run, decision: Decision, by: str, reason: str = "") -> bool:
    """End the request that waits; return whether there was one. Needs the run's lock."""
    changed = session.scalars(
        update(RunApproval)
        .where(RunApproval.run_id == run.id, RunApproval.decision == Decision.WAITING)
        .values(decision=decision, decided_by=by, decided_at=now(), reason=reason)
        .returning(RunApproval.id)
        .execution_options(synchronize_session="fetch")
    ).all()
    run.awaits_approval = False
    return bool(changed)


def withdraw(session: Session, run: Run, by: str, why: str = "") -> bool:
    """Take back the request that waits; return whether there was one. Needs the run's lock."""
    if not end(session, run, Decision.WITHDRAWN, by, why):
        return False
    audit(session, by, "withdraw request", run, why)
    return True
