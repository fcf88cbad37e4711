"""Message definitions, their templates, and the versions of both that runs were created from."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NotRequired, TypedDict

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.store.base import Base, one_of
from webapp.store.customers import RecipientKey
from webapp.store.mailservers import Sender
from webapp.store.statuses import TemplateFormat
from webapp.store.types import Instant, Json, Key, now


class MessageTemplate(Base):
    __tablename__ = "message_template"
    __table_args__ = (one_of("format", TemplateFormat),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    name: Mapped[str] = mapped_column(String(200), unique=True)
    format: Mapped[str] = mapped_column(String(16))
    texts: Mapped[list[TemplateText]] = relationship(
        order_by="TemplateText.language", cascade="all, delete-orphan"
    )


class TemplateText(Base):
    """The template in one language; the empty language is the default for all others.

    `subject`, if there is one, is used instead of the definition's. `plain` is the text alternative of an
    HTML template; without it, the text is made from the HTML."""

    __tablename__ = "template_text"

    template_id: Mapped[int] = mapped_column(
        ForeignKey("message_template.id", ondelete="CASCADE"), primary_key=True
    )
    language: Mapped[str] = mapped_column(String(16), primary_key=True, default="")
    subject: Mapped[str] = mapped_column(String(1000), default="", server_default="")
    source: Mapped[str] = mapped_column(Text)
    plain: Mapped[str] = mapped_column(Text, default="", server_default="")


class TemplatePart(Base):
    """A piece that templates include, such as the signature: `{% include "signature" %}`. In one language;
    the empty one is the default for all others."""

    __tablename__ = "template_part"

    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    language: Mapped[str] = mapped_column(String(16), primary_key=True, default="")
    source: Mapped[str] = mapped_column(Text)


class TemplateImage(Base):
    """A picture that templates show, such as the logo: `<img src="cid:logo">`. Its bytes are in the document
    store."""

    __tablename__ = "template_image"

    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    media_type: Mapped[str] = mapped_column(String(127))
    size: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))
    changed_at: Mapped[datetime] = mapped_column(Instant, default=now)


class MessageDefinition(Base):
    """`reply_to`, if there is one, is used instead of the sender's. `file_name` is a template for the names
    of the attachments; empty: they keep their own. A retired definition creates no new runs. Every
    run of one that `needs_approval` waits for a second person."""

    __tablename__ = "message_definition"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    name: Mapped[str] = mapped_column(String(200), unique=True)
    sender_id: Mapped[int] = mapped_column(ForeignKey("sender.id"))
    recipient_key_id: Mapped[int] = mapped_column(ForeignKey("recipient_key.id"))
    subject: Mapped[str] = mapped_column(String(1000))
    template_id: Mapped[int] = mapped_column(ForeignKey("message_template.id"))
    no_documents: Mapped[bool] = mapped_column(default=False)
    zip: Mapped[bool] = mapped_column(default=False)
    password_key: Mapped[str] = mapped_column(String(100), default="")
    collate: Mapped[bool] = mapped_column(default=False)
    bcc: Mapped[list[str]] = mapped_column(Json, default=list)
    reply_to: Mapped[str] = mapped_column(String(254), default="", server_default="")
    file_name: Mapped[str] = mapped_column(String(300), default="", server_default="")
    retired_at: Mapped[datetime | None] = mapped_column(Instant)
    needs_approval: Mapped[bool] = mapped_column(default=False, server_default=false())
    sender: Mapped[Sender] = relationship()
    recipient_key: Mapped[RecipientKey] = relationship()
    template: Mapped[MessageTemplate] = relationship()


class DefinitionTransformation(Base):
    __tablename__ = "definition_transformation"

    definition_id: Mapped[int] = mapped_column(
        ForeignKey("message_definition.id", ondelete="CASCADE"), primary_key=True
    )
    transformation_id: Mapped[int] = mapped_column(ForeignKey("transformation.id"), primary_key=True)
    position: Mapped[int] = mapped_column(default=0)


class DefinitionVersion(Base):
    """A definition as it was when a run needed it, complete with its template, sender and transformations.

    Never changed."""

    __tablename__ = "definition_version"
    __table_args__ = (UniqueConstraint("definition_id", "number"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    definition_id: Mapped[int] = mapped_column(ForeignKey("message_definition.id"))
    number: Mapped[int]
    content: Mapped[dict[str, Any]] = mapped_column(Json)
    created_at: Mapped[datetime] = mapped_column(Instant, default=now)
    created_by: Mapped[str] = mapped_column(String(254), default="", server_default="")


class SecretField(Base):
    """A field of customers' metadata that holds passwords, since a definition takes or took its password from
    it. `sealed_at`: since when no value of it is in plain text; null while some may be."""

    __tablename__ = "secret_field"

    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    sealed_at: Mapped[datetime | None] = mapped_column(Instant)


class SenderContent(TypedDict):
    """`returns_signed`: each mail comes back to an address of its own (mailing/return_address.py)."""

    key: str
    address: str
    display_name: str
    reply_to: str
    envelope_sender: str
    mail_server_id: int
    returns_signed: NotRequired[bool]


class ImageContent(TypedDict):
    media_type: str
    sha256: str


class Content(TypedDict):
    """The content of a definition's version.

    `texts` maps a language ("" is the default) to the template's source, `subjects` and `plains` to its own
    subject and text alternative where it has them. `parts` (name → language → source) and `images` are those
    that the template uses. `transformations` are ids.

    NotRequired fields are missing in versions that are older than the field."""

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
