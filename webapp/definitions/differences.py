"""What differs between two versions of a definition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.store.definitions import Content, DefinitionVersion
from webapp.store.runs import Run
from webapp.translation import N_, _, translated


@dataclass(frozen=True)
class Difference:
    """What two versions of a definition say about one thing."""

    what: str
    before: str
    after: str


LABELS = {
    "name": N_("Name"),
    "recipient_key": N_("Recipient key"),
    "subject": N_("Subject"),
    "template": N_("Template"),
    "format": N_("Format"),
    "transformation_names": N_("Invoice transformations"),
    "no_documents": N_("No documents"),
    "zip": N_("Zip"),
    "password_key": N_("Password key"),
    "collate": N_("Collate"),
    "file_name": N_("File names"),
    "bcc": N_("Bcc"),
    "reply_to": N_("Reply to"),
}
SENDER = {
    "key": N_("From key"),
    "address": N_("Sender’s address"),
    "display_name": N_("Sender’s display name"),
    "reply_to": N_("Sender’s reply to"),
    "envelope_sender": N_("Sender’s envelope sender"),
    "returns_signed": N_("Sender’s bounces are read"),
}
BY_LANGUAGE = {"texts": N_("Body"), "subjects": N_("Subject of the template"), "plains": N_("Text version")}


def differences(before: Content, after: Content) -> list[Difference]:
    """What changed between two versions, in the order of the form; a text is told with its language."""
    old, new = cast(Mapping[str, Any], before), cast(Mapping[str, Any], after)
    found = [(label, _said(old.get(key)), _said(new.get(key))) for key, label in LABELS.items()]
    for key in SENDER:
        found.append((SENDER[key], _said(old["sender"].get(key)), _said(new["sender"].get(key))))
    for key, label in BY_LANGUAGE.items():
        found += _by_language(label, old.get(key, {}), new.get(key, {}))
    for name in sorted({**old.get("parts", {}), **new.get("parts", {})}):
        both = [each.get("parts", {}).get(name, {}) for each in (old, new)]
        found += _by_language(_("Part “%(name)s”", name=name), *both)
    pictures = [
        {name: image["sha256"] for name, image in each.get("images", {}).items()} for each in (old, new)
    ]
    found += [
        (_("Picture “%(name)s”", name=name), pictures[0].get(name, "")[:12], pictures[1].get(name, "")[:12])
        for name in sorted({**pictures[0], **pictures[1]})
    ]
    return [Difference(*each) for each in found if each[1] != each[2]]


SENSITIVE = (N_("Bcc"), N_("Reply to"), N_("Password key"))
"""What changes who gets a customer's data, or how it is protected: told first, with both values."""


def since_last_run(session: Session, definition_id: int, today: Content) -> list[str]:
    """What changed in a definition since the last run of it, in words: Bcc (now a@b.c; was none), Body …"""
    last = session.scalars(
        select(DefinitionVersion)
        .join(Run, Run.version_id == DefinitionVersion.id)
        .where(Run.definition_id == definition_id)
        .order_by(Run.id.desc())
        .limit(1)
    ).first()
    if last is None:
        return []
    found = differences(cast(Content, last.content), today)
    found.sort(key=lambda one: SENSITIVE.index(one.what) if one.what in SENSITIVE else len(SENSITIVE))
    return [_with_values(one) if one.what in SENSITIVE else translated(one.what) for one in found]


def _with_values(changed: Difference) -> str:
    return _(
        "%(what)s (now %(after)s; was %(before)s)",
        what=translated(changed.what),
        after=changed.after or _("none"),
        before=changed.before or _("none"),
    )


def _by_language(label: str, old: Mapping[str, str], new: Mapping[str, str]) -> list[tuple[str, str, str]]:
    languages = sorted({**old, **new})
    return [
        (
            _("%(part)s, %(language)s", part=translated(label), language=name or _("every other language")),
            old.get(name, ""),
            new.get(name, ""),
        )
        for name in languages
    ]


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) if isinstance(value, list) else str(value or "")
