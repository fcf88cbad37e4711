"""The tables of messaging.toml: their keys, what each may hold, and by which of them a thing is found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from webapp.imports import toml_values as check
from webapp.imports.kinds import longest
from webapp.imports.toml_values import TomlCheck
from webapp.store.customers import RecipientKey
from webapp.store.definitions import MessageDefinition, MessageTemplate, TemplatePart, TemplateText
from webapp.store.invoices import Transformation
from webapp.store.mailservers import CONNECTIONS, MailServer, Sender
from webapp.store.statuses import OutputType, Security, TemplateFormat

NEEDED = object()
"""The default of a key that must be there."""

MOST_CONNECTIONS = 1000
MOST_A_MINUTE = 10_000_000

NATURAL = {
    "mail_server": ("name",),
    "sender": ("key",),
    "recipient_key": ("key",),
    "transformation": ("name",),
    "template": ("name", "language"),
    "template_part": ("name", "language"),
    "definition": ("name",),
}


@dataclass(frozen=True)
class Key:
    check: TomlCheck
    default: Any = NEEDED


def keys(bcc_domains: Sequence[str] = ()) -> dict[str, dict[str, Key]]:
    """The keys of every table. `bcc_domains`: where a Bcc may go; none: anywhere."""
    transformation = longest(Transformation.name)
    return {
        "mail_server": {
            "name": Key(check.text(longest(MailServer.name))),
            "host": Key(check.host(longest(MailServer.host))),
            "port": Key(check.whole(1, 65535)),
            "security": Key(check.word(Security)),
            "username": Key(check.text(longest(MailServer.username), empty=True), ""),
            "password_env": Key(check.variable, ""),
            "rate_per_minute": Key(check.whole(0, MOST_A_MINUTE), 0),
            "domain_rate_per_minute": Key(check.whole(0, MOST_A_MINUTE), 0),
            "max_connections": Key(check.whole(1, MOST_CONNECTIONS), CONNECTIONS),
        },
        "sender": {
            "key": Key(check.text(longest(Sender.key))),
            "address": Key(check.address),
            "display_name": Key(check.text(longest(Sender.display_name), empty=True), ""),
            "reply_to": Key(check.address_or_none, ""),
            "envelope_sender": Key(check.address_or_none, ""),
            "mail_server": Key(check.text(longest(MailServer.name))),
        },
        "recipient_key": {
            "key": Key(check.text(longest(RecipientKey.key))),
            "description": Key(check.text(10_000, empty=True), ""),
        },
        "transformation": {
            "name": Key(check.text(transformation)),
            "output_type": Key(check.word(OutputType)),
            "autogenerate": Key(check.truth, False),
        },
        "template": {
            "name": Key(check.text(longest(MessageTemplate.name))),
            "format": Key(check.word(TemplateFormat)),
            "language": Key(check.language(longest(TemplateText.language)), ""),
            "subject": Key(check.subject_or_none(longest(TemplateText.subject)), ""),
            "source": Key(check.source),
            "plain": Key(check.source_or_none, ""),
        },
        "template_part": {
            "name": Key(check.part_name),
            "language": Key(check.language(longest(TemplatePart.language)), ""),
            "source": Key(check.source),
        },
        "definition": {
            "name": Key(check.text(longest(MessageDefinition.name))),
            "from_key": Key(check.text(longest(Sender.key))),
            "recipient_key": Key(check.text(longest(RecipientKey.key))),
            "subject": Key(check.subject(longest(MessageDefinition.subject))),
            "template": Key(check.text(longest(MessageTemplate.name))),
            "transformations": Key(check.names(transformation), []),
            "no_documents": Key(check.truth, False),
            "zip": Key(check.truth, False),
            "password_key": Key(check.text(longest(MessageDefinition.password_key), empty=True), ""),
            "collate": Key(check.truth, False),
            "bcc": Key(check.addresses(bcc_domains), []),
            "reply_to": Key(check.address_or_none, ""),
            "file_name": Key(check.subject_or_none(longest(MessageDefinition.file_name)), ""),
        },
    }
