"""What a person needs to change a run, or to have mails go out. Refusals are in the audit trail."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.access import OPERATOR, Viewer, cannot_change, viewer_of, whole_runs
from webapp.errors import NotAllowed, Refused
from webapp.store.approvals import RunApproval
from webapp.store.installation import held
from webapp.store.runs import Run
from webapp.store.users import User
from webapp.translation import _


def must_not_be_held(session: Session) -> None:
    """Raise Refused if this installation may not send."""
    if why := held(session):
        raise Refused(_("Nothing can be started: %(why)s.", why=_(why)))


def must_be_allowed(viewer: Viewer) -> None:
    """Raise Refused if this person may not change anything."""
    if not viewer.may_change:
        raise NotAllowed(cannot_change(viewer), "runs", f"the role {viewer.role} changes no run")


def must_have_the_right(viewer: Viewer) -> None:
    """Raise Refused if this person may not have mails go out."""
    must_be_allowed(viewer)
    if not viewer.may_send:
        words = _(
            "You prepare runs, but do not have the right to send. Ask a person who has it, or ask an "
            "administrator for it."
        )
        raise NotAllowed(words, "runs", "no right to send")


def may_still_send(session: Session, run: Run, name: str) -> bool:
    """Whether the person of this name, who asked for the run to be started, may start it now."""
    if name == OPERATOR.name:
        return True
    user = session.scalar(
        select(User).where(User.email == name, User.disabled_at.is_(None)).with_for_update()
    )
    return (
        user is not None and viewer_of(user).may_send and bool(whole_runs(session, viewer_of(user), [run.id]))
    )


def cannot_approve(run: Run, asked: RunApproval, viewer: Viewer) -> str:
    """Why this person may not decide about this run; empty if they may. Whether they see it whole is asked
    elsewhere."""
    if not viewer.may_approve:
        return _("You do not have the right to approve runs.")
    if viewer.name == run.created_by:
        return _("You created this run, so another person has to approve it.")
    if viewer.name == asked.requested_by:
        return _("You asked for this approval, so another person has to give it.")
    return ""
