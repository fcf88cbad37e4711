"""Mails to users: invitations and notices. They go out one by one, apart from every run, and to no one but
the user; in safe mode to the redirect address, as every mail does."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from webapp.config import Settings
from webapp.mailing.addresses import BadAddress, wire_address
from webapp.mailing.compose import MailDraft, compose
from webapp.mailservers.one_mail import send_one
from webapp.notation import DateStyle, Notation, NumberStyle
from webapp.smtp.envelope import Envelope
from webapp.store.customers import CustomerEmail
from webapp.store.database import Database
from webapp.store.mailservers import Sender
from webapp.store.users import User


@dataclass(frozen=True)
class UserMail:
    """A mail to the user at `to`. With the same `message_id` it is the same mail, however often it comes."""

    to: str
    subject: str
    text: str
    message_id: str
    date: datetime


def message_id(sender: Sender, key: str) -> str:
    """The Message-ID of a mail from this sender; `key`: random, or kept with what the mail is about."""
    return f"<notice.{key}@{wire_address(sender.address).rpartition('@')[2]}>"


def mail_user(sender: Sender, mail: UserMail, settings: Settings, database: Database) -> str:
    """Hand the mail over; return the mail server's reply. Raises NotSent, and BadAddress or Uncomposable for
    one that cannot be made."""
    recipient = wire_address(mail.to)
    goes_to = wire_address(settings.redirect_to) if settings.redirect_to else recipient
    is_redirected = bool(settings.redirect_to)
    draft = MailDraft(
        sender=(wire_address(sender.address), sender.display_name),
        reply_to="",
        to=((goes_to, ""),),
        subject=f"[to {recipient}] {mail.subject}" if is_redirected else mail.subject,
        text=mail.text,
        html=None,
        message_id=mail.message_id,
        date=mail.date,
        invoice_ids=frozenset(),
        real_recipients=(recipient,) if is_redirected else (),
    )
    envelope = Envelope(wire_address(sender.envelope_sender or sender.address), (goes_to,))
    return send_one(sender.mail_server, envelope, compose(draft, ()).data, settings, database)


def is_of_customer(session: Session, address: str) -> bool:
    """Whether a customer has this address, too. Notices never go to one: they tell of other customers.

    Addresses are stored as they go on the wire, in ASCII (`checked_address`), so `lower` is the same on both
    databases. It has an index (ix_customer_email_lower_address)."""
    with suppress(BadAddress):
        address = wire_address(address)
    same = func.lower(CustomerEmail.address) == address.lower()
    return session.scalar(select(CustomerEmail.id).where(same).limit(1)) is not None


def senders(session: Session) -> list[Sender]:
    """The senders that a mail to a user can come from, each with its mail server."""
    query = select(Sender).options(joinedload(Sender.mail_server)).order_by(Sender.key)
    return list(session.scalars(query))


def notation_of(user: User) -> Notation:
    """How this user reads. Without a language of their own: English."""
    styles = (DateStyle(user.date_style), NumberStyle(user.number_style))
    return Notation(user.time_zone, *styles, user.language or "en")
