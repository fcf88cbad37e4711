"""F, S1 and S8: which field may become one of passwords, by whom, and what the audit trail tells then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests import factories
from tests.imports import folders
from tests.imports.test_folder import load
from tests.world import World
from webapp import sealed, sealing
from webapp.access import OPERATOR, Viewer
from webapp.customers import editing as customers
from webapp.customers.editing import Facts
from webapp.definitions import editing
from webapp.definitions.password_fields import is_used
from webapp.definitions.versions import fields_of
from webapp.edits import fingerprint
from webapp.errors import Refused
from webapp.extensions import Runtime
from webapp.store.customers import Customer
from webapp.store.definitions import MessageDefinition, TemplatePart, TemplateText
from webapp.store.statuses import Role
from webapp.store.users import AuditEntry

EVERYTHING = Viewer("all@example.com", Role.MANAGER)


@pytest.fixture
def bound(world: World) -> Viewer:
    """A manager of a cluster without customers; two customers elsewhere have a town."""
    for town in ("Utrecht", "Delft", " "):
        customer, _ = world.add()
        with world.runtime.database.writing() as session:
            session.get_one(Customer, customer.id).extra = {"town": town}
    with world.runtime.database.writing() as session:
        own = factories.cluster(session, "own")
    return Viewer("manager@example.com", Role.MANAGER, frozenset({own.id}))


def name_field(session: Session, world: World, viewer: Viewer, name: str, how: str, **other: str) -> object:
    definition = session.get_one(MessageDefinition, world.definition.id)
    stored = fields_of(session, definition)
    wanted = replace(stored, password_key=name, **other)  # type: ignore[arg-type]
    if how == "create":
        return editing.create(session, viewer, replace(wanted, name="Mine"))
    return editing.change(session, viewer, definition, wanted, editing.fingerprint(stored))


@pytest.mark.parametrize("how", ["create", "change"])
def test_f_s1_only_a_person_who_sees_all_hides_a_field_that_has_values(
    world: World, bound: Viewer, how: str
) -> None:
    refused = pytest.raises(
        Refused, match=r"would hide “town” of 2 customers\. Ask an administrator who sees"
    )
    with refused, world.runtime.database.writing() as session:
        name_field(session, world, bound, "town", how)
    with world.runtime.database.writing() as session:
        assert sealed.secret_names(session) == set()
        name_field(session, world, bound, "pin", how)  # no customer has a value
        assert sealed.secret_names(session) == {"pin"}
    with world.runtime.database.writing() as session:
        world.definition = factories.definition(session, factories.mail_server(session), name="Other")
        name_field(session, world, EVERYTHING, "town", "change")
    with world.runtime.database.writing() as session:  # secret already: nothing more is hidden
        definition = session.get_one(MessageDefinition, world.definition.id)
        editing.copy(session, bound, definition)


@pytest.mark.parametrize("place", ["body", "text", "subject", "part", "another definition", "itself"])
def test_f_s1_a_field_that_mails_show_is_refused_for_everyone(world: World, place: str) -> None:
    used, other = "{{ customer.metadata.town }}", {}
    with world.runtime.database.writing() as session:
        text = session.scalars(select(TemplateText)).first()
        assert text
        if place in ("body", "text", "subject"):
            setattr(text, {"body": "source", "text": "plain"}.get(place, place), used)
        elif place == "part":
            session.add(TemplatePart(name="regards", language="", source=used))
        elif place == "itself":
            other = {"file_name": used}
        else:
            factories.definition(session, factories.mail_server(session), name="Other", subject=used)
    for viewer in (OPERATOR, EVERYTHING):
        refused = pytest.raises(Refused, match=r"mails show it \(customer\.metadata\.town in .*another field")
        with refused, world.runtime.database.writing() as session:
            name_field(session, world, viewer, "town", "create", **other)


def test_f_s1_what_uses_a_field_and_what_does_not() -> None:
    for used in ("metadata.a-b", "metadata['a-b']", 'metadata [ "a-b" ]', 'metadata.get("a-b", 1)'):
        assert is_used("a-b", "{{ customer." + used + " }}")
    assert is_used("a-b", "{{ customer['metadata']['a-b'] }}")
    for free in ("metadata.a-bc", "metadata.x", 'metadata["a-bc"]', "data.a-b"):
        assert not is_used("a-b", "{{ customer." + free + " }}")
    assert not is_used("a-b", "{# customer.metadata.a-b #}")


@pytest.mark.parametrize("name", ["cluster", "addresses for “billing”"])
def test_f_s8_no_field_hides_other_changes_of_customers(world: World, name: str) -> None:
    refused = pytest.raises(Refused, match="the history of customers calls something else")
    with refused, world.runtime.database.writing() as session:
        name_field(session, world, OPERATOR, name, "create")


def told(session: Session) -> Sequence[str]:
    rows = select(AuditEntry.detail).where(
        AuditEntry.action == "change", AuditEntry.subject.like("customer %")
    )
    return session.scalars(rows.order_by(AuditEntry.id)).all()


def test_f_s8_the_audit_hides_values_of_a_field_that_becomes_secret(world: World) -> None:
    customer, _ = world.add()
    with world.runtime.database.writing() as session:
        for name, value in (("pin", "geheim-1"), ("Pin", "open"), ("pin2", "open"), ("city", "pin: Delft")):
            assert customers.set_field(session, OPERATOR, customer.id, name, value, None)
        seen = fingerprint(customers.facts_of(session, session.get_one(Customer, customer.id)).values)
        customers.change_facts(session, OPERATOR, customer.id, Facts("New", "all", ""), seen)
        seen = fingerprint({"pin": "geheim-1"})
        assert customers.set_field(session, OPERATOR, customer.id, "pin", "geheim-2", seen)
        before = list(told(session))
    with world.runtime.database.writing() as session:
        name_field(session, world, EVERYTHING, "pin", "change")
        hidden = ["pin: ••••" if each.startswith("pin: ") else each for each in before]
        assert told(session) == hidden
        assert hidden.count("pin: ••••") == 2


def test_f_s8_so_does_sealing_for_a_field_that_an_import_names(runtime: Runtime, tmp_path: Path) -> None:
    load(runtime, folders.write(tmp_path / "in"))
    with runtime.database.writing() as session:
        customers.set_field(session, OPERATOR, 1, "word", "geheim-1", None)
    assert "geheim-1" in str(told_in(runtime))
    messaging = folders.MESSAGING + 'password_key = "word"\n'
    load(runtime, folders.write(tmp_path / "later", {"messaging.toml": messaging}))
    sealing.seal_plain(runtime.database)
    assert told_in(runtime) == ["word: ••••"]


def told_in(runtime: Runtime) -> Sequence[str]:
    with runtime.database.reading() as session:
        return told(session)
