"""Sends a test mail of a definition to the person's own address only.

It is marked as a test, has no Bcc, belongs to no run, takes no reservation and counts nowhere."""

from __future__ import annotations

import secrets
from contextlib import closing
from dataclasses import replace

from webapp.config import Settings
from webapp.mailing.addresses import wire_address
from webapp.mailing.renderer import Renderer
from webapp.mailing.texts import Rendered
from webapp.mailservers.reaching import address_of
from webapp.messages.building import NotBuilt, build, to_render
from webapp.messages.inputs import MessageInput
from webapp.smtp import outcomes
from webapp.smtp.envelope import Envelope
from webapp.smtp.server_connection import Waits
from webapp.smtp.transport import Conversation
from webapp.store.documents import DocumentStore
from webapp.store.mailservers import MailServer
from webapp.translation import _, translated

TEST_MAIL_TIME_LIMIT = 20.0
"""Seconds that a mail server may take for each answer: a person waits for it."""


class NotSent(Exception):
    """No test mail was sent; the message says why, in words."""


def send_test(
    work: MessageInput,
    to: str,
    server: MailServer,
    renderer: Renderer,
    documents: DocumentStore,
    settings: Settings,
) -> str:
    """Hand the mail to the mail server; return its reply. Raises NotSent.

    In safe mode it goes to the redirect address, as every mail does. Nothing is tried again."""
    address = wire_address(settings.redirect_to or to)
    rendered = renderer.render(to_render(work))
    if isinstance(rendered, Rendered):
        rendered = replace(rendered, subject=f"[Test] {rendered.subject}")
    domain = work.message_id.rpartition("@")[2]
    marked = replace(work, bcc=(), message_id=f"<test.{secrets.token_hex(12)}@{domain}")
    message = build(marked, rendered, documents, address)
    if isinstance(message, NotBuilt):
        raise NotSent(message.words)
    envelope = Envelope(message.envelope.sender, (address,))
    where = address_of(server, settings)
    waits = Waits(
        min(TEST_MAIL_TIME_LIMIT, settings.smtp_timeout),
        min(TEST_MAIL_TIME_LIMIT, settings.smtp_data_timeout),
    )
    with closing(Conversation(where, waits)) as conversation:
        trouble = conversation.open()
        offer = trouble or conversation.offer(envelope, message.mail.data)
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
