"""A definition as a value, complete with its template, sender and transformations. Runs are created from
versions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import cast

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from webapp.mailing.template_references import parts_in, pictures_in
from webapp.store.customers import RecipientKey
from webapp.store.definitions import (
    Content,
    DefinitionTransformation,
    DefinitionVersion,
    ImageContent,
    MessageDefinition,
    MessageTemplate,
    SenderContent,
    TemplateImage,
    TemplatePart,
)
from webapp.store.invoices import Transformation
from webapp.store.locks import lock_definition
from webapp.store.mailservers import Sender


@dataclass(frozen=True)
class Fields:
    """What a person fills in of a definition. `transformations` are ids, in the order of the attachments."""

    name: str
    sender_id: int
    recipient_key_id: int
    template_id: int
    subject: str
    transformations: tuple[int, ...] = ()
    no_documents: bool = False
    zip: bool = False
    password_key: str = ""
    collate: bool = False
    bcc: tuple[str, ...] = ()
    reply_to: str = ""
    file_name: str = ""


@dataclass(frozen=True)
class Text:
    """A template in one language."""

    source: str
    subject: str = ""
    plain: str = ""


@dataclass(frozen=True)
class TemplateValue:
    """A template with all its languages; "" is the default."""

    name: str
    format: str
    texts: Mapping[str, Text]

    @property
    def has_every_subject(self) -> bool:
        """Whether each mail has a subject of the template's: a language without one gets the default."""
        default = self.texts.get("")
        return bool(default and default.subject) or all(text.subject for text in self.texts.values())


def fields_of(session: Session, definition: MessageDefinition) -> Fields:
    """The definition as a person would fill it in."""
    ids = session.scalars(
        select(DefinitionTransformation.transformation_id)
        .where(DefinitionTransformation.definition_id == definition.id)
        .order_by(DefinitionTransformation.position, DefinitionTransformation.transformation_id)
    )
    return Fields(
        name=definition.name,
        sender_id=definition.sender_id,
        recipient_key_id=definition.recipient_key_id,
        template_id=definition.template_id,
        subject=definition.subject,
        transformations=tuple(ids),
        no_documents=definition.no_documents,
        zip=definition.zip,
        password_key=definition.password_key,
        collate=definition.collate,
        bcc=tuple(definition.bcc),
        reply_to=definition.reply_to,
        file_name=definition.file_name,
    )


def template_value(template: MessageTemplate) -> TemplateValue:
    """The template as a value."""
    texts = {text.language: Text(text.source, text.subject, text.plain) for text in template.texts}
    return TemplateValue(template.name, template.format, texts)


def content_of(session: Session, definition: MessageDefinition) -> Content:
    """The definition as it is now."""
    return content_with(session, fields_of(session, definition), template_value(definition.template))


def content_with(
    session: Session,
    fields: Fields,
    template: TemplateValue,
    edited_parts: Mapping[str, Mapping[str, str]] | None = None,
) -> Content:
    """What a definition with these fields and this template would be, saved or not; `edited_parts` replace
    the stored ones of their names."""
    texts = template.texts
    names = dict(
        session.execute(
            select(Transformation.id, Transformation.name).where(
                Transformation.id.in_(fields.transformations)
            )
        ).all()
    )
    sources = [
        fields.subject,
        *(part for text in texts.values() for part in (text.subject, text.source, text.plain)),
    ]
    parts = _parts(session, sources, edited_parts or {})
    shown = [source for by_language in parts.values() for source in by_language.values()]
    return Content(
        name=fields.name,
        recipient_key_id=fields.recipient_key_id,
        recipient_key=session.get_one(RecipientKey, fields.recipient_key_id).key,
        subject=fields.subject,
        template=template.name,
        format=template.format,
        texts={language: text.source for language, text in texts.items()},
        transformations=[id for id in fields.transformations if id in names],
        transformation_names=[names[id] for id in fields.transformations if id in names],
        no_documents=fields.no_documents,
        zip=fields.zip,
        password_key=fields.password_key,
        collate=fields.collate,
        bcc=list(fields.bcc),
        sender=_sender(session.get_one(Sender, fields.sender_id)),
        subjects={language: text.subject for language, text in texts.items() if text.subject},
        plains={language: text.plain for language, text in texts.items() if text.plain},
        parts=parts,
        images=_images(session, pictures_in([*sources, *shown])),
        reply_to=fields.reply_to,
        file_name=fields.file_name,
    )


def _sender(sender: Sender) -> SenderContent:
    content = SenderContent(
        key=sender.key,
        address=sender.address,
        display_name=sender.display_name,
        reply_to=sender.reply_to,
        envelope_sender=sender.envelope_sender,
        mail_server_id=sender.mail_server_id,
    )
    if sender.mailbox_id is not None and sender.envelope_sender:
        content["returns_signed"] = True
    return content


def _parts(
    session: Session, sources: Iterable[str], edited: Mapping[str, Mapping[str, str]]
) -> dict[str, dict[str, str]]:
    """The parts that these sources include, and those that these include: name → language → source."""
    found: dict[str, dict[str, str]] = {}
    wanted: set[str] = set().union(*map(parts_in, sources))
    while wanted:
        for part in session.scalars(select(TemplatePart).where(TemplatePart.name.in_(wanted))):
            found.setdefault(part.name, {})[part.language] = part.source
        found |= {name: dict(edited[name]) for name in wanted & edited.keys()}
        included = [parts_in(source) for name in wanted & found.keys() for source in found[name].values()]
        wanted = set().union(*included) - found.keys()
    return dict(sorted(found.items()))


def _images(session: Session, names: set[str]) -> dict[str, ImageContent]:
    stored = select(TemplateImage).where(TemplateImage.name.in_(names)).order_by(TemplateImage.name)
    return {
        image.name: ImageContent(media_type=image.media_type, sha256=image.sha256)
        for image in session.scalars(stored)
    }


def latest_version(session: Session, definition_id: int) -> DefinitionVersion | None:
    """The newest version of a definition; None while there is none."""
    return session.scalar(
        select(DefinitionVersion)
        .where(DefinitionVersion.definition_id == definition_id)
        .order_by(DefinitionVersion.number.desc())
        .limit(1)
    )


def take_turn(session: Session, definition: MessageDefinition) -> None:
    """Lock the definition, waiting for others that change it or create a version of it, then read it again:
    it cannot change until the end of this transaction. Changes that were not flushed are lost."""
    lock_definition(session.connection(), definition.id)
    session.refresh(definition)


def todays_version(session: Session, definition: MessageDefinition, by: str = "") -> DefinitionVersion:
    """The version that equals the definition as it is now: the latest, or a new one, created `by` this
    person, if anything has changed since.

    Needs a writing session. One at a time: two at once would give their versions the same number, or one
    would undo what the other has saved."""
    session.flush()
    take_turn(session, definition)
    content = content_of(session, definition)
    latest = latest_version(session, definition.id)
    if latest is not None and cast(Content, latest.content) == content:
        return latest
    highest = select(func.coalesce(func.max(DefinitionVersion.number), 0)).where(
        DefinitionVersion.definition_id == definition.id
    )
    number = 1 + session.scalars(highest).one()
    version = DefinitionVersion(
        definition_id=definition.id, number=number, content=dict(content), created_by=by
    )
    session.add(version)
    session.flush()
    return version
