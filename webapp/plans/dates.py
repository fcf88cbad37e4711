"""The rule of a stored plan, and its next date."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time
from itertools import islice

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.plans.rules import Moment, Rule, moments
from webapp.plans.workdays import WorkCalendar
from webapp.store.plans import Plan, PlanDay, PlanOccurrence, PlanShift, PlanSpan


def rule_of(plan: Plan) -> Rule:
    """The rule that the row holds."""
    days = (frozenset(map(date.fromisoformat, texts)) for texts in (plan.days_added, plan.days_struck))
    return Rule(
        every=PlanSpan(plan.every),
        day=PlanDay(plan.day),
        at=time.fromisoformat(plan.at),
        zone=plan.time_zone,
        nth=plan.nth,
        weekday=plan.weekday,
        shift=PlanShift(plan.shift),
        calendar=WorkCalendar(plan.country, *days),
    )


def set_next(session: Session, plan: Plan, after: datetime) -> None:
    """Have the plan wait for its first date after this instant. A date that was made already, by a rule that
    has been changed since, does not come again. Needs the plan's lock."""
    of_plan = select(PlanOccurrence.day).where(PlanOccurrence.plan_id == plan.id)
    made = set(session.scalars(of_plan.where(PlanOccurrence.day.is_not(None))))
    found = next(moment for moment in moments(rule_of(plan), after) if moment.day not in made)
    plan.next_day, plan.next_nominal, plan.next_at = found.day, found.nominal, found.due


def next_moments(plan: Plan, count: int, after: datetime) -> Iterator[Moment]:
    """The next dates of a plan, whether it is paused or not."""
    return islice(moments(rule_of(plan), after), count)
