"""A definition as a value: with its template, sender and transformations, whole. Runs are made from
versions."""

from __future__ import annotations

from typing import TypedDict

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from webapp.store.definitions import DefinitionTransformation, DefinitionVersion, MessageDefinition
from webapp.store.invoices import Transformation


class SenderContent(TypedDict):
    key: str
    address: str
    display_name: str
    reply_to: str
    envelope_sender: str
    mail_server_id: int


class Content(TypedDict):
    """`texts` maps a language ("" for everybody else) to the template's source; `transformations` are ids."""

    name: str
    recipient_key_id: int
    recipient_key: str
    subject: str
    template: str
    format: str
    texts: dict[str, str]
    transformations: list[int]
    transformation_names: list[str]
    no_documents: bool
    zip: bool
    password_key: str
    collate: bool
    bcc: list[str]
    sender: SenderContent


def content_of(session: Session, definition: MessageDefinition) -> Content:
    """The definition as it is now."""
    sender = definition.sender
    made_by = session.execute(
        select(Transformation.id, Transformation.name)
        .join(DefinitionTransformation, DefinitionTransformation.transformation_id == Transformation.id)
        .where(DefinitionTransformation.definition_id == definition.id)
        .order_by(DefinitionTransformation.position, Transformation.id)
    ).all()
    return Content(
        name=definition.name,
        recipient_key_id=definition.recipient_key_id,
        recipient_key=definition.recipient_key.key,
        subject=definition.subject,
        template=definition.template.name,
        format=definition.template.format,
        texts={text.language: text.source for text in definition.template.texts},
        transformations=[id for id, _ in made_by],
        transformation_names=[name for _, name in made_by],
        no_documents=definition.no_documents,
        zip=definition.zip,
        password_key=definition.password_key,
        collate=definition.collate,
        bcc=definition.bcc,
        sender=SenderContent(
            key=sender.key,
            address=sender.address,
            display_name=sender.display_name,
            reply_to=sender.reply_to,
            envelope_sender=sender.envelope_sender,
            mail_server_id=sender.mail_server_id,
        ),
    )


def todays_version(session: Session, definition: MessageDefinition) -> DefinitionVersion:
    """The version that equals the definition as it is now: the latest, or a new one if anything has changed
    since.

    Needs a writing session.
    """
    content = content_of(session, definition)
    latest = session.scalar(
        select(DefinitionVersion)
        .where(DefinitionVersion.definition_id == definition.id)
        .order_by(DefinitionVersion.number.desc())
        .limit(1)
    )
    if latest is not None and latest.content == content:
        return latest
    number = (
        1
        + session.scalars(
            select(func.coalesce(func.max(DefinitionVersion.number), 0)).where(
                DefinitionVersion.definition_id == definition.id
            )
        ).one()
    )
    version = DefinitionVersion(definition_id=definition.id, number=number, content=dict(content))
    session.add(version)
    session.flush()
    return version
