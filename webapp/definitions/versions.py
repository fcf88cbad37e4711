"""A definition as a value: with its template, sender and transformations, whole. Runs are made from
versions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NotRequired, TypedDict

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from webapp.mailing.references import parts_in, pictures_in
from webapp.store.definitions import (
    DefinitionTransformation,
    DefinitionVersion,
    MessageDefinition,
    TemplateImage,
    TemplatePart,
)
from webapp.store.invoices import Transformation


class SenderContent(TypedDict):
    key: str
    address: str
    display_name: str
    reply_to: str
    envelope_sender: str
    mail_server_id: int


class ImageContent(TypedDict):
    media_type: str
    sha256: str


class Content(TypedDict):
    """`texts` maps a language ("" for everybody else) to the template's source, `subjects` and `plains` to
    its own subject and text alternative where it has them. `parts` (name → language → source) and `images`
    are those that the template uses. `transformations` are ids.

    What NotRequired says is not in versions from before it existed."""

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
    subjects: NotRequired[dict[str, str]]
    plains: NotRequired[dict[str, str]]
    parts: NotRequired[dict[str, dict[str, str]]]
    images: NotRequired[dict[str, ImageContent]]
    reply_to: NotRequired[str]
    file_name: NotRequired[str]


def content_of(session: Session, definition: MessageDefinition) -> Content:
    """The definition as it is now."""
    sender = definition.sender
    texts = definition.template.texts
    sources = [
        definition.subject,
        *(part for text in texts for part in (text.subject, text.source, text.plain)),
    ]
    parts = _parts(session, sources)
    shown = [source for by_language in parts.values() for source in by_language.values()]
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
        texts={text.language: text.source for text in texts},
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
        subjects={text.language: text.subject for text in texts if text.subject},
        plains={text.language: text.plain for text in texts if text.plain},
        parts=parts,
        images=_images(session, pictures_in([*sources, *shown])),
        reply_to=definition.reply_to,
        file_name=definition.file_name,
    )


def _parts(session: Session, sources: Iterable[str]) -> dict[str, dict[str, str]]:
    """The parts that these sources include, and those that these include: name → language → source."""
    found: dict[str, dict[str, str]] = {}
    wanted = set().union(*map(parts_in, sources))
    while wanted:
        for part in session.scalars(select(TemplatePart).where(TemplatePart.name.in_(wanted))):
            found.setdefault(part.name, {})[part.language] = part.source
        included = (parts_in(source) for name in wanted & found.keys() for source in found[name].values())
        wanted = set().union(*included) - found.keys()
    return dict(sorted(found.items()))


def _images(session: Session, names: set[str]) -> dict[str, ImageContent]:
    stored = select(TemplateImage).where(TemplateImage.name.in_(names)).order_by(TemplateImage.name)
    return {
        image.name: ImageContent(media_type=image.media_type, sha256=image.sha256)
        for image in session.scalars(stored)
    }


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
