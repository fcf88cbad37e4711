"""Applies a returned mail to the result that it is about: the status, the warning, and the audit trail, in
the transaction that stores it."""

from __future__ import annotations

from sqlalchemy import update
from sqlalchemy.orm import Session

from webapp import audit
from webapp.bounces import words
from webapp.lifecycle.results import RELEASE_CLAIM, LockedResult, lock_results, transition
from webapp.store.bounces import MailKind, ReturnedMail, ReturnEffect
from webapp.store.runs import Attempt, Result, Run
from webapp.store.statuses import ResultStatus
from webapp.translation import N_

ACTOR = "Mailrun"
"""Who the audit trail says it was, where no person decided."""
BOUNCED, WARNED = "mail bounced", "mail complained about"
"""The actions in the audit trail. Which results they are about stands at the end, as results/bulk.py does."""

CAME_BACK = N_("came back: %(why)s")
ONE_CAME_BACK = N_("came back from %(address)s, one of %(all)s addresses: %(why)s")
COPY_CAME_BACK = N_("the copy to %(address)s came back: %(why)s")
COMPLAINED = N_("the recipient reported this mail as spam")


class NotYet(Exception):
    """As far as the database knows, the mail that came back is still on the wire: its worker is about to
    commit the server's answer. Read the returned mail again later."""


def apply(session: Session, mail: ReturnedMail, attempt: Attempt, actor: str = ACTOR) -> None:
    """Have this returned mail change the result of this attempt, and note what it changed. Raises NotYet."""
    mail.result_id, mail.attempt_number = attempt.result_id, attempt.number
    mail.effect = ReturnEffect.NOTED
    if mail.kind == MailKind.BOUNCE and not attempt.redirected_to:
        _bounced(session, mail, attempt, actor)
    elif mail.kind == MailKind.COMPLAINT:
        _warn(session, mail, attempt, COMPLAINED, actor)


def _bounced(session: Session, mail: ReturnedMail, attempt: Attempt, actor: str) -> None:
    """A mail to the customer came back: its result is `bounced`. Of the copies alone (Bcc), it only warns."""
    failed = [each["address"] for each in mail.recipients if each["action"] == "failed"]
    to, copies = ({each.lower() for each in known} for known in (attempt.recipients, attempt.bcc))
    why = words.told(mail.code, mail.reply)
    if failed and all(address in copies and address not in to for address in failed):
        _warn(session, mail, attempt, COPY_CAME_BACK % {"address": failed[0], "why": why}, actor)
        return
    ours = [address for address in failed if address in to]
    detail = CAME_BACK % {"why": why}
    if ours and len(to) > len(set(ours)):
        detail = ONE_CAME_BACK % {"address": ours[0], "all": len(to), "why": why}
    [row] = lock_results(session, Result.id == attempt.result_id)
    result = session.get_one(Result, row.id, populate_existing=True)
    if result.attempts != attempt.number:
        return  # sent again since: what became of that mail, this one does not say
    if row.status == ResultStatus.SENDING:
        raise NotYet
    if not _moved(session, result, row, attempt, detail):
        return
    mail.effect = ReturnEffect.BOUNCED
    run = session.get_one(Run, result.run_id)
    audit.audit(session, actor, BOUNCED, run, f"{detail}, returned mail {mail.id}; results {result.id}")


def _moved(session: Session, result: Result, row: LockedResult, attempt: Attempt, detail: str) -> bool:
    """Move the locked result to `bounced`, if its mail went out as far as we know. What comes back has gone
    out: so an unconfirmed one was sent."""
    values = {"detail": detail}
    if row.status == ResultStatus.UNCONFIRMED:
        sent_at = attempt.ended_at or attempt.started_at
        sent = {**RELEASE_CLAIM, "sent_at": sent_at}
        transition(session, result.run_id, [row], ResultStatus.SENT, values=sent)
        row = LockedResult(row.id, ResultStatus.SENT, "")
    if row.status == ResultStatus.SENT:
        transition(session, result.run_id, [row], ResultStatus.BOUNCED, values=values)
        return True
    went_out = (ResultStatus.SENT, ResultStatus.UNCONFIRMED)
    if row.status == ResultStatus.REMOVED and result.removed_from in went_out:
        session.execute(
            update(Result)
            .where(Result.id == result.id)
            .values(removed_from=ResultStatus.BOUNCED, detail=detail)
            .execution_options(synchronize_session=False)
        )
        return True
    return False


def _warn(session: Session, mail: ReturnedMail, attempt: Attempt, warning: str, actor: str) -> None:
    """Add to what the result warns of."""
    lock_results(session, Result.id == attempt.result_id)
    result = session.get_one(Result, attempt.result_id, populate_existing=True)
    said = result.warning.split("; ") if result.warning else []
    if warning not in said:
        result.warning = "; ".join([*said, warning])
        session.flush()
    mail.effect = ReturnEffect.WARNED
    run = session.get_one(Run, result.run_id)
    action = WARNED if mail.kind == MailKind.COMPLAINT else BOUNCED
    audit.audit(session, actor, action, run, f"{warning}, returned mail {mail.id}; results {result.id}")
