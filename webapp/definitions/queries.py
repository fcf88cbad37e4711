"""The read side of definitions and templates: lists, usage, changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import Session

from webapp.access import Viewer, visible_to
from webapp.store.customers import Customer, CustomerEmail, RecipientKey, has_metadata
from webapp.store.definitions import (
    DefinitionVersion,
    MessageDefinition,
    MessageTemplate,
    TemplateImage,
    TemplatePart,
    TemplateText,
)
from webapp.store.mailservers import Sender
from webapp.store.runs import Run


@dataclass(frozen=True)
class DefinitionRow:
    """A definition in the list."""

    id: int
    name: str
    retired: bool
    sender: str
    recipient_key: str
    template: str
    runs: int
    last_run_at: datetime | None
    version: int | None


def lines(session: Session, *, retired: bool) -> list[DefinitionRow]:
    """The definitions in use, or the `retired` ones, by name."""
    runs = (
        select(Run.definition_id, func.count().label("n"), func.max(Run.created_at).label("last"))
        .group_by(Run.definition_id)
        .subquery()
    )
    versions = (
        select(DefinitionVersion.definition_id, func.max(DefinitionVersion.number).label("number"))
        .group_by(DefinitionVersion.definition_id)
        .subquery()
    )
    rows = session.execute(
        select(
            MessageDefinition.id,
            MessageDefinition.name,
            MessageDefinition.retired_at.is_not(None),
            Sender.key,
            RecipientKey.key,
            MessageTemplate.name,
            func.coalesce(runs.c.n, 0),
            runs.c.last,
            versions.c.number,
        )
        .join(Sender, Sender.id == MessageDefinition.sender_id)
        .join(RecipientKey, RecipientKey.id == MessageDefinition.recipient_key_id)
        .join(MessageTemplate, MessageTemplate.id == MessageDefinition.template_id)
        .outerjoin(runs, runs.c.definition_id == MessageDefinition.id)
        .outerjoin(versions, versions.c.definition_id == MessageDefinition.id)
        .where(
            MessageDefinition.retired_at.is_not(None) if retired else MessageDefinition.retired_at.is_(None)
        )
        .order_by(MessageDefinition.name)
    )
    return [DefinitionRow(*row) for row in rows]


@dataclass(frozen=True)
class TemplateLine:
    """A template in the list; `languages` without the default."""

    id: int
    name: str
    format: str
    languages: tuple[str, ...]
    definitions: tuple[str, ...]


def template_lines(session: Session) -> list[TemplateLine]:
    """All templates, by name."""
    languages: dict[int, list[str]] = {}
    for template_id, language in session.execute(
        select(TemplateText.template_id, TemplateText.language).order_by(TemplateText.language)
    ):
        languages.setdefault(template_id, []).append(language)
    using: dict[int, list[str]] = {}
    for template_id, name in session.execute(
        select(MessageDefinition.template_id, MessageDefinition.name).order_by(MessageDefinition.name)
    ):
        using.setdefault(template_id, []).append(name)
    return [
        TemplateLine(id, name, kind, tuple(filter(None, languages.get(id, []))), tuple(using.get(id, [])))
        for id, name, kind in session.execute(
            select(MessageTemplate.id, MessageTemplate.name, MessageTemplate.format).order_by(
                MessageTemplate.name
            )
        )
    ]


def parts(session: Session) -> dict[str, dict[str, str]]:
    """All parts: name → language → source."""
    found: dict[str, dict[str, str]] = {}
    for part in session.scalars(select(TemplatePart).order_by(TemplatePart.name, TemplatePart.language)):
        found.setdefault(part.name, {})[part.language] = part.source
    return found


def pictures(session: Session) -> Sequence[TemplateImage]:
    """All pictures, by name."""
    return session.scalars(select(TemplateImage).order_by(TemplateImage.name)).all()


def reach(session: Session, viewer: Viewer, recipient_key_id: int) -> tuple[int, int]:
    """How many of the customers whom this person sees have an address with this key, and how many there
    are."""
    having = exists().where(
        CustomerEmail.customer_id == Customer.id, CustomerEmail.recipient_key_id == recipient_key_id
    )
    return _count(session, viewer, having), _count(session, viewer)


def passwords(session: Session, viewer: Viewer, key: str) -> tuple[int, int] | None:
    """How many of the customers whom this person sees have a password in this field of their metadata, and
    how many there are; None without a field."""
    if not key:
        return None
    return _count(session, viewer, has_metadata(key)), _count(session, viewer)


def _count(session: Session, viewer: Viewer, *conditions: ColumnElement[bool]) -> int:
    counting = select(func.count()).select_from(Customer).where(visible_to(viewer, Customer), *conditions)
    return session.scalars(counting).one()


CUSTOMERS_SAMPLED = 200
"""Customers whose metadata is read for the names of fields."""


def metadata_keys(session: Session, viewer: Viewer) -> list[str]:
    """The names of the fields of customers' metadata, as far as a sample of the visible ones shows."""
    seen = select(Customer.extra).where(visible_to(viewer, Customer))
    some = session.scalars(seen.order_by(Customer.id.desc()).limit(CUSTOMERS_SAMPLED))
    return sorted({key for metadata in some for key in metadata})


def versions(session: Session, definition_id: int) -> Sequence[DefinitionVersion]:
    """All versions, the newest first."""
    return session.scalars(
        select(DefinitionVersion)
        .where(DefinitionVersion.definition_id == definition_id)
        .order_by(DefinitionVersion.number.desc())
    ).all()


def definitions(session: Session) -> list[tuple[int, str]]:
    """Id and name of every message definition that is in use, by name."""
    rows = session.execute(
        select(MessageDefinition.id, MessageDefinition.name)
        .where(MessageDefinition.retired_at.is_(None))
        .order_by(MessageDefinition.name)
    )
    return [(id, name) for id, name in rows]
