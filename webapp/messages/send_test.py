"""Sends a test mail of a definition to the person's own address only.

It is marked as a test, has no Bcc, belongs to no run, takes no reservation and counts nowhere."""

from __future__ import annotations

import secrets
from dataclasses import replace

from webapp.extensions import Runtime
from webapp.mailing.addresses import wire_address
from webapp.mailing.texts import Rendered
from webapp.mailservers.one_mail import NotSent, send_one
from webapp.messages.building import NotBuilt, build, to_render
from webapp.messages.inputs import MessageInput
from webapp.smtp.envelope import Envelope
from webapp.store.mailservers import MailServer


def send_test(
    work: MessageInput,
    to: str,
    server: MailServer,
    runtime: Runtime,
) -> str:
    """Hand the mail to the mail server; return its reply. Raises NotSent.

    In safe mode it goes to the redirect address, as every mail does. Nothing is tried again."""
    address = wire_address(runtime.settings.redirect_to or to)
    rendered = runtime.renderer.render(to_render(work))
    if isinstance(rendered, Rendered):
        rendered = replace(rendered, subject=f"[Test] {rendered.subject}")
    domain = work.message_id.rpartition("@")[2]
    marked = replace(work, bcc=(), message_id=f"<test.{secrets.token_hex(12)}@{domain}")
    message = build(marked, rendered, runtime.documents, address)
    if isinstance(message, NotBuilt):
        raise NotSent(message.words, is_about_server=False)
    envelope = Envelope(message.envelope.sender, (address,))
    return send_one(server, envelope, message.mail.data, runtime.settings, runtime.database)
