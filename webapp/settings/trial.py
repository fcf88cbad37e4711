"""The mail that a person sends from the page of a mail server, to see that one arrives."""

from __future__ import annotations

import secrets

from webapp.mailing.compose import MailDraft, compose
from webapp.store.types import now

SUBJECT = "Test mail from Mailrun"
TEXT = """\
This is a test mail from Mailrun. It went out over the mail server “{server}”, because {who} asked for it.

It has no document. Nothing has to be done.
"""


def trial_mail(server: str, sender: tuple[str, str], recipient: str, who: str) -> bytes:
    """A short mail to this address. `sender`: address and display name; `who`: who asks for it."""
    address = sender[0]
    draft = MailDraft(
        sender=sender,
        reply_to="",
        to=((recipient, ""),),
        subject=SUBJECT,
        text=TEXT.format(server=server, who=who),
        html=None,
        message_id=f"<test.{secrets.token_hex(12)}@{address.rpartition('@')[2]}>",
        date=now(),
        invoice_ids=frozenset(),
    )
    return compose(draft, ()).data
