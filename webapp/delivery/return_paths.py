"""Has a mail come back to an address of its own, if its sender's mailbox is read for bounces."""

from __future__ import annotations

from dataclasses import replace

from webapp.mailing import return_address
from webapp.messages.building import Message
from webapp.messages.inputs import MessageInput


def returning(message: Message, inputs: MessageInput, secret_key: str) -> Message:
    """The mail with the token of the attempt that is about to begin in its envelope. The mail itself stays
    as it is."""
    if not inputs.content["sender"].get("returns_signed"):
        return message
    token = return_address.sign(secret_key, inputs.result_id, inputs.attempts + 1)
    envelope = message.envelope
    signed = return_address.with_token(envelope.sender, token)
    return replace(message, envelope=replace(envelope, sender=signed, id=token))
