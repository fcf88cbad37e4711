"""What a person decides about a returned mail that waits for one: which mail it is of, or that it is none."""

from __future__ import annotations

import re

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp import audit
from webapp.access import Viewer, cannot_change
from webapp.bounces.applying import NotYet, apply
from webapp.errors import NotAllowed, NotFound, Refused
from webapp.store.bounces import MailKind, MatchedBy, ReturnedMail, ReturnEffect, ReturnState
from webapp.store.invoices import Invoice
from webapp.store.runs import Attempt, Result, ResultInvoice
from webapp.store.statuses import Outcome
from webapp.store.types import now
from webapp.translation import N_, _, english

FOR_ALL_CUSTOMERS = N_(
    "What came back and was not matched may be of any customer: only who sees all clusters decides about it."
)
ALREADY = N_("Another person has decided about this mail meanwhile.")
WENT_OUT = (Outcome.ACCEPTED, Outcome.UNKNOWN)
RESULT_ADDRESS = re.compile(r"/results/(\d{1,18})\b")


def match(session: Session, viewer: Viewer, mail_id: int, named: str, *, is_bounce: bool) -> str:
    """Have the mail be about this result: its address, or the number of an invoice, of which the last mail is
    meant. `is_bounce`: the person says that one that was not understood is a bounce. Return what to say.
    Raises Refused."""
    mail = _waiting(session, viewer, mail_id)
    attempt = _attempt(session, _result_id(session, mail, named))
    mail.state, mail.matched_by = ReturnState.MATCHED, MatchedBy.PERSON
    mail.decided_by, mail.decided_at = viewer.name, now()
    if is_bounce:
        mail.kind = MailKind.BOUNCE
    try:
        with english():
            apply(session, mail, attempt, viewer.name)
    except NotYet:
        raise Refused(_("That mail is being sent right now. Try again in a minute.")) from None
    told = f"result {attempt.result_id}, {mail.effect or 'nothing changed'}"
    audit.note(session, viewer.name, "match returned mail", subject(mail), told)
    if mail.effect == ReturnEffect.BOUNCED:
        return _("Matched. The result is bounced now.")
    if mail.effect == ReturnEffect.WARNED:
        return _("Matched. The result warns of it now.")
    return _("Matched. The result shows it; its status stays.")


def dismiss(session: Session, viewer: Viewer, mail_id: int) -> str:
    """Say that nothing is to be done about this mail; return what to say. Raises Refused."""
    mail = _waiting(session, viewer, mail_id)
    mail.state = ReturnState.DISMISSED
    mail.decided_by, mail.decided_at = viewer.name, now()
    audit.note(session, viewer.name, "dismiss returned mail", subject(mail), mail.kind)
    return _("Noted: nothing is to be done about it.")


def subject(mail: ReturnedMail) -> str:
    """A returned mail as the audit trail names it."""
    return f"returned mail {mail.id}"


def _waiting(session: Session, viewer: Viewer, mail_id: int) -> ReturnedMail:
    """The mail, locked, if it still waits for a person and this is one who may decide."""
    if not viewer.may_change:
        raise NotAllowed(cannot_change(viewer), f"returned mail {mail_id}", "match")
    if not viewer.sees_all_returned:
        raise NotAllowed(_(FOR_ALL_CUSTOMERS), f"returned mail {mail_id}", "match")
    mail = session.scalar(select(ReturnedMail).where(ReturnedMail.id == mail_id).with_for_update())
    if mail is None:
        raise NotFound
    if mail.state != ReturnState.UNMATCHED:
        raise Refused(_(ALREADY))
    return mail


def _result_id(session: Session, mail: ReturnedMail, named: str) -> int:
    """The result that a person names; the guess, if they name none."""
    named = named.strip()
    if not named and mail.guess_result_id is not None:
        return mail.guess_result_id
    if not named:
        raise Refused(_("Enter the number of the invoice whose mail came back."))
    if found := RESULT_ADDRESS.search(named):
        return int(found[1])
    went_out = select(Attempt.result_id).where(Attempt.outcome.in_(WENT_OUT))
    last = session.scalar(
        select(Result.id)
        .join(ResultInvoice, ResultInvoice.result_id == Result.id)
        .join(Invoice, Invoice.id == ResultInvoice.invoice_id)
        .where(Invoice.number == named, Result.id.in_(went_out))
        .order_by(Result.id.desc())
        .limit(1)
    )
    if last is None:
        raise Refused(_("No mail of an invoice “%(number)s” has gone out.", number=named[:100]))
    return last


def _attempt(session: Session, result_id: int) -> Attempt:
    """The last attempt of this result that went out."""
    found = session.scalar(
        select(Attempt)
        .where(Attempt.result_id == result_id, Attempt.outcome.in_((*WENT_OUT, Outcome.SENDING)))
        .order_by(Attempt.id.desc())
        .limit(1)
    )
    if found is None:
        raise Refused(_("No mail of this result has gone out."))
    return found
