"""The rule of a stored plan, and its next date."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfoNotFoundError

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.plans.rules import Rule, moments
from webapp.plans.workdays import WorkCalendar
from webapp.store.plans import Plan, PlanDay, PlanOccurrence, PlanShift, PlanSpan
from webapp.store.types import now
from webapp.translation import _

UNKNOWN_HERE = (ZoneInfoNotFoundError, NotImplementedError)
"""What working out a date raises whose time zone or country this machine does not know."""

OVERDUE_AFTER = timedelta(minutes=10)


def unknown_words(error: Exception) -> str:
    """What to say of one of UNKNOWN_HERE."""
    return _(
        "Its time zone or the holidays of its country are not known on this machine: %(what)s. Change "
        "the rule, then resume the plan.",
        what=str(error),
    )


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


def dates_are_known(plan: Plan) -> None:
    """Raise one of UNKNOWN_HERE unless the next date can be worked out on this machine."""
    next(moments(rule_of(plan), now()))


def is_overdue(plan: Plan) -> bool:
    """Whether the plan's next date has passed, and no worker has made it or skipped it."""
    return plan.next_at is not None and plan.next_at < now() - OVERDUE_AFTER


def set_next(session: Session, plan: Plan, after: datetime) -> None:
    """Have the plan wait for its first date after this instant. A date that was made already, by a rule that
    has been changed since, does not come again. Needs the plan's lock."""
    of_plan = select(PlanOccurrence.day).where(PlanOccurrence.plan_id == plan.id)
    made = set(session.scalars(of_plan.where(PlanOccurrence.day.is_not(None))))
    found = next(moment for moment in moments(rule_of(plan), after) if moment.day not in made)
    plan.next_day, plan.next_nominal, plan.next_at = found.day, found.nominal, found.due
