"""Mails notices: each at least once, with one Message-ID, and never again once a mail server has taken it.

1. A transaction claims a notice: it counts the try, fixes the Message-ID and puts the next try off, so that
   no other worker takes it meanwhile.
2. The mail is handed over. Nothing is locked.
3. A transaction notes that it was taken; or why not, and when it is tried again. After a day it is given up,
   and that is told.

A worker that dies in between leaves a notice that is due again after CLAIM_SECONDS. If the mail server had
taken it, it comes once more, with the same Message-ID."""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlalchemy.orm import Session, joinedload

from webapp import audit, notation, telling
from webapp.access import viewer_of
from webapp.config import Settings
from webapp.extensions import Runtime
from webapp.logs import ids
from webapp.mailing.addresses import BadAddress
from webapp.mailing.compose import Uncomposable
from webapp.mailservers.one_mail import NotSent
from webapp.mailservers.user_mail import UserMail, is_of_customer, mail_user, message_id, notation_of
from webapp.notices.chosen_sender import sender_of_notices
from webapp.notices.listing import is_seen
from webapp.notices.mail_texts import mail_text
from webapp.store.approvals import RunApproval
from webapp.store.installation import Installation, held
from webapp.store.mailservers import Sender
from webapp.store.notices import MailState, Notice, NoticeKind
from webapp.store.statuses import Decision
from webapp.store.types import now
from webapp.translation import N_, english

log = logging.getLogger(__name__)

CLAIM_SECONDS = 600.0
"""How long a worker has for one mail: longer than all waits for a mail server together."""
GIVEN_UP_AFTER = timedelta(days=1)
OF_CUSTOMER = N_("this address is a customer's, too, and notices tell of other customers")
NO_SENDER = N_("no sender is chosen for notices")


@dataclass(frozen=True)
class ClaimedNotice:
    """A notice that this worker mails now. `made_at`: how long it has been tried."""

    id: int
    made_at: datetime
    tries: int
    sender: Sender
    mail: UserMail


def is_due(at: datetime) -> ColumnElement[bool]:
    """Whether the Notice is to be mailed now."""
    return and_(Notice.mail == MailState.WAITING, Notice.next_try_at <= at)


def hand_over(runtime: Runtime, stopping: threading.Event, at: datetime | None = None) -> int:
    """Mail every notice that is due, the oldest first, until one says that the mail server takes none; return
    how many were taken."""
    taken = 0
    while not stopping.is_set():
        with english(), runtime.database.writing() as session:
            if held(session):
                return taken
            claimed = _claim(session, at or now())
        if claimed is None:
            return taken
        if isinstance(claimed, ClaimedNotice):
            problem = _mail(runtime, claimed, stopping)
            if problem is not None and problem.is_about_server:
                return taken
            taken += problem is None
    return taken


def _claim(session: Session, at: datetime) -> ClaimedNotice | bool | None:
    """Claim a notice that is due. None: there is none; False: there was one, and no reason to mail it."""
    due = select(Notice).options(joinedload(Notice.user)).where(is_due(at))
    due = due.order_by(Notice.next_try_at, Notice.id).limit(1)
    notice = session.scalar(due.with_for_update(skip_locked=True, of=Notice))
    if notice is None:
        return None
    sender = sender_of_notices(session)
    contents = _contents(session, notice)
    if why := _why_not(session, notice, sender, contents):
        _settle(session, notice.id, MailState.DROPPED, problem=why)
        return False
    assert sender is not None
    notice.tries += 1
    notice.next_try_at = at + timedelta(seconds=CLAIM_SECONDS)
    notice.message_id = notice.message_id or message_id(sender, secrets.token_hex(12))
    address = session.scalar(select(Installation.notice_address)) or ""
    with notation.reading(notation_of(notice.user)):
        subject, text = mail_text(notice, contents, address)
    mail = UserMail(notice.user.email, subject, text, notice.message_id, notice.made_at)
    return ClaimedNotice(notice.id, notice.made_at, notice.tries, sender, mail)


def _contents(session: Session, notice: Notice) -> Sequence[Notice]:
    """The notices in this digest that its user still sees; of any other notice itself, if they see it."""
    viewer = viewer_of(notice.user)
    if notice.kind == NoticeKind.DIGEST:
        within = select(Notice).where(Notice.digest_id == notice.id, is_seen(viewer)).order_by(Notice.id)
        return session.scalars(within).all()
    return session.scalars(select(Notice).where(Notice.id == notice.id, is_seen(viewer))).all()


def _why_not(session: Session, notice: Notice, sender: Sender | None, contents: Sequence[Notice]) -> str:
    """Why there is no reason to mail this notice any more, in English; empty if there is."""
    if notice.user.disabled_at is not None:
        return N_("the user cannot log in any more")
    if not contents:
        return N_("the user does not see this any more")
    if sender is None:
        return NO_SENDER
    if notice.kind == NoticeKind.APPROVAL_WANTED:
        asked = session.get(RunApproval, notice.details["approval"])
        if asked is None or asked.decision != Decision.WAITING:
            return N_("the request does not wait for an approval any more")
    return OF_CUSTOMER if is_of_customer(session, notice.user.email) else ""


def _mail(runtime: Runtime, claimed: ClaimedNotice, stopping: threading.Event) -> NotSent | None:
    """Hand over the mail, and note how that ended; return why it was not taken."""
    problem = _offer(runtime, claimed)
    if problem is not None:
        _note_failure(runtime, claimed, problem)
        return problem
    at = now()
    runtime.database.persist(
        lambda session: _settle(session, claimed.id, MailState.MAILED, mailed_at=at), give_up=stopping.is_set
    )
    return None


def _offer(runtime: Runtime, claimed: ClaimedNotice) -> NotSent | None:
    """Offer the mail to its mail server; return why it was not taken, in English."""
    try:
        with english():
            mail_user(claimed.sender, claimed.mail, runtime.settings, runtime.database)
    except NotSent as refused:
        return refused
    except (BadAddress, Uncomposable) as why:
        return NotSent(str(why), is_about_server=False)
    return None


def _note_failure(runtime: Runtime, claimed: ClaimedNotice, problem: NotSent) -> None:
    at, words = now(), str(problem)
    log.warning("a notice was not mailed", extra=ids(notice=claimed.id, tries=claimed.tries))
    with english(), runtime.database.writing() as session:
        if at - claimed.made_at < GIVEN_UP_AFTER:
            again = at + timedelta(seconds=pause(runtime.settings, claimed.tries))
            values = {"problem": words, "next_try_at": again}
            session.execute(update(Notice).where(Notice.id == claimed.id).values(values))
            return
        _settle(session, claimed.id, MailState.GIVEN_UP, problem=words)
        audit.note(session, "Mailrun", "notice given up", claimed.mail.to, words)
        day = f"{at.date()}"
        people = telling.administrators(session)
        telling.tell(session, NoticeKind.NOT_MAILED, f"not mailed {day}", people, {"why": words})


def pause(settings: Settings, tries: int) -> float:
    """Seconds until the next try: as of any mail, from MAILRUN_RETRY_FIRST to MAILRUN_RETRY_LAST."""
    return min(settings.retry_first * 2.0 ** min(tries - 1, 20), settings.retry_last)


def _settle(
    session: Session,
    notice_id: int,
    state: MailState,
    *,
    problem: str = "",
    mailed_at: datetime | None = None,
) -> None:
    """Note what became of the mail of this notice, and of the notices in it if it is a digest."""
    session.execute(
        update(Notice)
        .where(
            or_(Notice.id == notice_id, Notice.digest_id == notice_id),
            Notice.mail.in_((MailState.WAITING, MailState.IN_DIGEST)),
        )
        .values(mail=state, next_try_at=None, problem=problem, mailed_at=mailed_at)
        .execution_options(synchronize_session=False)
    )
