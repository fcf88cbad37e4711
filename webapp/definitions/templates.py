"""Creates and changes message templates, the parts that they include and the pictures that they show.

Every saved change creates a version of each definition that it changes, and is in the audit trail."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache

from babel import Locale
from babel.localedata import locale_identifiers
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from webapp.access import Viewer, plans_of
from webapp.audit import note
from webapp.definitions.editing import (
    CHANGED_MEANWHILE,
    fingerprint,
    free_name,
    must_be_allowed,
)
from webapp.definitions.sharing import must_see_all_runs, must_see_runs_of_template
from webapp.definitions.versions import TemplateValue, Text, template_value, todays_version
from webapp.errors import Refused
from webapp.language_names import tag_of
from webapp.mailing.template_references import REFERENCE_NAME, parts_in
from webapp.store.definitions import (
    MessageDefinition,
    MessageTemplate,
    TemplatePart,
    TemplateText,
)
from webapp.store.plans import Plan
from webapp.translation import N_, _


def create_template(session: Session, viewer: Viewer, value: TemplateValue) -> MessageTemplate:
    """Store a new template. Raises Refused."""
    must_be_allowed(viewer)
    _must_be_free(session, value.name, None)
    template = MessageTemplate(name=value.name, format=value.format)
    session.add(template)
    _write(session, template, value)
    note(session, viewer.name, "create template", value.name)
    return template


def change_template(
    session: Session, viewer: Viewer, template: MessageTemplate, value: TemplateValue, seen: str
) -> bool:
    """Store the changes, made on what had this fingerprint; False if there are none. Raises Refused."""
    must_be_allowed(viewer)
    must_see_runs_of_template(session, viewer, template.name, template.id)
    stored = template_value(template)
    if value == stored:
        return False
    if fingerprint(stored) != seen:
        raise Refused(CHANGED_MEANWHILE)
    _must_be_free(session, value.name, template.id)
    _must_keep_subjects(session, template.id, value)
    _write(session, template, value)
    note(session, viewer.name, "change template", value.name)
    new_versions(session, viewer)
    return True


def _must_keep_subjects(session: Session, template_id: int, value: TemplateValue) -> None:
    """Raise Refused if mails of a definition that has no subject would have none."""
    relying = select(MessageDefinition.name).where(
        MessageDefinition.template_id == template_id, MessageDefinition.subject == ""
    )
    if not value.has_every_subject and (
        names := session.scalars(relying.order_by(MessageDefinition.name)).all()
    ):
        raise Refused(
            _(
                "The definition “%(name)s” has no subject of its own. Keep one here, or enter it there.",
                name=names[0],
            )
        )


def with_text(value: TemplateValue, language: str, text: Text | None) -> TemplateValue:
    """The template with this text in this language; None deletes the language."""
    others = {each: other for each, other in value.texts.items() if each != language}
    return replace(value, texts=others if text is None else {**others, language: text})


def copy_template(session: Session, viewer: Viewer, template: MessageTemplate) -> MessageTemplate:
    """Store the same under another name."""
    names = session.scalars(select(MessageTemplate.name)).all()
    value = template_value(template)
    return create_template(session, viewer, replace(value, name=free_name(value.name, names)))


def remove_template(session: Session, viewer: Viewer, template: MessageTemplate) -> None:
    """Delete a template that no definition uses. Raises Refused for any other."""
    must_be_allowed(viewer)
    if using := used_by(session, template.id):
        told = _(
            "“%(name)s” cannot be deleted: %(using)s use it.", name=template.name, using=", ".join(using)
        )
        plans = select(Plan.name).join(MessageDefinition, MessageDefinition.id == Plan.definition_id)
        ours = (MessageDefinition.template_id == template.id, plans_of(viewer))
        if found := session.scalars(plans.where(*ours).order_by(Plan.name)).all():
            named = ", ".join(f"“{name}”" for name in found)
            told += " " + _("Plans make runs with it: %(plans)s.", plans=named)
        raise Refused(told)
    note(session, viewer.name, "delete template", template.name)
    session.delete(template)


def used_by(session: Session, template_id: int) -> list[str]:
    """The names of the definitions that use the template."""
    using = select(MessageDefinition.name).where(MessageDefinition.template_id == template_id)
    return list(session.scalars(using.order_by(MessageDefinition.name)))


LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})?")
NO_LANGUAGE = N_("A language is two letters, such as de, or with a country: de-CH. Choose one of the list.")


@cache
def languages() -> dict[str, str]:
    """Code → English name of the languages that money and dates can be written in, by name."""
    names = Locale("en").languages
    codes = {code for code in locale_identifiers() if code in names}
    return dict(sorted(((code, names[code]) for code in codes), key=lambda pair: pair[1]))


def language_code(given: str) -> str:
    """The code of a language that was given by its code or its name; else what was given."""
    return tag_of(given.strip().replace("_", "-"))


def save_part(session: Session, viewer: Viewer, name: str, texts: Mapping[str, str]) -> None:
    """Store a part in these languages, and in no other. Raises Refused."""
    must_be_allowed(viewer)
    must_see_all_runs(session, viewer, name)
    if not REFERENCE_NAME.fullmatch(name):
        raise Refused(
            _("Use only letters without accents, digits, - and _ in the name of a part, such as “signature”.")
        )
    if not texts:
        raise Refused(_("A part needs a text."))
    known = set(session.scalars(select(TemplatePart.language).where(TemplatePart.name == name)))
    if any(each and not LANGUAGE.fullmatch(each) for each in texts.keys() - known):
        raise Refused(NO_LANGUAGE)
    session.execute(delete(TemplatePart).where(TemplatePart.name == name))
    session.add_all(TemplatePart(name=name, language=each, source=source) for each, source in texts.items())
    session.flush()
    note(session, viewer.name, "change part", name)
    new_versions(session, viewer)


def remove_part(session: Session, viewer: Viewer, name: str) -> None:
    """Delete a part that nothing includes. Raises Refused for any other."""
    must_be_allowed(viewer)
    if using := including(session, name):
        raise Refused(
            _("“%(name)s” cannot be deleted: %(using)s include it.", name=name, using=", ".join(using))
        )
    session.execute(delete(TemplatePart).where(TemplatePart.name == name))
    note(session, viewer.name, "delete part", name)


def including(session: Session, name: str) -> list[str]:
    """The templates and parts that include this part, by their names."""
    return [each for each, source in sources(session) if name in parts_in(source)]


def new_versions(session: Session, viewer: Viewer) -> None:
    """Store a new version of each definition that is no longer what its newest version says. One that was
    never in a run and never saved here has none yet, and gets its first."""
    session.flush()
    session.expire_all()
    for definition in session.scalars(select(MessageDefinition).order_by(MessageDefinition.id)).all():
        todays_version(session, definition, viewer.name)


def sources(session: Session) -> list[tuple[str, str]]:
    """(name, source) of everything that may refer to a part or a picture; each name once."""
    texts = select(MessageTemplate.name, TemplateText.source + "\n" + TemplateText.plain).join(
        TemplateText, TemplateText.template_id == MessageTemplate.id
    )
    parts = select("part " + TemplatePart.name, TemplatePart.source)
    found: dict[str, str] = {}
    for name, source in [*session.execute(texts), *session.execute(parts)]:
        found[name] = f"{found.get(name, '')}\n{source}"
    return sorted(found.items())


def _must_be_free(session: Session, name: str, but: int | None) -> None:
    other = session.scalar(select(MessageTemplate.id).where(func.lower(MessageTemplate.name) == name.lower()))
    if other is not None and other != but:
        raise Refused(_("There is a template “%(name)s” already. Choose another name.", name=name))


def _write(session: Session, template: MessageTemplate, value: TemplateValue) -> None:
    template.name, template.format = value.name, value.format
    kept = {text.language: text for text in template.texts}
    template.texts = [
        kept.get(language) or TemplateText(language=language) for language in sorted(value.texts)
    ]
    for stored in template.texts:
        text = value.texts[stored.language]
        stored.source, stored.subject, stored.plain = text.source, text.subject, text.plain
    session.flush()
