"""Versions of a definition that several people make at once: each is made of what is saved, one after the
other."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from tests.world import World
from webapp.access import OPERATOR
from webapp.definitions import editing
from webapp.definitions.editing import fingerprint
from webapp.definitions.versions import fields_of, todays_version
from webapp.errors import Refused
from webapp.store.definitions import MessageDefinition, TemplateText
from webapp.store.runs import Run


def test_two_who_make_a_run_at_once_after_a_change_make_one_version(world: World) -> None:
    world.add()
    world.run()
    with world.runtime.database.writing() as session:
        session.execute(update(TemplateText).values(source="<p>changed</p>"))
    made: list[int] = []
    threads = [threading.Thread(target=lambda: made.append(world.run())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 4
    with world.runtime.database.reading() as session:
        assert len(set(session.scalars(select(Run.version_id)))) == 2


def test_a_run_that_is_made_while_a_person_saves_the_definition_takes_what_is_saved(world: World) -> None:
    """Here it is made of what it had read before it had to wait."""
    if world.runtime.database.is_sqlite:
        pytest.skip("SQLite has one writer: nothing is read before")
    world.add()
    made: list[int] = []
    making_it = threading.Thread(target=lambda: made.append(world.run()))
    with world.runtime.database.writing() as session:
        definition = session.get_one(MessageDefinition, world.definition.id)
        definition.subject = "Saved meanwhile"
        saved = todays_version(session, definition, "another person")
        assert saved.content["subject"] == "Saved meanwhile"
        making_it.start()
        making_it.join(1)
        assert making_it.is_alive()
    making_it.join()
    with world.runtime.database.reading() as session:
        assert session.get_one(Run, made[0]).version_id == saved.id


def test_two_who_save_a_definition_at_once_do_not_undo_each_other(world: World) -> None:
    told: list[str] = []
    with world.runtime.database.reading() as session:
        fields = fields_of(session, session.get_one(MessageDefinition, world.definition.id))

    def save(session: Session, subject: str) -> None:
        definition = session.get_one(MessageDefinition, world.definition.id)
        changed = replace(fields, subject=subject)
        editing.change(session, OPERATOR, definition, changed, fingerprint(fields))

    def save_second() -> None:
        try:
            with world.runtime.database.writing() as session:
                save(session, "second")
        except Refused as refusal:
            told.append(str(refusal))

    second = threading.Thread(target=save_second)
    with world.runtime.database.writing() as session:
        save(session, "first")
        second.start()
        second.join(1)
        assert second.is_alive()
    second.join()
    assert told == [editing.CHANGED_MEANWHILE]
    with world.runtime.database.reading() as session:
        assert session.get_one(MessageDefinition, world.definition.id).subject == "first"
