"""Creates and changes message definitions. Every saved change is a version, and in the audit trail.

Two people may have the same definition open: a change names what it was made on (`fingerprint`), and is
refused if that has changed meanwhile."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, replace

from sqlalchemy import delete, exists, func, insert, select
from sqlalchemy.orm import Session

from webapp.access import Viewer, cannot_change, plans_of
from webapp.audit import note
from webapp.definitions import password_fields
from webapp.definitions.sharing import must_see_runs_of_definition
from webapp.definitions.versions import Fields, TemplateValue, fields_of, take_turn, todays_version
from webapp.errors import Refused
from webapp.store.definitions import (
    DefinitionTransformation,
    DefinitionVersion,
    MessageDefinition,
)
from webapp.store.plans import Plan
from webapp.store.runs import Run
from webapp.store.types import now
from webapp.translation import N_, _, ngettext

SINGLE_FIELDS = ("name", "sender_id", "recipient_key_id", "template_id", "subject", "no_documents", "zip",
          "password_key", "collate", "reply_to", "file_name")  # fmt: skip


def create(session: Session, viewer: Viewer, fields: Fields) -> MessageDefinition:
    """Store a new definition and its first version. Raises Refused."""
    must_be_allowed(viewer)
    _must_be_free(session, fields.name, None)
    password_fields.note(session, viewer, fields.password_key, (fields.subject, fields.file_name))
    definition = MessageDefinition()
    session.add(definition)
    _write(session, definition, fields)
    todays_version(session, definition, viewer.name)
    note(session, viewer.name, "create definition", fields.name)
    return definition


def change(
    session: Session, viewer: Viewer, definition: MessageDefinition, fields: Fields, seen: str
) -> bool:
    """Store the changes, made on what had this fingerprint; False if there are none. Raises Refused."""
    must_be_allowed(viewer)
    must_see_runs_of_definition(session, viewer, definition)
    take_turn(session, definition)
    stored = fields_of(session, definition)
    if fields == stored:
        return False
    if fingerprint(stored) != seen:
        raise Refused(CHANGED_MEANWHILE)
    _must_be_free(session, fields.name, definition.id)
    password_fields.note(session, viewer, fields.password_key, (fields.subject, fields.file_name))
    _write(session, definition, fields)
    version = todays_version(session, definition, viewer.name)
    note(session, viewer.name, "change definition", fields.name, f"version {version.number}")
    return True


def copy(session: Session, viewer: Viewer, definition: MessageDefinition) -> MessageDefinition:
    """Store the same under another name. If runs of the one need an approval, those of the other do."""
    fields = fields_of(session, definition)
    names = set(session.scalars(select(MessageDefinition.name)))
    copied = create(session, viewer, replace(fields, name=free_name(fields.name, names)))
    copied.needs_approval = definition.needs_approval
    return copied


def retire(session: Session, viewer: Viewer, definition: MessageDefinition, *, back: bool = False) -> None:
    """Take the definition out of use for new runs, or `back` into it. Existing runs continue."""
    must_be_allowed(viewer)
    must_see_runs_of_definition(session, viewer, definition)
    definition.retired_at = None if back else definition.retired_at or now()
    note(session, viewer.name, "use definition again" if back else "retire definition", definition.name)


def remove(session: Session, viewer: Viewer, definition: MessageDefinition) -> None:
    """Delete a definition that no run was ever created with. Raises Refused for any other."""
    must_be_allowed(viewer)
    runs = runs_of(session, definition.id)
    if runs:
        raise Refused(
            ngettext(
                "“%(name)s” cannot be deleted: %(num)s run needs it. Retire it instead.",
                "“%(name)s” cannot be deleted: %(num)s runs need it. Retire it instead.",
                runs,
                name=definition.name,
            )
        )
    if session.scalar(select(exists().where(Plan.definition_id == definition.id))):
        named = plans_of_definition(session, viewer, definition.id)
        raise Refused(
            ngettext(
                "“%(name)s” cannot be deleted: the plan %(plans)s makes runs with it. Change the plan first.",
                "“%(name)s” cannot be deleted: the plans %(plans)s make runs with it. Change them first.",
                len(named),
                name=definition.name,
                plans=", ".join(named),
            )
            if named
            else _("“%(name)s” cannot be deleted: a plan makes runs with it.", name=definition.name)
        )
    session.execute(
        delete(DefinitionTransformation).where(DefinitionTransformation.definition_id == definition.id)
    )
    session.execute(delete(DefinitionVersion).where(DefinitionVersion.definition_id == definition.id))
    note(session, viewer.name, "delete definition", definition.name)
    session.delete(definition)


def plans_of_definition(session: Session, viewer: Viewer, definition_id: int) -> list[str]:
    """The plans that make runs with the definition, of those that this person sees, by their quoted names."""
    ours = (Plan.definition_id == definition_id, plans_of(viewer))
    return [f"“{name}”" for name in session.scalars(select(Plan.name).where(*ours).order_by(Plan.name))]


def held_without(session: Session, viewer: Viewer, definition_id: int) -> str:
    """What becomes of the plans of a definition that is retired, in words; empty if it has none."""
    plans = plans_of_definition(session, viewer, definition_id)
    if not plans:
        return ""
    return ngettext(
        "The plan %(plans)s is held until it has another definition.",
        "The plans %(plans)s are held until they have another definition.",
        len(plans),
        plans=", ".join(plans),
    )


def runs_of(session: Session, definition_id: int) -> int:
    """How many runs were created with the definition, archived ones included, whether visible or not."""
    return session.scalars(
        select(func.count()).select_from(Run).where(Run.definition_id == definition_id)
    ).one()


def must_be_allowed(viewer: Viewer) -> None:
    """Raise Refused for a person who may only look."""
    if not viewer.may_edit:
        raise Refused(cannot_change(viewer))


def fingerprint(value: Fields | TemplateValue) -> str:
    """A digest by which a form knows whether what a person is changing is still what they saw."""
    return hashlib.sha256(json.dumps(asdict(value), sort_keys=True).encode()).hexdigest()[:32]


CHANGED_MEANWHILE = N_(
    "Another person has saved a change since you opened this page. Nothing was overwritten: "
    "copy your text, reload the page, and make your change there."
)


def free_name(name: str, taken: Iterable[str], most: int = 200) -> str:
    """A name like this one that is free: “Monthly invoice (copy)”, “… (copy 2)”."""
    names = set(taken)
    number = 1
    while True:
        ending = " (copy)" if number == 1 else f" (copy {number})"
        wanted = name[: most - len(ending)] + ending
        if wanted not in names:
            return wanted
        number += 1


def _must_be_free(session: Session, name: str, but: int | None) -> None:
    other = session.scalar(select(MessageDefinition.id).where(MessageDefinition.name == name))
    if other is not None and other != but:
        raise Refused(_("There is a definition “%(name)s” already. Choose another name.", name=name))


def _write(session: Session, definition: MessageDefinition, fields: Fields) -> None:
    for name in SINGLE_FIELDS:
        setattr(definition, name, getattr(fields, name))
    definition.bcc = list(fields.bcc)
    session.flush()
    session.expire(definition, ["sender", "recipient_key", "template"])
    session.execute(
        delete(DefinitionTransformation).where(DefinitionTransformation.definition_id == definition.id)
    )
    rows = [
        {"definition_id": definition.id, "transformation_id": id, "position": position}
        for position, id in enumerate(fields.transformations)
    ]
    if rows:
        session.execute(insert(DefinitionTransformation), rows)
