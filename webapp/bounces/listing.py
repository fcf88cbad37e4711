"""What the pages show of returned mails."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, exists, func, select
from sqlalchemy.orm import Session, defer

from webapp.access import Viewer, visible_to
from webapp.bounces import words
from webapp.store.bounces import Mailbox, MailKind, ReturnedMail, ReturnEffect, ReturnState
from webapp.store.customers import Customer
from webapp.store.invoices import Invoice
from webapp.store.runs import Result, Run
from webapp.store.types import now

SHOWN_MAX, OF_RESULT_MAX = 50, 5
DAYS_COUNTED = 30
RAW_SHOWN_MAX = 100_000
"""Characters of a mail that a page shows."""


@dataclass(frozen=True)
class ReturnedLine:
    """A returned mail in a list, with the result that it is about, or may be."""

    mail: ReturnedMail
    result: Result | None = None
    customer: Customer | None = None
    number: str = ""
    run_name: str = ""

    @property
    def says(self) -> str:
        """What it says, in words."""
        return words.says(self.mail)

    @property
    def ground(self) -> str:
        """Why the guess is one."""
        return words.ground(self.mail)

    @property
    def matched_by(self) -> str:
        """How it was matched."""
        return words.matched_by(self.mail)

    @property
    def raw(self) -> str:
        """The mail as it came, as text; only of a line that was loaded whole."""
        return raw_text(self.mail)

    @property
    def may_be_bounce(self) -> bool:
        """Whether a person may say that it is a bounce, though it was not understood."""
        return self.mail.kind in (MailKind.OTHER, MailKind.REPLY)


@dataclass(frozen=True)
class ReturnCounts:
    """How many returned mails were read in the last days, and what they were."""

    read: int
    matched: int
    unmatched: int
    automatic: int


def unmatched(session: Session, viewer: Viewer) -> list[ReturnedLine]:
    """Those that wait for a person, the newest first; none for a person who does not see all customers."""
    if not viewer.sees_all_returned:
        return []
    waiting = _without_raw().where(ReturnedMail.state == ReturnState.UNMATCHED)
    mails = session.scalars(waiting.order_by(ReturnedMail.id.desc()).limit(SHOWN_MAX)).all()
    return _lines(session, viewer, mails)


def count_unmatched(session: Session, viewer: Viewer) -> int:
    """How many wait for a person."""
    if not viewer.sees_all_returned:
        return 0
    return session.scalar(select(func.count()).where(ReturnedMail.state == ReturnState.UNMATCHED)) or 0


def matched(session: Session, viewer: Viewer, before: int | None) -> list[ReturnedLine]:
    """Those that a result is known for, the newest first; from before this id on. One more than are shown, if
    there are more."""
    seen = select(Result.id).where(Result.id == ReturnedMail.result_id, visible_to(viewer, Result))
    found = _without_raw().where(ReturnedMail.state == ReturnState.MATCHED, seen.exists())
    if before is not None:
        found = found.where(ReturnedMail.id < before)
    mails = session.scalars(found.order_by(ReturnedMail.id.desc()).limit(SHOWN_MAX + 1)).all()
    return _lines(session, viewer, mails)


def of_result(session: Session, result_id: int) -> list[ReturnedLine]:
    """What came back of this result's mails, the newest first, whole. Who sees the result sees them."""
    found = select(ReturnedMail).where(ReturnedMail.result_id == result_id).order_by(ReturnedMail.id.desc())
    return [ReturnedLine(mail) for mail in session.scalars(found.limit(OF_RESULT_MAX))]


def one(session: Session, viewer: Viewer, mail_id: int) -> ReturnedLine | None:
    """This returned mail, whole, if the person may see it: with the result that it is about, or if they see
    all customers."""
    mail = session.get(ReturnedMail, mail_id)
    if mail is None:
        return None
    if not viewer.sees_all_returned:
        ours = exists().where(Result.id == mail.result_id, visible_to(viewer, Result))
        if mail.result_id is None or not session.scalar(select(ours)):
            return None
    return _lines(session, viewer, [mail])[0]


def raw_text(mail: ReturnedMail) -> str:
    """The bytes of the mail as text, to be read and not interpreted; empty if they are no longer kept."""
    if mail.raw is None:
        return ""
    return zlib.decompress(mail.raw).decode("utf-8", "replace").replace("\r\n", "\n")[:RAW_SHOWN_MAX]


def mailboxes(session: Session) -> Sequence[Mailbox]:
    """All mailboxes, by name."""
    return session.scalars(select(Mailbox).order_by(Mailbox.name)).all()


def counts(session: Session, at: datetime | None = None) -> ReturnCounts:
    """What was read in the last days."""
    since = (at or now()) - timedelta(days=DAYS_COUNTED)
    rows = session.execute(
        select(ReturnedMail.kind, ReturnedMail.state, func.count())
        .where(ReturnedMail.read_at >= since)
        .group_by(ReturnedMail.kind, ReturnedMail.state)
    ).all()
    return ReturnCounts(
        read=sum(n for _, _, n in rows),
        matched=sum(n for _, state, n in rows if state == ReturnState.MATCHED),
        unmatched=sum(n for _, state, n in rows if state == ReturnState.UNMATCHED),
        automatic=sum(n for kind, _, n in rows if kind == MailKind.AUTO_REPLY),
    )


def bounced_addresses(session: Session, result_ids: Iterable[int]) -> dict[int, list[str]]:
    """The addresses that mails of these results came back from."""
    found: dict[int, list[str]] = {}
    rows = session.execute(
        select(ReturnedMail.result_id, ReturnedMail.recipients).where(
            ReturnedMail.result_id.in_(list(result_ids)), ReturnedMail.effect == ReturnEffect.BOUNCED
        )
    )
    for result_id, recipients in rows:
        failed = [each["address"] for each in recipients if each["action"] == "failed"]
        found.setdefault(result_id or 0, []).extend(failed)
    return found


def _without_raw() -> Select[ReturnedMail]:
    return select(ReturnedMail).options(defer(ReturnedMail.raw, raiseload=True))


def _lines(session: Session, viewer: Viewer, mails: Sequence[ReturnedMail]) -> list[ReturnedLine]:
    """The mails with what they are about; of a guess only what the person may see."""
    ids = {mail.result_id or mail.guess_result_id for mail in mails} - {None}
    rows = session.execute(
        select(Result, Customer, Invoice.number, Run.name)
        .join(Customer, Customer.id == Result.customer_id)
        .join(Run, Run.id == Result.run_id)
        .outerjoin(Invoice, Invoice.id == Result.lead_invoice_id)
        .where(Result.id.in_(ids), visible_to(viewer, Result))
    ).all()
    about = {result.id: (result, customer, number or "", run) for result, customer, number, run in rows}
    return [ReturnedLine(mail, *about.get(mail.result_id or mail.guess_result_id or 0, ())) for mail in mails]
