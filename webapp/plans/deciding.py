"""What becomes of a run that a plan has made, once its list is complete: started, or left to a person."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp import audit
from webapp.errors import NotAllowed, Refused
from webapp.lifecycle import runs
from webapp.plans.expectations import Unmet, unmet
from webapp.plans.notices import plan_held
from webapp.plans.owners import sending_owner, subject
from webapp.queue import JobQueue
from webapp.store.plans import OccurrenceState, Plan, PlanAction, PlanOccurrence
from webapp.store.runs import Run
from webapp.store.statuses import RunStatus
from webapp.store.users import User
from webapp.translation import N_

WAITS = N_("Its plan has this run wait for a person. Look at the numbers, then press Start.")
NOT_AS_EXPECTED = N_("Its plan did not start this run.")
PAUSED = N_("The plan was paused or deleted before the list of this run was complete.")
FOR_A_PERSON = (OccurrenceState.UNEXPECTED, OccurrenceState.WAITING, OccurrenceState.HELD)
"""In these a run waits for a person."""


@dataclass(frozen=True)
class Decided:
    """What was decided, with the expectations that failed, and why a run waits."""

    state: OccurrenceState
    unmet: Unmet = field(default_factory=Unmet)
    detail: str = ""

    @property
    def findings(self) -> list[str]:
        """A sentence for each expectation that failed."""
        return self.unmet.sentences


def decide(session: Session, queue: JobQueue, occurrence_id: int) -> None:
    """Decide on the run of this date, once. Needs a writing session, and English.

    A run that a person has started, archived or put forward for approval meanwhile is left alone."""
    undecided = (PlanOccurrence.id == occurrence_id, PlanOccurrence.state == OccurrenceState.CREATING)
    occurrence = session.scalar(select(PlanOccurrence).where(*undecided).with_for_update())
    if occurrence is None:
        return
    run = session.get(Run, occurrence.run_id) if occurrence.run_id else None
    if run is not None and run.status == RunStatus.CREATING:
        return
    plan = session.get(Plan, occurrence.plan_id) if occurrence.plan_id else None
    made = _decision(session, queue, plan, run, asked=bool(occurrence.asked_by))
    occurrence.state, occurrence.findings, occurrence.detail = made.state, made.findings, made.detail
    occurrence.odd_kinds = [kind.value for kind in made.unmet.odd_kinds]
    if run is None:
        return
    if made.state in FOR_A_PERSON:
        run.problem = " ".join([NOT_AS_EXPECTED, *made.findings]) if made.findings else made.detail or WAITS
        plan_held(session, plan, occurrence, made.findings or [made.detail or WAITS])
    if made.state == OccurrenceState.HELD and plan:
        plan.problem = made.detail
        audit.note(session, "Mailrun", "plan held", subject(plan), f"run {run.id}: {made.detail}")
    if made.findings and plan:
        told = f"run {run.id}, not as expected: {' '.join(made.findings)}"
        audit.note(session, "Mailrun", "plan made a run", subject(plan), told)


def _decision(
    session: Session, queue: JobQueue, plan: Plan | None, run: Run | None, *, asked: bool
) -> Decided:
    """`asked`: a person asked for this run by hand, which a paused plan does too."""
    if run is None or run.status != RunStatus.CREATED or run.archived_at or run.awaits_approval:
        return Decided(OccurrenceState.TAKEN)
    if plan is None or (plan.paused_at is not None and not asked):
        return Decided(OccurrenceState.WAITING, detail=PAUSED)
    failed = unmet(session, plan, run)
    if plan.action == PlanAction.CREATE:
        return Decided(OccurrenceState.CREATED, failed)
    if plan.action == PlanAction.WAIT:
        return Decided(OccurrenceState.WAITING, failed)
    if failed.sentences:
        return Decided(OccurrenceState.UNEXPECTED, failed)
    return _started(session, queue, plan, run)


def _started(session: Session, queue: JobQueue, plan: Plan, run: Run) -> Decided:
    owner = session.get_one(User, plan.owner_id)
    try:
        with session.begin_nested():
            runs.start(session, queue, run.id, sending_owner(owner))
    except Refused as refusal:
        if isinstance(refusal, NotAllowed):
            audit.note(session, owner.email, "refused", refusal.subject, refusal.detail)
        return Decided(OccurrenceState.HELD, detail=str(refusal))
    return Decided(OccurrenceState.ASKED if run.awaits_approval else OccurrenceState.STARTED)
