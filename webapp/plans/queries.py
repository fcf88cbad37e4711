"""The read side of plans: the list, and what became of each date. Everything passes through plans_of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, exists, func, or_, select
from sqlalchemy.orm import Session, joinedload

from webapp.access import Viewer, plans_of, visible_to
from webapp.plans.dates import is_overdue, rule_of
from webapp.plans.words import when
from webapp.store.plans import Plan, PlanOccurrence
from webapp.store.runs import Run

HISTORY_SHOWN_MAX = 50
"""Dates that the page of a plan shows."""


@dataclass(frozen=True)
class PlanLine:
    """A row of the list of plans. `last`: its last date that came, None before the first."""

    plan: Plan
    when: str
    last: PlanOccurrence | None
    is_overdue: bool


def plan(session: Session, viewer: Viewer, plan_id: int) -> Plan | None:
    """The plan; None if there is none that this person may see."""
    return session.scalar(_plans(viewer).where(Plan.id == plan_id))


def plan_lines(session: Session, viewer: Viewer) -> list[PlanLine]:
    """The plans that this person may see, those that come next first, paused ones last."""
    found = session.scalars(_plans(viewer).order_by(Plan.next_at.is_(None), Plan.next_at, Plan.name)).all()
    newest = select(func.max(PlanOccurrence.id)).where(_seen(viewer)).group_by(PlanOccurrence.plan_id)
    last = select(PlanOccurrence).options(joinedload(PlanOccurrence.run)).where(PlanOccurrence.id.in_(newest))
    by_plan = {each.plan_id: each for each in session.scalars(last)}
    return [PlanLine(each, when(rule_of(each)), by_plan.get(each.id), is_overdue(each)) for each in found]


def history(session: Session, viewer: Viewer, plan: Plan) -> Sequence[PlanOccurrence]:
    """The last dates of this plan, the newest first."""
    of_plan = select(PlanOccurrence).where(PlanOccurrence.plan_id == plan.id, _seen(viewer))
    newest = of_plan.order_by(PlanOccurrence.id.desc()).limit(HISTORY_SHOWN_MAX)
    return session.scalars(newest.options(joinedload(PlanOccurrence.run))).all()


def runs_made(session: Session, viewer: Viewer, plan: Plan) -> int:
    """How many runs the plan has made, of those that this person may see."""
    made = (PlanOccurrence.plan_id == plan.id, PlanOccurrence.run_id.is_not(None), _seen(viewer))
    return session.scalar(select(func.count()).where(*made)) or 0


def _seen(viewer: Viewer) -> ColumnElement[bool]:
    """Whether the date's run is theirs to see: a plan that was given another cluster has runs of the old
    one."""
    seen = exists().where(Run.id == PlanOccurrence.run_id, visible_to(viewer, Run))
    return or_(PlanOccurrence.run_id.is_(None), seen)


def _plans(viewer: Viewer) -> Select[Plan]:
    related = (joinedload(Plan.definition), joinedload(Plan.cluster), joinedload(Plan.owner))
    return select(Plan).options(*related).where(plans_of(viewer))
