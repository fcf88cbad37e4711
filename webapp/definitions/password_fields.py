"""Which field of customers' metadata a definition may take its password from. The field becomes secret for
everyone: its values are sealed, leave searches and downloads, and templates no longer see them. So a slip, or
a person who sees few customers, must not do that to a field that others need."""

from __future__ import annotations

import re
from collections.abc import Iterable

from sqlalchemy import String, func, literal, select
from sqlalchemy.orm import Session

from webapp import edits, notation, sealed
from webapp.access import Viewer
from webapp.errors import Refused
from webapp.mailing.template_references import COMMENT
from webapp.store.customers import Customer, metadata_text
from webapp.store.definitions import MessageDefinition, MessageTemplate, TemplatePart, TemplateText
from webapp.translation import _


def note(session: Session, viewer: Viewer, name: str, texts: Iterable[str] = ()) -> None:
    """Make the field of this name secret, if it is not; `texts` are those of the definition that names it.
    Called before the definition is stored. Raises Refused."""
    if not name or name in sealed.secret_names(session):
        sealed.note_secret(session, name)
        return
    if edits.is_reserved(name):
        raise Refused(
            _(
                "“%(name)s” cannot be the password key: the history of customers calls something "
                "else by this name. Keep the passwords in a field with another name.",
                name=name,
            )
        )
    using = [f"“{each}”" for each, text in _texts(session) if is_used(name, text)]
    if using or any(is_used(name, text) for text in texts):
        shown = ", ".join(dict.fromkeys(using)) or _("the definition itself")
        raise Refused(
            _(
                "“%(name)s” cannot be the password key: mails show it (customer.metadata.%(name)s "
                "in %(shown)s). Keep the passwords in another field, or take it out of the texts "
                "first.",
                name=name,
                shown=shown,
            )
        )
    if viewer.clusters and (n := _customers_with(session, name)):
        whose = "1 customer" if n == 1 else f"{notation.number(n)} customers"
        raise Refused(
            _(
                "“%(name)s” as the password key would hide “%(name)s” of %(whose)s. Ask an "
                "administrator who sees all clusters, or name a field that is a password key "
                "already.",
                name=name,
                whose=whose,
            )
        )
    sealed.note_secret(session, name)
    edits.hide_values(session, "customer", [name])


def is_used(name: str, source: str) -> bool:
    """Whether this template uses this field: `customer.metadata.name`, `["name"]` or `.get("name")`."""
    field = re.escape(name)
    ways = rf"\.\s*{field}(?!\w)|\[\s*([\"']){field}\1|\.\s*get\(\s*([\"']){field}\2"
    return re.search(rf"\bmetadata(?:[\"']\s*\])?\s*(?:{ways})", COMMENT.sub("", source)) is not None


def _texts(session: Session) -> list[tuple[str, str]]:
    """(name, source) of all that templates and definitions say."""
    text = TemplateText.subject + "\n" + TemplateText.source + "\n" + TemplateText.plain
    templates = select(MessageTemplate.name, text).join(
        TemplateText, TemplateText.template_id == MessageTemplate.id
    )
    parts = select(TemplatePart.name, TemplatePart.source)
    definitions = select(
        MessageDefinition.name, MessageDefinition.subject + "\n" + MessageDefinition.file_name
    )
    return [
        (name, source)
        for query in (templates, parts, definitions)
        for name, source in session.execute(query.order_by(query.selected_columns[0]))
    ]


def _customers_with(session: Session, name: str) -> int:
    """How many customers have a value in this field, whether this person sees them or not."""
    value = func.coalesce(metadata_text(Customer.extra, literal(name, String)), "")
    return session.scalar(select(func.count()).select_from(Customer).where(func.trim(value) != "")) or 0
