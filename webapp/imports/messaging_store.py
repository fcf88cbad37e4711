"""What is stored of messaging.toml, in the file's own words, and how differences are stored."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Table, delete, insert, select, update
from sqlalchemy.orm import Session

from webapp import sealed
from webapp.imports.messaging import Messaging
from webapp.imports.messaging_keys import NATURAL
from webapp.mailservers import passwords
from webapp.mailservers.backoff import UNTROUBLED
from webapp.store.customers import RecipientKey
from webapp.store.definitions import (
    DefinitionTransformation,
    MessageDefinition,
    MessageTemplate,
    TemplatePart,
    TemplateText,
)
from webapp.store.invoices import Transformation
from webapp.store.mailservers import MailServer, Sender

Values = dict[str, Any]
Stored = dict[str, dict[tuple[str, ...], Values]]
"""By table, then by natural key: the keys of the file with the values that are stored."""


def stored(session: Session) -> Stored:
    """Everything of these kinds that is stored."""
    transformations: dict[int, list[str]] = {}
    for definition_id, name in session.execute(
        select(DefinitionTransformation.definition_id, Transformation.name)
        .join(Transformation, Transformation.id == DefinitionTransformation.transformation_id)
        .order_by(DefinitionTransformation.position, Transformation.id)
    ):
        transformations.setdefault(definition_id, []).append(name)
    found: Stored = {table: {} for table in NATURAL}
    for table, statement in STATEMENTS.items():
        for row in session.execute(statement).mappings():
            values = dict(row)
            if table == "definition":
                values["transformations"] = transformations.get(values.pop("id"), [])
            found[table][tuple(values[key] for key in NATURAL[table])] = values
    return found


def differing(messaging: Messaging, found: Stored) -> dict[str, tuple[list[Values], list[Values], int]]:
    """By table: the new entries, the changed ones, and how many are unchanged."""
    parts: dict[str, tuple[list[Values], list[Values], int]] = {}
    for table, entries in messaging.entries.items():
        new: list[Values] = []
        changed: list[Values] = []
        for entry in entries:
            old = found[table].get(tuple(entry.values[key] for key in NATURAL[table]))
            if old is None:
                new.append(entry.values)
            elif old != entry.values:
                changed.append(entry.values)
        parts[table] = (new, changed, len(entries) - len(new) - len(changed))
    return parts


def merge(session: Session, parts: dict[str, tuple[list[Values], list[Values], int]]) -> None:
    """Stores what is new and what has changed."""
    for table in NATURAL:
        new, changed, _ = parts[table]
        for values in [*new, *changed]:
            WRITERS[table](session, values)


def _mail_server(session: Session, values: Values) -> None:
    """A server whose settings changed is tried again at once. A stored password goes only where the person
    who entered it sent it (settings/storing.py)."""
    table = MailServer.__table__
    same = [table.c[key] == values[key] for key in passwords.DESTINATION]
    is_same = session.scalar(select(1).select_from(table).where(table.c.name == values["name"], *same))
    forgotten = {} if is_same else {"password": ""}
    _write(
        session,
        MailServer,
        {"name": values["name"]},
        {**values, **UNTROUBLED, "refused_logins": "", **forgotten},
    )


def _sender(session: Session, values: Values) -> None:
    server = _id(session, MailServer.__table__, name=values["mail_server"])
    kept = {key: value for key, value in values.items() if key != "mail_server"}
    _write(session, Sender, {"key": values["key"]}, {**kept, "mail_server_id": server})


def _recipient_key(session: Session, values: Values) -> None:
    _write(session, RecipientKey, {"key": values["key"]}, values)


def _transformation(session: Session, values: Values) -> None:
    _write(session, Transformation, {"name": values["name"]}, values)


def _template(session: Session, values: Values) -> None:
    name = {"name": values["name"]}
    _write(session, MessageTemplate, name, {**name, "format": values["format"]})
    template_id = _id(session, MessageTemplate.__table__, **name)
    text = {"template_id": template_id, "language": values["language"]}
    _write(session, TemplateText, text, {**text, **{key: values[key] for key in TEXT}})


TEXT = ("subject", "source", "plain")


def _template_part(session: Session, values: Values) -> None:
    _write(session, TemplatePart, {key: values[key] for key in NATURAL["template_part"]}, values)


def _definition(session: Session, values: Values) -> None:
    name = {"name": values["name"]}
    direct = ("name", "subject", "no_documents", "zip", "password_key", "collate", "bcc",
              "reply_to", "file_name")  # fmt: skip
    _write(
        session,
        MessageDefinition,
        name,
        {
            **{key: values[key] for key in direct},
            "sender_id": _id(session, Sender.__table__, key=values["from_key"]),
            "recipient_key_id": _id(session, RecipientKey.__table__, key=values["recipient_key"]),
            "template_id": _id(session, MessageTemplate.__table__, name=values["template"]),
        },
    )
    sealed.note_secret(session, values["password_key"])
    own = _id(session, MessageDefinition.__table__, **name)
    session.execute(delete(DefinitionTransformation).where(DefinitionTransformation.definition_id == own))
    for position, transformation in enumerate(values["transformations"]):
        made_by = _id(session, Transformation.__table__, name=transformation)
        row = {"definition_id": own, "transformation_id": made_by, "position": position}
        session.execute(insert(DefinitionTransformation).values(row))


WRITERS = {
    "mail_server": _mail_server,
    "sender": _sender,
    "recipient_key": _recipient_key,
    "transformation": _transformation,
    "template": _template,
    "template_part": _template_part,
    "definition": _definition,
}


def _write(session: Session, model: type[Any], natural: Values, values: Values) -> None:
    """Updates the row with this natural key, or inserts it."""
    table: Table = model.__table__
    here = [table.c[key] == value for key, value in natural.items()]
    if session.scalar(select(1).select_from(table).where(*here)) is None:
        session.execute(insert(table).values(values))
    else:
        session.execute(update(table).where(*here).values(values))


def _id(session: Session, table: Any, **natural: str) -> int:
    """The id of the row with this natural key, which was seen before and must still be there."""
    where = [table.c[key] == value for key, value in natural.items()]
    return int(session.execute(select(table.c.id).where(*where)).scalar_one())


STATEMENTS: dict[str, Any] = {
    "mail_server": select(
        MailServer.name, MailServer.host, MailServer.port, MailServer.security, MailServer.username,
        MailServer.password_env, MailServer.rate_per_minute, MailServer.domain_rate_per_minute,
        MailServer.authorities, MailServer.ehlo_name, MailServer.max_connections,
    ),
    "sender": select(
        Sender.key, Sender.address, Sender.display_name, Sender.reply_to, Sender.envelope_sender,
        MailServer.name.label("mail_server"),
    ).join(MailServer, MailServer.id == Sender.mail_server_id),
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
