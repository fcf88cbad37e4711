"""Mails to users, in their language: the one-time link of an invitation or of a forgotten password."""

from __future__ import annotations

import secrets
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from webapp import notation
from webapp.extensions import Runtime
from webapp.mailing.addresses import wire_address
from webapp.mailing.compose import MailDraft, compose
from webapp.mailservers.one_mail import send_one
from webapp.smtp.envelope import Envelope
from webapp.store.mailservers import Sender
from webapp.store.types import now
from webapp.store.users import User
from webapp.translation import _, ngettext
from webapp.users.links import HOURS


def senders(session: Session) -> list[Sender]:
    """The senders that a notice can come from, each with its mail server."""
    query = select(Sender).options(joinedload(Sender.mail_server)).order_by(Sender.key)
    return list(session.scalars(query))


def mail_link(sender: Sender, user: User, address: str, by: str, runtime: Runtime) -> None:
    """Mail this address of a one-time link to the user, in the user's language. In safe mode it goes to the
    redirect address, as every mail does. Raises NotSent."""
    recipient = wire_address(runtime.settings.redirect_to or user.email)
    wire = wire_address(sender.address)
    language = user.language or notation.current().language
    with notation.reading(replace(notation.current(), language=language)):
        subject, text = _words(user, address, by)
    draft = MailDraft(
        sender=(wire, sender.display_name),
        reply_to="",
        to=((recipient, ""),),
        subject=subject,
        text=text,
        html=None,
        message_id=f"<notice.{secrets.token_hex(12)}@{wire.rpartition('@')[2]}>",
        date=now(),
        invoice_ids=frozenset(),
    )
    envelope = Envelope(wire_address(sender.envelope_sender or sender.address), (recipient,))
    send_one(sender.mail_server, envelope, compose(draft, ()).data, runtime.settings, runtime.database)


def _words(user: User, address: str, by: str) -> tuple[str, str]:
    """Subject and text."""
    if user.password_hash:
        subject = _("Choose another password for Mailrun")
        first = _("%(who)s made you a link, by which you choose another password for Mailrun:", who=by)
    else:
        subject = _("Your invitation to Mailrun")
        first = _("%(who)s invites you to Mailrun. Choose a password here:", who=by)
    once = ngettext(
        "The link opens once, within %(num)s hour. Pass it on to no one: who opens it chooses the password.",
        "The link opens once, within %(num)s hours. Pass it on to no one: who opens it chooses the password.",
        HOURS,
    )
    return subject, f"{first}\n\n{address}\n\n{once}\n"
