"""What is stored of messaging.toml, in the file's own words, and how differences are stored."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Table, and_, delete, insert, select, update
from sqlalchemy.orm import Session

from webapp import sealed
from webapp.imports import staged
from webapp.imports.changes import KEPT, SOURCE_WINS, overruled, stays
from webapp.imports.messaging import Messaging
from webapp.imports.messaging_keys import MODELS, NATURAL, STATEMENTS, UNSAID
from webapp.mailservers import passwords
from webapp.mailservers.backoff import UNTROUBLED
from webapp.store.bounces import Mailbox
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
from webapp.store.users import SourceValue

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


@dataclass
class Differences:
    """What the file would change. `parts`, by table: the new entries, the changed ones, and how many are
    unchanged. `told` and `forgotten`: what administrators changed that stays, or that the file says something
    new of."""

    parts: dict[str, tuple[list[Values], list[Values], int]] = field(default_factory=dict)
    told: dict[str, list[tuple[str, str, str]]] = field(default_factory=dict)
    forgotten: list[dict[str, Any]] = field(default_factory=list)


def differing(session: Session, messaging: Messaging, found: Stored) -> Differences:
    """Compare the file with what is stored. What was changed in the browser stays until the file itself
    changes it (webapp/sources.py)."""
    made = Differences()
    for table, entries in messaging.entries.items():
        new: list[Values] = []
        changed: list[Values] = []
        remembered = _remembered(session, table) if table in MODELS else {}
        for entry in entries:
            key = tuple(entry.values[name] for name in NATURAL[table])
            old = found[table].get(key)
            said = {name: value for name, value in entry.values.items() if value is not UNSAID}
            if old is None:
                new.append({**dict.fromkeys(entry.values, ""), **said})
                continue
            values = _judged(made, table, key[0], said, old, remembered.get(key[0], {}))
            if old != values:
                changed.append(values)
        made.parts[table] = (new, changed, len(entries) - len(new) - len(changed))
    return made


def _remembered(session: Session, table: str) -> dict[str, dict[str, tuple[int, Any, Any]]]:
    """By name and key of the file: the row's id, what the file said last, and what it says now if the file
    itself does not have that: it is an export, and has what was changed."""
    model, carried = MODELS[table], staged.CHANGED_HERE
    name = getattr(model, NATURAL[table][0])
    is_carried = and_(
        carried.c.subject == SourceValue.subject,
        carried.c.owner == name,
        carried.c.field == SourceValue.field,
    )
    rows = session.execute(
        select(name, SourceValue.field, model.id, SourceValue.value, carried.c.line, carried.c.value)
        .join(SourceValue, and_(SourceValue.subject == table, SourceValue.subject_id == model.id))
        .outerjoin(carried, is_carried)
        .order_by(model.id, SourceValue.field)
    )
    found: dict[str, dict[str, tuple[int, Any, Any]]] = {}
    for owner, key, id, value, line, says in rows:
        found.setdefault(owner, {})[key] = (id, value, None if line is None else says)
    return found


def _judged(
    made: Differences,
    table: str,
    name: str,
    values: Values,
    old: Values,
    remembered: dict[str, tuple[int, Any, Any]],
) -> Values:
    """The values that count: those of the file, but for what was changed here and the file says as before. A
    mailbox that is stored stays as it is: what the file said of it before is not remembered."""
    counting = {**old, **values}
    if table == "mailbox":
        differing = [stays(key, old[key], values[key]) for key in values if values[key] != old[key]]
        made.told.setdefault(table, []).extend((KEPT, name, words) for words in differing)
        return old
    for key, (id, then, carried) in remembered.items():
        if key not in values:
            continue
        says = values[key] if carried is None else carried
        if says != then:
            made.forgotten.append({"subject": table, "subject_id": id, "field": key})
            words = overruled(key, old[key], values[key])
            made.told.setdefault(table, []).append((SOURCE_WINS, name, words))
        elif values[key] != old[key]:
            counting[key] = old[key]
            words = stays(key, old[key], values[key])
            made.told.setdefault(table, []).append((KEPT, name, words))
    return counting


def held(session: Session, parts: dict[str, tuple[list[Values], list[Values], int]]) -> Stored:
    """What is stored by now, with the settings locked that are about to change, until the transaction
    ends."""
    for table, model in MODELS.items():
        name = getattr(model, NATURAL[table][0])
        names = [values[NATURAL[table][0]] for values in parts[table][1]]
        session.execute(select(model.id).where(name.in_(names)).order_by(model.id).with_for_update())
    return stored(session)


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


def _mailbox(session: Session, values: Values) -> None:
    _write(session, Mailbox, {"name": values["name"]}, values)


def _sender(session: Session, values: Values) -> None:
    server = _id(session, MailServer.__table__, name=values["mail_server"])
    mailbox = _id(session, Mailbox.__table__, name=values["mailbox"]) if values["mailbox"] else None
    kept = {key: value for key, value in values.items() if key not in ("mail_server", "mailbox")}
    own = {"key": values["key"]}
    _write(session, Sender, own, {**kept, "mail_server_id": server, "mailbox_id": mailbox})


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
    "mailbox": _mailbox,
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
