"""Makes the runs of plans: each date once, whatever dies, however many workers look.

1. A plan whose time has come is locked. One transaction writes the date (UNIQUE (plan, day)), the run, and
   the plan's next date, so all of it happened or none.
2. A worker generates the run's list, as of any run.
3. The date is locked. One transaction holds the run against what the plan expects, starts it or lets it
   wait, and writes which.

The run is made and started in the name of the plan's owner. Their rights are asked for at 1 and at 3. One
that a person asked for in between is created by that person, and started in the owner's name."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlalchemy.orm import Session

from webapp import audit
from webapp.errors import NotAllowed, Refused
from webapp.extensions import Runtime
from webapp.new_run.creation import RunRequest, create
from webapp.plans.dates import UNKNOWN_HERE, set_next, unknown_words
from webapp.plans.deciding import decide
from webapp.plans.notices import plan_held, plan_paused
from webapp.plans.owners import sending_owner, subject
from webapp.plans.spans import invoice_period
from webapp.selection.invoices import Selection
from webapp.store.installation import held
from webapp.store.plans import OccurrenceState, Plan, PlanOccurrence, PlanPeriod
from webapp.store.runs import Run
from webapp.store.statuses import RunStatus
from webapp.store.types import now
from webapp.store.users import User
from webapp.translation import english, ngettext

LATE_AFTER = timedelta(minutes=5)
"""A run that is made later than this after its time says so."""


def is_due(at: datetime) -> ColumnElement[bool]:
    """Whether the Plan has a date that is to be made."""
    return Plan.next_at <= at


def _to_decide() -> ColumnElement[bool]:
    """Whether the list of the PlanOccurrence's run is complete, or gone, and nothing has been decided."""
    made = and_(Run.id == PlanOccurrence.run_id, Run.status == RunStatus.CREATING)
    return and_(PlanOccurrence.state == OccurrenceState.CREATING, ~exists().where(made))


def has_work(runtime: Runtime, at: datetime | None = None) -> bool:
    """Whether a plan has something to be done now."""
    with runtime.database.reading() as session:
        work = or_(exists().where(is_due(at or now())), exists().where(_to_decide()))
        return bool(session.scalar(select(work))) and not held(session)


def work_off(runtime: Runtime, at: datetime | None = None) -> None:
    """Make the runs of every date that is due, the oldest first, and decide on those whose lists are
    complete. Does nothing while this installation may not send."""
    at = at or now()
    with runtime.database.reading() as session:
        if held(session):
            return
        due = session.scalars(select(Plan.id).where(is_due(at)).order_by(Plan.next_at)).all()
        complete = session.scalars(select(PlanOccurrence.id).where(_to_decide())).all()
    for plan_id in due:
        while _make_due(runtime, plan_id, at):
            pass
    for occurrence_id in complete:
        with english(), runtime.database.writing() as session:
            decide(session, runtime.queue, occurrence_id)


def _make_due(runtime: Runtime, plan_id: int, at: datetime) -> bool:
    """Make the plan's next date if it is due; return whether it was."""
    with english(), runtime.database.writing() as session:
        plan = session.scalar(select(Plan).where(Plan.id == plan_id, is_due(at)).with_for_update())
        if plan is None or plan.next_at is None or plan.next_nominal is None:
            return False
        due = plan.next_at
        occurrence = PlanOccurrence(
            plan_id=plan.id, plan_name=plan.name, day=plan.next_day, due_at=due, made_at=at
        )
        if at - due > timedelta(hours=plan.late_hours_max):
            occurrence.state = OccurrenceState.SKIPPED
            occurrence.detail = _missed(plan)
            session.add(occurrence)
            audit.note(session, "Mailrun", "plan skipped a date", subject(plan), f"{plan.next_day}")
            plan_held(session, plan, occurrence, [occurrence.detail])
        else:
            if at - due > LATE_AFTER:
                occurrence.late_minutes = int((at - due).total_seconds() // 60)
            make(session, runtime, plan, occurrence, plan.next_nominal)
        _go_on(session, plan, due)
    return True


def _go_on(session: Session, plan: Plan, after: datetime) -> None:
    """Have the plan wait for its next date. One whose time zone or country this machine does not know any
    more is paused and says so; it must not keep the plans behind it waiting."""
    try:
        set_next(session, plan, after)
    except UNKNOWN_HERE as unknown:
        plan.paused_at, plan.paused_by = now(), "Mailrun"
        plan.next_at = plan.next_day = plan.next_nominal = None
        plan.problem = unknown_words(unknown)
        audit.note(session, "Mailrun", "plan paused", subject(plan), str(unknown))
        plan_paused(session, plan, after)


def _missed(plan: Plan) -> str:
    return ngettext(
        "No worker was up at this time, nor within %(num)s hour after it.",
        "No worker was up at this time, nor within %(num)s hours after it.",
        plan.late_hours_max,
    )


def make(session: Session, runtime: Runtime, plan: Plan, occurrence: PlanOccurrence, nominal: date) -> None:
    """Make the run of this date, in the name of the plan's owner, or hold it and say why. Needs the plan's
    lock, and English."""
    owner = session.get_one(User, plan.owner_id)
    first, last = invoice_period(PlanPeriod(plan.period), nominal)
    wanted = RunRequest(
        Selection(plan.definition_id, plan.cluster_id, plan.include_children, first, last),
        bcc=plan.bcc,
        copy_domains=runtime.settings.bcc_domains,
    )
    occurrence.state = OccurrenceState.CREATING
    session.add(occurrence)
    try:
        with session.begin_nested():
            viewer = sending_owner(owner)
            run = create(session, runtime.queue, wanted, viewer)
    except Refused as refusal:
        occurrence.state, occurrence.detail, plan.problem = OccurrenceState.HELD, str(refusal), str(refusal)
        if isinstance(refusal, NotAllowed):
            audit.note(session, owner.email, "refused", refusal.subject, refusal.detail)
        audit.note(session, "Mailrun", "plan held", subject(plan), str(refusal))
        plan_held(session, plan, occurrence, [str(refusal)])
        return
    # A run that a person asked for is theirs, too: they cannot be the second person who approves it.
    run.created_by = occurrence.asked_by or run.created_by
    occurrence.run_id, plan.problem = run.id, ""
    told = f"run {run.id}" + (f", for {occurrence.day}" if occurrence.day else "")
    late = f", {occurrence.late_minutes} minutes late" if occurrence.late_minutes else ""
    audit.note(session, occurrence.asked_by or "Mailrun", "plan made a run", subject(plan), told + late)
