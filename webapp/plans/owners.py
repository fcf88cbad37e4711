"""In whose name a plan makes and starts its runs, and whether that person still may."""

from __future__ import annotations

from webapp.access import Viewer, viewer_of
from webapp.errors import NotAllowed
from webapp.lifecycle.rights import must_have_the_right
from webapp.store.plans import Plan
from webapp.store.users import User
from webapp.translation import N_, _

SAVE_AGAIN = N_("A person who has the right to send can save the plan: it then works in their name.")


def sending_owner(owner: User) -> Viewer:
    """The owner of a plan, who may have mails go out. Raises Refused for one who may no longer."""
    if owner.disabled_at is not None:
        words = _("%(person)s, in whose name this plan works, cannot log in any more.", person=owner.email)
        raise NotAllowed(f"{words} {_(SAVE_AGAIN)}", "plans", "the owner is disabled")
    viewer = viewer_of(owner)
    try:
        must_have_the_right(viewer)
    except NotAllowed as refusal:
        words = _("%(person)s, in whose name this plan works, may not send any more.", person=owner.email)
        raise NotAllowed(f"{words} {_(SAVE_AGAIN)}", refusal.subject, refusal.detail) from None
    return viewer


def subject(plan: Plan) -> str:
    """What the audit trail calls this plan."""
    return f"plan {plan.name}"
