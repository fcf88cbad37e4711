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
class TomlKey:
    check: TomlCheck
    default: Any = NEEDED


def keys(bcc_domains: Sequence[str] = ()) -> dict[str, dict[str, TomlKey]]:
    """The keys of every table. `bcc_domains`: where a Bcc may go; none: anywhere."""
    transformation = longest(Transformation.name)
    return {
        "mail_server": {
            "name": TomlKey(check.text(longest(MailServer.name))),
            "host": TomlKey(check.host(longest(MailServer.host))),
            "port": TomlKey(check.whole(1, 65535)),
            "security": TomlKey(check.word(Security)),
            "username": TomlKey(check.text(longest(MailServer.username), empty=True), ""),
            "password_env": TomlKey(check.variable, ""),
            "rate_per_minute": TomlKey(check.whole(0, MOST_A_MINUTE), 0),
            "domain_rate_per_minute": TomlKey(check.whole(0, MOST_A_MINUTE), 0),
            "authorities": TomlKey(check.certificates, ""),
            "ehlo_name": TomlKey(check.ehlo_name, ""),
            "max_connections": TomlKey(check.whole(1, MOST_CONNECTIONS), CONNECTIONS),
        },
        "sender": {
            "key": TomlKey(check.text(longest(Sender.key))),
            "address": TomlKey(check.address),
            "display_name": TomlKey(check.text(longest(Sender.display_name), empty=True), ""),
            "reply_to": TomlKey(check.address_or_none, ""),
            "envelope_sender": TomlKey(check.address_or_none, ""),
            "mail_server": TomlKey(check.text(longest(MailServer.name))),
        },
        "recipient_key": {
            "key": TomlKey(check.text(longest(RecipientKey.key))),
            "description": TomlKey(check.text(10_000, empty=True), ""),
        },
        "transformation": {
            "name": TomlKey(check.text(transformation)),
            "output_type": TomlKey(check.word(OutputType)),
            "autogenerate": TomlKey(check.truth, False),
        },
        "template": {
            "name": TomlKey(check.text(longest(MessageTemplate.name))),
            "format": TomlKey(check.word(TemplateFormat)),
            "language": TomlKey(check.language(longest(TemplateText.language)), ""),
            "subject": TomlKey(check.subject_or_none(longest(TemplateText.subject)), ""),
            "source": TomlKey(check.source),
            "plain": TomlKey(check.source_or_none, ""),
        },
        "template_part": {
            "name": TomlKey(check.part_name),
            "language": TomlKey(check.language(longest(TemplatePart.language)), ""),
            "source": TomlKey(check.source),
        },
        "definition": _definition_keys(bcc_domains),
    }


def _definition_keys(bcc_domains: Sequence[str]) -> dict[str, TomlKey]:
    return {
        "name": TomlKey(check.text(longest(MessageDefinition.name))),
        "from_key": TomlKey(check.text(longest(Sender.key))),
        "recipient_key": TomlKey(check.text(longest(RecipientKey.key))),
        "subject": TomlKey(check.subject(longest(MessageDefinition.subject))),
        "template": TomlKey(check.text(longest(MessageTemplate.name))),
        "transformations": TomlKey(check.names(longest(Transformation.name)), []),
        "no_documents": TomlKey(check.truth, False),
        "zip": TomlKey(check.truth, False),
        "password_key": TomlKey(check.text(longest(MessageDefinition.password_key), empty=True), ""),
        "collate": TomlKey(check.truth, False),
        "bcc": TomlKey(check.addresses(bcc_domains), []),
        "reply_to": TomlKey(check.address_or_none, ""),
        "file_name": TomlKey(check.subject_or_none(longest(MessageDefinition.file_name)), ""),
    }
