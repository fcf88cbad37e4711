"""The kinds of settings that have a list and a form each: their words, their table, and what uses them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from webapp.store.base import Base
from webapp.store.bounces import Mailbox
from webapp.store.customers import CustomerEmail, RecipientKey
from webapp.store.definitions import DefinitionTransformation, MessageDefinition
from webapp.store.invoices import Transformation, TransformationResult
from webapp.store.mailservers import MailServer, Sender
from webapp.store.plans import Plan
from webapp.store.runs import Attempt
from webapp.translation import N_, _, ngettext


@dataclass(frozen=True)
class KindWords:
    """What pages say of one of a kind, as they are in English: shown translated. The last three name it."""

    label: str
    new: str
    add: str
    none: str
    added: str
    deleted: str
    taken: str


@dataclass(frozen=True)
class SettingKind:
    """`table`: in messaging.toml, whose rules hold here too, if it has one. `natural`: the column that others
    name it by; it never changes. `one`: what the audit trail calls it. `about`: what it is, under the title
    of the list. `used_by`: what keeps a row from being deleted, in words."""

    table: str
    model: type[Base]
    natural: str
    path: str
    title: str
    one: str
    words: KindWords
    about: str
    columns: tuple[str, ...]
    used_by: Callable[[Session, int], list[str]]

    def subject(self, name: str) -> str:
        """A row as the audit trail names it."""
        return f"{self.one} {name}"[:200]


def _named(session: Session, one: str, names: Select[Any]) -> list[str]:
    return [_(one, name=name) for name in session.scalars(names)]


def _counted(session: Session, words: Callable[[int], str], rows: Select[Any]) -> list[str]:
    n = session.scalar(select(func.count()).select_from(rows.limit(COUNTED_MAX).subquery())) or 0
    if n == COUNTED_MAX:
        return [_("at least %(count)s", count=words(n))]
    return [words(n)] if n else []


COUNTED_MAX = 10_000


def _uses_of_server(session: Session, id: int) -> list[str]:
    senders = select(Sender.key).where(Sender.mail_server_id == id).order_by(Sender.key)
    tries = select(Attempt.id).where(Attempt.mail_server_id == id)
    of_server = select(Sender.id).where(Sender.mail_server_id == id)
    plans = _plans(session, MessageDefinition.sender_id.in_(of_server))
    found = [*plans, *_named(session, N_("the sender “%(name)s”"), senders)]
    return found or _counted(
        session, lambda n: ngettext("%(num)s try to send", "%(num)s tries to send", n), tries
    )


def _uses_of_mailbox(session: Session, id: int) -> list[str]:
    senders = select(Sender.key).where(Sender.mailbox_id == id).order_by(Sender.key)
    of_mailbox = select(Sender.id).where(Sender.mailbox_id == id)
    plans = _plans(session, MessageDefinition.sender_id.in_(of_mailbox))
    return [*plans, *_named(session, N_("the sender “%(name)s”"), senders)]


def _uses_of_sender(session: Session, id: int) -> list[str]:
    mails_notices = session.scalar(select(Sender.for_notices).where(Sender.id == id))
    uses = _definitions(session, MessageDefinition.sender_id == id)
    return [*uses, _("notices to users")] if mails_notices else uses


def _uses_of_recipient_key(session: Session, id: int) -> list[str]:
    addresses = select(CustomerEmail.id).where(CustomerEmail.recipient_key_id == id)
    return [
        *_definitions(session, MessageDefinition.recipient_key_id == id),
        *_counted(session, lambda n: ngettext("%(num)s address", "%(num)s addresses", n), addresses),
    ]


def _uses_of_transformation(session: Session, id: int) -> list[str]:
    attaching = select(DefinitionTransformation.definition_id).where(
        DefinitionTransformation.transformation_id == id
    )
    documents = select(TransformationResult.id).where(TransformationResult.transformation_id == id)
    return [
        *_definitions(session, MessageDefinition.id.in_(attaching)),
        *_counted(session, lambda n: ngettext("%(num)s document", "%(num)s documents", n), documents),
    ]


def _definitions(session: Session, having: Any) -> list[str]:
    """The definitions for which this holds; the plans that make runs with them come first, so that they are
    named however many definitions there are."""
    names = select(MessageDefinition.name).where(having).order_by(MessageDefinition.name)
    return [*_plans(session, having), *_named(session, N_("the definition “%(name)s”"), names)]


def _plans(session: Session, having: Any) -> list[str]:
    """The plans that make runs with a definition for which this holds."""
    names = select(Plan.name).join(MessageDefinition, MessageDefinition.id == Plan.definition_id)
    return _named(session, N_("the plan “%(name)s”"), names.where(having).order_by(Plan.name))


SERVERS = SettingKind(
    "mail_server", MailServer, "name", "/servers", N_("Mail servers"), "mail server",
    KindWords(
        N_("Mail server"), N_("New mail server"), N_("Add mail server"), N_("There is no mail server yet."),
        N_("The mail server “%(name)s” is added."), N_("The mail server “%(name)s” is deleted."),
        N_("There is a mail server “%(name)s” already. Choose another name."),
    ),
    N_("The servers that Mailrun sends through. Each sender uses one of them."),
    ("host", "port", "security", "username", "password_env", "authorities", "rate_per_minute",
     "domain_rate_per_minute", "recipients_per_day", "max_connections", "ehlo_name"),
    _uses_of_server,
)  # fmt: skip
SENDERS = SettingKind(
    "sender", Sender, "key", "/senders", N_("Senders"), "sender",
    KindWords(
        N_("Sender"), N_("New sender"), N_("Add sender"), N_("There is no sender yet."),
        N_("The sender “%(name)s” is added."), N_("The sender “%(name)s” is deleted."),
        N_("There is a sender “%(name)s” already. Choose another name."),
    ),
    N_("Who mails come from, and where replies and bounces go. A definition names one by its key."),
    ("address", "display_name", "reply_to", "mail_server_id", "envelope_sender", "mailbox_id"),
    _uses_of_sender,
)  # fmt: skip
MAILBOXES = SettingKind(
    "mailbox", Mailbox, "name", "/mailboxes", N_("Mailboxes"), "mailbox",
    KindWords(
        N_("Mailbox"), N_("New mailbox"), N_("Add mailbox"), N_("There is no mailbox yet."),
        N_("The mailbox “%(name)s” is added."), N_("The mailbox “%(name)s” is deleted."),
        N_("There is a mailbox “%(name)s” already. Choose another name."),
    ),
    N_("Where mails come back to. Mailrun reads them, and shows at each result what came back."),
    (
        *("kind", "host", "port", "security", "username", "oauth_account_id", "folder", "done_folder"),
        *("every_minutes", "authorities"),
    ),
    _uses_of_mailbox,
)  # fmt: skip
RECIPIENT_KEYS = SettingKind(
    "recipient_key", RecipientKey, "key", "/recipient-keys", N_("Recipient keys"), "recipient key",
    KindWords(
        N_("Recipient key"), N_("New recipient key"), N_("Add recipient key"),
        N_("There is no recipient key yet."),
        N_("The recipient key “%(name)s” is added."), N_("The recipient key “%(name)s” is deleted."),
        N_("There is a recipient key “%(name)s” already. Choose another name."),
    ),
    N_("How a definition finds the right addresses of a customer."),
    ("description",),
    _uses_of_recipient_key,
)  # fmt: skip
TRANSFORMATIONS = SettingKind(
    "transformation", Transformation, "name", "/transformations", N_("Transformations"), "transformation",
    KindWords(
        N_("Transformation"), N_("New transformation"), N_("Add transformation"),
        N_("There is no transformation yet."),
        N_("The transformation “%(name)s” is added."), N_("The transformation “%(name)s” is deleted."),
        N_("There is a transformation “%(name)s” already. Choose another name."),
    ),
    N_("What an invoice is turned into: a PDF, an e-invoice, a list of calls. A definition attaches them."),
    ("output_type",),
    _uses_of_transformation,
)  # fmt: skip

KINDS: Sequence[SettingKind] = (SERVERS, SENDERS, MAILBOXES, RECIPIENT_KEYS, TRANSFORMATIONS)
