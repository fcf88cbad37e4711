"""Ways to read the audit trail of what a person may not see, and to push its entries off a page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask

from tests.http_client import Browser, LogIn, text_of
from tests.world import World
from webapp.access import OPERATOR, Viewer
from webapp.audit import audit, note
from webapp.definitions import editing
from webapp.definitions.versions import fields_of
from webapp.store.definitions import MessageDefinition
from webapp.store.runs import Run
from webapp.store.statuses import Role

EDITOR = Viewer("eve@example.com", Role.EDITOR)


def named(world: World, name: str) -> int:
    """An editor makes a definition of this name; returns its id."""
    with world.runtime.database.writing() as session:
        fields = fields_of(session, session.get_one(MessageDefinition, world.definition.id))
        return editing.create(session, EDITOR, replace(fields, name=name)).id


@pytest.mark.parametrize("subject", ["run 7", "customer C00001", "marit@example.com", "approval"])
def test_a_definition_with_the_name_of_something_else_does_not_show_its_history(
    log_in: LogIn, world: World, subject: str
) -> None:
    with world.runtime.database.writing() as session:
        note(session, OPERATOR.name, "change", subject, "address: old@secret.test → new@secret.test")
    definition_id = named(world, subject)
    said = text_of(log_in("editor", "left").look(f"/definitions/{definition_id}/versions"))
    assert "Create definition" in said
    assert "secret.test" not in said


def test_no_one_pushes_entries_off_the_page_of_a_run(
    pages: Flask, log_in: LogIn, world: World, in_cluster: Callable[[str], int]
) -> None:
    in_cluster("left")
    run_id = world.run()
    definition_id = named(world, f"run {run_id}")
    stranger = Browser(pages.test_client())
    with world.runtime.database.writing() as session:
        audit(session, "jonas@example.com", "take over", session.get_one(Run, run_id), "what happened")
        for _n in range(40):
            editing.retire(session, EDITOR, session.get_one(MessageDefinition, definition_id))
    for _n in range(40):
        assert stranger.log_in(f"run {run_id}", "wrong").status_code in (401, 429)
    said = text_of(log_in("admin").look(f"/runs/{run_id}"))
    assert "what happened" in said
    assert "eve@example.com" not in said
