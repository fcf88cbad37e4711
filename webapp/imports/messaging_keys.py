"""The tables of messaging.toml: their keys, what each may hold, by which of them a thing is found, and where
it is stored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from webapp.destinations import Service, refusal
from webapp.imports import toml_values as check
from webapp.imports.kinds import longest
from webapp.imports.toml_values import TomlCheck
from webapp.mailing.addresses import outside
from webapp.store.bounces import MINUTES, Mailbox, MailboxKind
from webapp.store.customers import RecipientKey
from webapp.store.definitions import MessageDefinition, MessageTemplate, TemplatePart, TemplateText
from webapp.store.invoices import Transformation
from webapp.store.mailservers import CONNECTIONS, MailServer, Sender
from webapp.store.statuses import OutputType, Security, TemplateFormat
from webapp.translation import _

NEEDED = object()
"""The default of a key that must be there."""
UNSAID = object()
"""The default of a key that, left out, leaves what is stored: files from before it was a key say nothing of
it."""

MOST_CONNECTIONS = 1000
MOST_A_MINUTE = 10_000_000
MOST_A_DAY = 100_000_000

NATURAL = {
    "mail_server": ("name",),
    "mailbox": ("name",),
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
            "recipients_per_day": TomlKey(check.whole(0, MOST_A_DAY), 0),
            "authorities": TomlKey(check.certificates, ""),
            "ehlo_name": TomlKey(check.ehlo_name, ""),
            "max_connections": TomlKey(check.whole(1, MOST_CONNECTIONS), CONNECTIONS),
        },
        "mailbox": _mailbox_keys(),
        "sender": {
            "key": TomlKey(check.text(longest(Sender.key))),
            "address": TomlKey(check.address),
            "display_name": TomlKey(check.text(longest(Sender.display_name), empty=True), ""),
            "reply_to": TomlKey(check.address_or_none, ""),
            "envelope_sender": TomlKey(check.address_or_none, ""),
            "mail_server": TomlKey(check.text(longest(MailServer.name))),
            "mailbox": TomlKey(check.text(longest(Mailbox.name), empty=True), UNSAID),
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
        "template": _template_keys(),
        "template_part": {
            "name": TomlKey(check.part_name),
            "language": TomlKey(check.language(longest(TemplatePart.language)), ""),
            "source": TomlKey(check.source),
        },
        "definition": _definition_keys(bcc_domains),
    }


def _template_keys() -> dict[str, TomlKey]:
    return {
        "name": TomlKey(check.text(longest(MessageTemplate.name))),
        "format": TomlKey(check.word(TemplateFormat)),
        "language": TomlKey(check.language(longest(TemplateText.language)), ""),
        "subject": TomlKey(check.subject_or_none(longest(TemplateText.subject)), ""),
        "source": TomlKey(check.source),
        "plain": TomlKey(check.source_or_none, ""),
    }


def _mailbox_keys() -> dict[str, TomlKey]:
    host = check.host(longest(Mailbox.host))
    return {
        "name": TomlKey(check.text(longest(Mailbox.name))),
        "kind": TomlKey(check.word(MailboxKind)),
        "host": TomlKey(lambda value: value and host(value), ""),
        "port": TomlKey(check.whole(1, 65535), 993),
        "security": TomlKey(check.word(Security), Security.TLS.value),
        "username": TomlKey(check.text(longest(Mailbox.username), empty=True), ""),
        "folder": TomlKey(check.text(longest(Mailbox.folder), empty=True), "INBOX"),
        "done_folder": TomlKey(check.text(longest(Mailbox.done_folder), empty=True), ""),
        "every_minutes": TomlKey(check.whole(1, 1440), MINUTES),
        "authorities": TomlKey(check.certificates, ""),
    }


def _definition_keys(bcc_domains: Sequence[str]) -> dict[str, TomlKey]:
    return {
        "name": TomlKey(check.text(longest(MessageDefinition.name))),
        "from_key": TomlKey(check.text(longest(Sender.key))),
        "recipient_key": TomlKey(check.text(longest(RecipientKey.key))),
        "subject": TomlKey(check.subject_or_none(longest(MessageDefinition.subject)), ""),
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


def wrong_in_server(values: Mapping[str, Any], own_services: Iterable[Service]) -> Iterator[tuple[str, str]]:
    """What of a mail server does not fit together or may not be, as (key, words); the pages of settings ask
    here too."""
    host, port = values["host"], values["port"]
    if host and port and (words := refusal(host, port, own_services)):
        yield "host", words
    if values["password_env"] and not values["username"]:
        yield "username", _("is empty; name the user whose password the variable holds")


def wrong_in_mailbox(values: Mapping[str, Any], own_services: Iterable[Service]) -> Iterator[tuple[str, str]]:
    """The same of a mailbox, by the rules of its page (settings/mailbox_forms.py)."""
    if values["kind"] == MailboxKind.MAILDIR:
        if not str(values["folder"] or "").startswith("/"):
            yield "folder", _("is no path; write it as /var/mail/bounces")
        if values["host"]:
            yield "host", _("is of a Maildir, which is a folder of this machine; leave it out")
        return
    host, port = values["host"], values["port"]
    if host == "":
        yield "host", _("is empty; name the server of the mailbox")
    elif host and port and (words := refusal(host, port, own_services)):
        yield "host", words
    if values["username"] == "":
        yield "username", _("is empty; name the user whose mailbox it is")


def wrong_replies(values: Mapping[str, Any], domains: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The same of a sender or a definition. `domains`: where replies may go, as a Bcc may; none: anywhere."""
    if values["reply_to"] and outside([values["reply_to"]], tuple(domains)):
        yield "reply_to", _("is outside of %(domains)s, where replies may go", domains=", ".join(domains))


def templates_lacking_subjects(texts: Mapping[tuple[str, ...], str]) -> set[str]:
    """The templates whose mails may need the subject of a definition. `texts`: (template, language) → its
    own subject."""
    return {name for (name, *_languages), subject in texts.items() if not (subject or texts.get((name, "")))}


MODELS: dict[str, Any] = {
    "mail_server": MailServer,
    "sender": Sender,
    "recipient_key": RecipientKey,
    "transformation": Transformation,
}
"""The tables whose rows administrators change under /settings."""
STATEMENTS: dict[str, Any] = {
    "mail_server": select(
        MailServer.name, MailServer.host, MailServer.port, MailServer.security, MailServer.username,
        MailServer.password_env, MailServer.rate_per_minute, MailServer.domain_rate_per_minute,
        MailServer.recipients_per_day, MailServer.authorities, MailServer.ehlo_name,
        MailServer.max_connections,
    ),
    "mailbox": select(
        Mailbox.name, Mailbox.kind, Mailbox.host, Mailbox.port, Mailbox.security, Mailbox.username,
        Mailbox.folder, Mailbox.done_folder, Mailbox.every_minutes, Mailbox.authorities,
    ),
    "sender": select(
        Sender.key, Sender.address, Sender.display_name, Sender.reply_to, Sender.envelope_sender,
        MailServer.name.label("mail_server"),
        func.coalesce(Mailbox.name, "").label("mailbox"),
    )
    .join(MailServer, MailServer.id == Sender.mail_server_id)
    .outerjoin(Mailbox, Mailbox.id == Sender.mailbox_id),
    "recipient_key": select(RecipientKey.key, RecipientKey.description),
    "transformation": select(Transformation.name, Transformation.output_type, Transformation.autogenerate),
    "template": select(
        MessageTemplate.name, MessageTemplate.format, TemplateText.language, TemplateText.subject,
        TemplateText.source, TemplateText.plain,
    ).join(TemplateText, TemplateText.template_id == MessageTemplate.id),
    "template_part": select(TemplatePart.name, TemplatePart.language, TemplatePart.source),
    "definition": select(
        MessageDefinition.id, MessageDefinition.name, Sender.key.label("from_key"),
        RecipientKey.key.label("recipient_key"), MessageDefinition.subject,
        MessageTemplate.name.label("template"), MessageDefinition.no_documents, MessageDefinition.zip,
        MessageDefinition.password_key, MessageDefinition.collate, MessageDefinition.bcc,
        MessageDefinition.reply_to, MessageDefinition.file_name,
    )
    .join(Sender, Sender.id == MessageDefinition.sender_id)
    .join(RecipientKey, RecipientKey.id == MessageDefinition.recipient_key_id)
    .join(MessageTemplate, MessageTemplate.id == MessageDefinition.template_id),
}  # fmt: skip
"""What is stored of each table, by the keys of the file; of definitions with their ids."""

WORDS = {
    "mail_server": "mail servers",
    "mailbox": "mailboxes",
    "sender": "senders",
    "recipient_key": "recipient keys",
    "transformation": "invoice transformations",
    "template": "message templates",
    "template_part": "parts of templates",
    "definition": "message definitions",
}
"""What the things of each table are called on the screen."""

ADDRESSES = (
    ("sender", "address"),
    ("sender", "reply_to"),
    ("sender", "envelope_sender"),
    ("definition", "bcc"),
    ("definition", "reply_to"),
)
REFERENCES = (
    ("sender", "mail_server", "mail_server"),
    ("sender", "mailbox", "mailbox"),
    ("definition", "from_key", "sender"),
    ("definition", "recipient_key", "recipient_key"),
    ("definition", "template", "template"),
    ("definition", "transformations", "transformation"),
)
