"""The mail that a person sends from the page of a mail server, to see that one arrives."""

from __future__ import annotations

import secrets

from webapp.mailing.compose import MailDraft, compose
from webapp.store.types import now
from webapp.translation import N_, _

SUBJECT = N_("Test mail from Mailrun")
TEXT = N_(
    "This is a test mail from Mailrun. It went out over the mail server “%(server)s”, because %(who)s asked "
    "for "
    "it.\n\nIt has no document. Nothing has to be done.\n"
)


def trial_mail(server: str, sender: tuple[str, str], recipient: str, who: str) -> bytes:
    """A short mail to this address. `sender`: address and display name; `who`: who asks for it."""
    address = sender[0]
    draft = MailDraft(
        sender=sender,
        reply_to="",
        to=((recipient, ""),),
        subject=_(SUBJECT),
        text=_(TEXT, server=server, who=who),
        html=None,
        message_id=f"<test.{secrets.token_hex(12)}@{address.rpartition('@')[2]}>",
        date=now(),
        invoice_ids=frozenset(),
    )
    return compose(draft, ()).data
