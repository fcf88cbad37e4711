"""The kinds of settings that have a list and a form each: their words, their table, and what uses them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from webapp import notation
from webapp.store.base import Base
from webapp.store.customers import CustomerEmail, RecipientKey
from webapp.store.definitions import DefinitionTransformation, MessageDefinition
from webapp.store.invoices import Transformation, TransformationResult
from webapp.store.mailservers import MailServer, Sender
from webapp.store.runs import Attempt


@dataclass(frozen=True)
class SettingKind:
    """`table`: in messaging.toml, whose rules hold here too. `natural`: the column that others name it by; it
    never changes. `about`: what it is, under the title of the list. `used_by`: what keeps a row from being
    deleted, in words."""

    table: str
    model: type[Base]
    natural: str
    path: str
    title: str
    one: str
    about: str
    columns: tuple[str, ...]
    used_by: Callable[[Session, int], list[str]]

    def subject(self, name: str) -> str:
        """A row as the audit trail names it."""
        return f"{self.one} {name}"[:200]


def _named(session: Session, one: str, names: Select[Any]) -> list[str]:
    return [f"{one} “{name}”" for name in session.scalars(names)]


def _counted(session: Session, words: str, rows: Select[Any]) -> list[str]:
    n = session.scalar(select(func.count()).select_from(rows.limit(COUNTED_MAX).subquery())) or 0
    least = "at least " if n == COUNTED_MAX else ""
    return [f"{least}{notation.number(n)} {words if n > 1 else words.removesuffix('s')}"] if n else []


COUNTED_MAX = 10_000


def _uses_of_server(session: Session, id: int) -> list[str]:
    senders = select(Sender.key).where(Sender.mail_server_id == id).order_by(Sender.key)
    tries = select(Attempt.id).where(Attempt.mail_server_id == id)
    found = _named(session, "the sender", senders)
    return found or _counted(session, "tries to send", tries)


def _uses_of_sender(session: Session, id: int) -> list[str]:
    return _definitions(session, MessageDefinition.sender_id == id)


def _uses_of_recipient_key(session: Session, id: int) -> list[str]:
    addresses = select(CustomerEmail.id).where(CustomerEmail.recipient_key_id == id)
    return [
        *_definitions(session, MessageDefinition.recipient_key_id == id),
        *_counted(session, "addresses", addresses),
    ]


def _uses_of_transformation(session: Session, id: int) -> list[str]:
    attaching = select(DefinitionTransformation.definition_id).where(
        DefinitionTransformation.transformation_id == id
    )
    documents = select(TransformationResult.id).where(TransformationResult.transformation_id == id)
    return [
        *_definitions(session, MessageDefinition.id.in_(attaching)),
        *_counted(session, "documents", documents),
    ]


def _definitions(session: Session, having: Any) -> list[str]:
    names = select(MessageDefinition.name).where(having).order_by(MessageDefinition.name)
    return _named(session, "the definition", names)


SERVERS = SettingKind(
    "mail_server", MailServer, "name", "/servers", "Mail servers", "mail server",
    "The servers that Mailrun sends through. Each sender uses one of them.",
    ("host", "port", "security", "username", "password_env", "authorities", "rate_per_minute",
     "domain_rate_per_minute", "max_connections", "ehlo_name"),
    _uses_of_server,
)  # fmt: skip
SENDERS = SettingKind(
    "sender", Sender, "key", "/senders", "Senders", "sender",
    "Who mails come from, and where replies and bounces go. A definition names one by its key.",
    ("address", "display_name", "reply_to", "envelope_sender", "mail_server_id"),
    _uses_of_sender,
)  # fmt: skip
RECIPIENT_KEYS = SettingKind(
    "recipient_key", RecipientKey, "key", "/recipient-keys", "Recipient keys", "recipient key",
    "How a definition finds the right addresses of a customer.",
    ("description",),
    _uses_of_recipient_key,
)  # fmt: skip
TRANSFORMATIONS = SettingKind(
    "transformation", Transformation, "name", "/transformations", "Transformations", "transformation",
    "What an invoice is turned into: a PDF, an e-invoice, a list of calls. A definition attaches them.",
    ("output_type",),
    _uses_of_transformation,
)  # fmt: skip

KINDS: Sequence[SettingKind] = (SERVERS, SENDERS, RECIPIENT_KEYS, TRANSFORMATIONS)
