"""Who can approve a run, and who has the right but cannot approve this one."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from webapp.access import viewer_of, whole_runs
from webapp.lifecycle.rights import cannot_approve
from webapp.store.approvals import RunApproval
from webapp.store.runs import Run
from webapp.store.users import User
from webapp.translation import _


@dataclass(frozen=True)
class Decider:
    """A user with the right to approve; `why_not`: why not this run, empty if they can."""

    name: str
    email: str
    why_not: str


def deciders(session: Session, run: Run, asked: RunApproval) -> list[Decider]:
    """Everyone with the right to approve who can log in, those who can approve this run first."""
    users = session.scalars(
        select(User)
        .options(selectinload(User.bound_to))
        .where(User.may_approve, User.disabled_at.is_(None))
        .order_by(User.name, User.id)
    )
    found = [Decider(user.name, user.email, _why_not(session, run, asked, user)) for user in users]
    return sorted(found, key=lambda each: bool(each.why_not))


def _why_not(session: Session, run: Run, asked: RunApproval, user: User) -> str:
    if user.email == run.created_by:
        return _("created this run")
    if user.email == asked.requested_by:
        return _("asked for this approval")
    viewer = viewer_of(user)
    if cannot_approve(run, asked, viewer) or not whole_runs(session, viewer, [run.id]):
        return _("sees only other clusters")
    return ""
