"""What `mailrun doctor` says of plans."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session, joinedload

from webapp.access import plans_of, viewer_of
from webapp.errors import Refused
from webapp.extensions import Runtime
from webapp.launch.check_result import CheckResult
from webapp.plans.dates import UNKNOWN_HERE, dates_are_known, is_overdue, unknown_words
from webapp.plans.deciding import FOR_A_PERSON
from webapp.plans.owners import sending_owner
from webapp.store.plans import OccurrenceState, Plan, PlanOccurrence
from webapp.store.statuses import RunStatus
from webapp.translation import _


def plan_checks(runtime: Runtime) -> Iterator[CheckResult]:
    """A line for each plan: when it makes its next run, or why it cannot, or what its last date needs."""
    with runtime.database.reading() as session:
        related = (joinedload(Plan.owner), joinedload(Plan.definition), joinedload(Plan.cluster))
        every = select(Plan).options(*related).order_by(Plan.name)
        found = session.scalars(every).all()
        last = _last_dates(session)
        for plan in found:
            yield _check(session, plan, last.get(plan.id))
    if not found:
        yield CheckResult("plans", True, _("there is none"))


def _last_dates(session: Session) -> dict[int | None, PlanOccurrence]:
    """The newest date of each plan that came, by the plan."""
    newest = select(func.max(PlanOccurrence.id)).group_by(PlanOccurrence.plan_id)
    dates = select(PlanOccurrence).options(joinedload(PlanOccurrence.run))
    return {each.plan_id: each for each in session.scalars(dates.where(PlanOccurrence.id.in_(newest)))}


def _check(session: Session, plan: Plan, last: PlanOccurrence | None) -> CheckResult:
    about = _("plan %(name)s", name=plan.name)
    if plan.next_at is None:
        paused = _("paused by %(person)s", person=plan.paused_by)
        words = f"{paused}: {plan.problem}" if plan.problem else paused
        return CheckResult(about, True, words, warns=True)
    if why := _why_none_can_be_made(session, plan):
        return CheckResult(about, False, why)
    at = f"{plan.next_at:%Y-%m-%d %H:%M} UTC"
    if is_overdue(plan):
        return CheckResult(about, False, _("was due at %(time)s: no worker looked", time=at))
    following = _("next at %(time)s", time=at)
    if needed := plan.problem or (_what_is_left(last) if last else ""):
        return CheckResult(about, True, f"{needed.rstrip('.')}; {following}", warns=True)
    return CheckResult(about, True, following)


def _why_none_can_be_made(session: Session, plan: Plan) -> str:
    """Why the next run would be held, or could not be made; empty if it can."""
    try:
        sending_owner(plan.owner)
        dates_are_known(plan)
    except Refused as refusal:
        return str(refusal)
    except UNKNOWN_HERE as unknown:
        return unknown_words(unknown)
    sees = exists().where(Plan.id == plan.id, plans_of(viewer_of(plan.owner)))
    if not session.scalar(select(sees)):
        return _(
            "%(person)s, in whose name this plan works, does not see its cluster “%(name)s” any more",
            person=plan.owner.email,
            name=plan.cluster.tag_name,
        )
    if plan.definition.retired_at is not None:
        return _("its definition “%(name)s” is retired", name=plan.definition.name)
    return ""


def _what_is_left(last: PlanOccurrence) -> str:
    """What the newest date needs of a person; empty if nothing."""
    if last.state == OccurrenceState.SKIPPED:
        return _("missed its date %(day)s: %(why)s", day=last.day, why=last.detail)
    if last.state in FOR_A_PERSON and last.run is not None and last.run.status == RunStatus.CREATED:
        return _("run %(id)s waits for a person", id=last.run_id)
    return ""
