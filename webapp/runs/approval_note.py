"""What the page of a run says of its approval."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from webapp import notation
from webapp.access import Viewer
from webapp.lifecycle import approvals
from webapp.lifecycle.rights import cannot_approve
from webapp.store.approvals import RunApproval
from webapp.store.runs import Run
from webapp.store.statuses import Decision, RunStatus
from webapp.stored_texts import retold
from webapp.translation import _


@dataclass(frozen=True)
class ApprovalNote:
    """`needed`: why Start would ask for an approval, empty if it would not. `title` and `text`: the note at
    the head of the page, empty if there is none. `may_decide`: this person may approve the run that waits."""

    needed: str = ""
    title: str = ""
    text: str = ""
    may_decide: bool = False


def approval_note(session: Session, run: Run, viewer: Viewer) -> ApprovalNote:
    """What to say to a person who sees the whole run."""
    if run.status not in (RunStatus.CREATED, RunStatus.STOPPED):
        return ApprovalNote()
    asked = approvals.latest(session, run.id)
    if asked is not None and asked.decision == Decision.WAITING:
        title = _("This run waits for an approval.")
        text = _(
            "%(person)s pressed Start on %(day)s at %(time)s; it starts once another person has approved it.",
            person=asked.requested_by,
            day=notation.day(notation.local(asked.requested_at)),
            time=notation.clock(asked.requested_at),
        )
        return ApprovalNote("", title, text, may_decide=not cannot_approve(run, asked, viewer))
    needed = approvals.why_not_yet(session, run)
    if asked is not None and asked.decision == Decision.REJECTED:
        return ApprovalNote(needed, decision_words(asked), retold(asked.reason))
    return ApprovalNote(needed)


def decision_words(asked: RunApproval) -> str:
    """What was decided, by whom."""
    person = asked.decided_by
    match asked.decision:
        case Decision.APPROVED:
            return _("%(person)s approved this run.", person=person)
        case Decision.REJECTED:
            return _("%(person)s rejected this run.", person=person)
        case Decision.WITHDRAWN:
            return _("%(person)s withdrew the request for approval.", person=person)
        case Decision.VOID:
            return _("The request for approval is void: another took its place.")
        case _other:
            return _("This run waits for an approval.")
