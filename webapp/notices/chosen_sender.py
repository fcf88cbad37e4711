"""By which sender notices are mailed, after how long a wait, and where their links lead."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, joinedload

from webapp import edits
from webapp.access import Viewer
from webapp.errors import Refused
from webapp.store.installation import Installation
from webapp.store.mailservers import Sender
from webapp.store.notices import MailState, Notice
from webapp.translation import N_, _

FOR_ADMINS = N_("Only administrators who see all clusters set how notices are mailed. Ask one of them.")
SUBJECT = "notices"
MINUTES_MAX = 7 * 24 * 60
ADDRESS = re.compile(r"https?://[^\s/?#\"'<>]+(/[^\s?#\"'<>]*)?")


@dataclass(frozen=True)
class NoticeSettings:
    """As a form has them: the id of the sender, empty for none; minutes; the address of the pages."""

    sender: str
    minutes: str
    address: str

    def told(self, session: Session) -> dict[str, str]:
        """As the audit trail tells it."""
        key = session.scalar(select(Sender.key).where(Sender.id == int(self.sender))) if self.sender else ""
        return {"sender": key or "none", "minutes": self.minutes, "address": self.address or "none"}


def stored(session: Session) -> NoticeSettings:
    """What holds now."""
    sender = session.scalar(select(Sender.id).where(Sender.for_notices))
    row = session.execute(select(Installation.notice_minutes, Installation.notice_address)).one_or_none()
    minutes, address = row or (15, "")
    return NoticeSettings("" if sender is None else str(sender), str(minutes), address)


def sender_of_notices(session: Session) -> Sender | None:
    """The sender that notices come from, with its mail server; None if they are not mailed."""
    return session.scalar(select(Sender).options(joinedload(Sender.mail_server)).where(Sender.for_notices))


def change(session: Session, viewer: Viewer, form: Mapping[str, str]) -> bool:
    """Store what the form says, unless it was changed since the form was shown; return whether anything
    differs. Raises Refused."""
    if not viewer.manages_users:
        raise Refused(_(FOR_ADMINS))
    wanted = _checked(session, form)
    before = stored(session)
    edits.refuse_if_changed(session, SUBJECT, asdict(before), form.get("seen", ""))
    if wanted.sender != before.sender:
        session.execute(update(Sender).where(Sender.for_notices).values(for_notices=False))
    if wanted.sender:
        session.execute(update(Sender).where(Sender.id == int(wanted.sender)).values(for_notices=True))
    session.execute(
        update(Installation).values(notice_minutes=int(wanted.minutes), notice_address=wanted.address)
    )
    session.expire_all()
    return edits.note_change(session, viewer.name, SUBJECT, before.told(session), wanted.told(session))


def typed(form: Mapping[str, str]) -> NoticeSettings:
    """What the form says, as it was typed."""
    return NoticeSettings(*(form.get(name, "").strip() for name in ("sender", "minutes", "address")))


def _checked(session: Session, form: Mapping[str, str]) -> NoticeSettings:
    given = typed(form)
    if given.sender and not _is_sender(session, given.sender):
        raise Refused(_("Choose a sender from the list."))
    if not given.minutes.isdecimal() or not 1 <= int(given.minutes[:9]) <= MINUTES_MAX:
        raise Refused(_("Enter the minutes in digits, from 1 to 10080."))
    address = given.address.rstrip("/")
    if address and not (ADDRESS.fullmatch(address) and len(address) <= 200):
        raise Refused(_("Enter the address as a browser shows it, such as https://mailrun.example.com."))
    return NoticeSettings(given.sender, str(int(given.minutes)), address)


def _is_sender(session: Session, id: str) -> bool:
    if not id.isdecimal() or len(id) > 9:
        return False
    return session.scalar(select(Sender.id).where(Sender.id == int(id))) is not None


def mail_counts(session: Session) -> dict[str, int]:
    """How many notices of the last months are in each state of their mail."""
    counted = select(Notice.mail, func.count()).group_by(Notice.mail)
    return dict.fromkeys(MailState, 0) | {state: n for state, n in session.execute(counted)}
