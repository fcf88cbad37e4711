"""Hands one mail to a mail server while a person waits: a test, an invitation. It belongs to no run, takes no
connection slot, and nothing is tried again."""

from __future__ import annotations

from contextlib import closing

from webapp.config import Settings
from webapp.mailservers.reaching import address_of
from webapp.smtp import outcomes
from webapp.smtp.envelope import Envelope
from webapp.smtp.server_connection import Waits
from webapp.smtp.transport import Conversation
from webapp.store.database import Database
from webapp.store.mailservers import MailServer
from webapp.translation import _, translated

ANSWER_SECONDS_MAX = 20.0
"""How long a mail server may take for each answer."""


class NotSent(Exception):
    """The mail was not sent; the message says why, in words."""


def send_one(
    server: MailServer, envelope: Envelope, data: bytes, settings: Settings, database: Database
) -> str:
    """Hand the mail to the mail server; return its reply. Raises NotSent."""
    waits = Waits(
        min(ANSWER_SECONDS_MAX, settings.smtp_timeout), min(ANSWER_SECONDS_MAX, settings.smtp_data_timeout)
    )
    with closing(Conversation(address_of(server, settings, database), waits)) as conversation:
        trouble = conversation.open()
        offer = trouble or conversation.offer(envelope, data)
        if not isinstance(offer, outcomes.Offered):
            raise NotSent(_words(offer))
        finish = conversation.send_dot() or conversation.reply_to_dot()
    if isinstance(finish, outcomes.Accepted):
        return str(finish.reply)
    raise NotSent(_words(finish))


def _words(outcome: outcomes.Offer | outcomes.Finish) -> str:
    match outcome:
        case outcomes.ServerTrouble() | outcomes.Broken() | outcomes.Unknown():
            return translated(outcome.words)
        case outcomes.Deferred() | outcomes.Rejected():
            return _("the mail server answered: %(reply)s", reply=outcome.reply)
    return _("the mail server did not take it")
