"""Hands one mail to a mail server, apart from all runs: a test, an invitation, a notice. It takes no
connection slot, and nothing is tried again here."""

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
    """The mail was not sent; the message says why, in words. `is_about_server`: another mail would not have
    been taken either."""

    def __init__(self, words: str, *, is_about_server: bool) -> None:
        super().__init__(words)
        self.is_about_server = is_about_server


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
            raise _not_sent(offer)
        finish = conversation.send_dot() or conversation.reply_to_dot()
    if isinstance(finish, outcomes.Accepted):
        return str(finish.reply)
    raise _not_sent(finish)


def _not_sent(outcome: outcomes.Offer | outcomes.Finish) -> NotSent:
    is_about_mail = isinstance(outcome, outcomes.Deferred | outcomes.Rejected)
    return NotSent(_words(outcome), is_about_server=not is_about_mail)


def _words(outcome: outcomes.Offer | outcomes.Finish) -> str:
    match outcome:
        case outcomes.ServerTrouble() | outcomes.Broken() | outcomes.Unknown():
            return translated(outcome.words)
        case outcomes.Deferred() | outcomes.Rejected():
            return _("the mail server answered: %(reply)s", reply=outcome.reply)
    return _("the mail server did not take it")
