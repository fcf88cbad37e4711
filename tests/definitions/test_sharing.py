"""Who may change what all clusters share, and what the run dialog says of changes (F1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests import factories
from tests.http_client import LogIn, fields, text_of
from tests.world import World
from webapp.access import Viewer
from webapp.definitions import editing, pictures, templates
from webapp.definitions.versions import fields_of, template_value
from webapp.errors import Refused
from webapp.store.definitions import MessageDefinition, MessageTemplate
from webapp.store.statuses import Role

Change = Callable[[Session, World, Viewer], object]


def steal(session: Session, world: World, viewer: Viewer) -> object:
    definition = session.get_one(MessageDefinition, world.definition.id)
    stored = fields_of(session, definition)
    seen = editing.fingerprint(stored)
    return editing.change(session, viewer, definition, replace(stored, bcc=("thief@evil.test",)), seen)


def rewrite(session: Session, world: World, viewer: Viewer) -> object:
    template = session.get_one(MessageTemplate, world.definition.template_id)
    stored = template_value(template)
    return templates.change_template(
        session, viewer, template, replace(stored, name="Mine"), editing.fingerprint(stored)
    )


CHANGES: dict[str, Change] = {
    "definition": steal,
    "retire": lambda session, world, viewer: editing.retire(
        session, viewer, session.get_one(MessageDefinition, world.definition.id)
    ),
    "template": rewrite,
    "part": lambda session, _, viewer: templates.save_part(session, viewer, "regards", {"": "Hello"}),
    "picture": lambda session, world, viewer: pictures.save(
        session, viewer, pictures.store(world.runtime.documents, "logo", b"GIF89a")
    ),
}


@pytest.mark.security("C7")
@pytest.mark.parametrize("what", CHANGES)
def test_f1_what_others_use_is_changed_only_by_who_sees_all_of_them(world: World, what: str) -> None:
    world.add()
    with world.runtime.database.writing() as session:
        own = factories.cluster(session, "own", session.merge(world.everybody))
    world.run(cluster_id=own.id)
    bound = Viewer("manager@example.com", Role.MANAGER, frozenset({own.id}))
    with world.runtime.database.writing() as session:
        CHANGES[what](session, world, bound)  # only this person's own customers are concerned
        session.rollback()
    world.run()
    refused = pytest.raises(Refused, match="used for customers whom you do not see")
    with refused, world.runtime.database.writing() as session:
        CHANGES[what](session, world, bound)
    with world.runtime.database.writing() as session:
        CHANGES[what](session, world, Viewer("other@example.com", Role.MANAGER))


def test_f1_the_dialog_says_what_changed_since_the_last_run(log_in: LogIn, world: World) -> None:
    world.add()
    browser = log_in("manager")
    browser.look("/runs/new")
    assert "Changed since" not in text_of(browser.press("/runs/preview", **fields(world)))
    world.run()
    with world.runtime.database.writing() as session:
        definition = session.scalars(select(MessageDefinition)).one()
        definition.subject, definition.bcc = "Other", ["thief@evil.test"]
        definition.reply_to = "thief@evil.test"
    said = text_of(browser.press("/runs/preview", **fields(world)))
    assert "Changed since its last run: Bcc (now thief@evil.test; was none); Reply to (now thief" in said
    assert "; Subject" in said
    asked = text_of(browser.press("/runs", **fields(world), start="1"))
    assert "Bcc (now thief@evil.test; was none)" in asked
