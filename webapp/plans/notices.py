"""What the owner of a plan is told of: a date that needs a person. If the owner cannot be told any more, the
administrators are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from webapp import telling
from webapp.access import plans_of, viewer_of
from webapp.store.notices import NoticeKind
from webapp.store.plans import Plan, PlanOccurrence
from webapp.store.types import iso
from webapp.store.users import User


def plan_held(session: Session, plan: Plan | None, occurrence: PlanOccurrence, words: Sequence[str]) -> None:
    """Tell that a date of the plan was held or skipped, or that its run waits for a person; `words`: why, in
    English. Of a plan that was deleted no one is told. Needs the plan's or the date's lock."""
    if plan is None:
        return
    session.flush()
    about = {"state": occurrence.state, "why": list(words)}
    _tell(session, plan, f"plan date {occurrence.id}", about, occurrence.run_id)


def plan_paused(session: Session, plan: Plan, after: datetime) -> None:
    """Tell that the plan was paused by Mailrun after this date: no next one can be worked out."""
    about = {"state": PAUSED, "why": [plan.problem]}
    _tell(session, plan, f"plan {plan.id} paused {iso(after)}", about)


PAUSED = "paused"
"""What a notice says in the place of a date's state."""


def _tell(
    session: Session, plan: Plan, subject: str, about: dict[str, Any], run_id: int | None = None
) -> None:
    owner = session.get_one(User, plan.owner_id)
    sees = exists().where(Plan.id == plan.id, plans_of(viewer_of(owner)))
    can_be_told = owner.disabled_at is None and session.scalar(select(sees))
    people = [owner] if can_be_told else telling.administrators(session)
    details = {"plan": plan.name, **about}
    telling.tell(session, NoticeKind.PLAN_HELD, subject, people, details, run_id=run_id, plan_id=plan.id)
