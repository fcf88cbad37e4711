"""Holds back what a second person has approved otherwise: a mail whose addresses, documents or invoices were
changed while its run sends."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial

from sqlalchemy.orm import Session

from webapp.delivery import claims
from webapp.delivery.claims import Claim
from webapp.lifecycle import approvals, runs
from webapp.messages.inputs import MessageInput
from webapp.store.locks import lock_run
from webapp.store.runs import Run
from webapp.store.statuses import RunStatus
from webapp.translation import N_
from webapp.workers import WorkerProcess

CHANGED = N_(
    "It stopped itself: mails are not as they were approved any more. Look at what has changed; Start asks "
    "for another approval."
)


def as_approved(worker: WorkerProcess, claim: Claim, works: list[MessageInput]) -> list[MessageInput]:
    """The inputs that are as they were approved, or never were. Asked after they were loaded, so that what
    changed before is seen. The others are released: if they are within the limits, they go out as mails that
    no one approved; else the run stops."""
    with worker.database.reading() as session:
        changed = approvals.changed_since(session, claim.run_id, [work.result_id for work in works])
    if not changed:
        return works
    worker.persist(partial(_hold_back, claim=claim, changed=changed))
    return [work for work in works if work.result_id not in changed]


def _hold_back(session: Session, claim: Claim, changed: Collection[int]) -> None:
    lock_run(session.connection(), claim.run_id, exclusive=True)
    run = session.get_one(Run, claim.run_id, with_for_update=runs.LOCKED)
    claims.free(session, list(changed), claim.token)
    approvals.forget(session, run.id, changed)
    if run.status == RunStatus.RUNNING and approvals.why_not_yet(session, run):
        runs.stop_automatically(session, run, CHANGED)
