"""The run dialog says what is missing for a run, and leads there."""

from __future__ import annotations

from sqlalchemy import delete, update

from tests.http_client import LogIn, text_of
from tests.world import World
from webapp.store.definitions import DefinitionTransformation, DefinitionVersion, MessageDefinition
from webapp.store.types import now

SAYS = "A run needs these first:"


def test_without_a_definition_it_is_said_where_to_make_one(log_in: LogIn, world: World) -> None:
    world.add("a@customers.test")
    browser = log_in("manager")
    assert SAYS not in text_of(browser.look("/runs/new"))
    with world.runtime.database.writing() as session:
        for table in (DefinitionTransformation, DefinitionVersion, MessageDefinition):
            session.execute(delete(table))
    page = browser.look("/runs/new")
    assert SAYS in text_of(page)
    assert '<a href="/definitions/new">Message definition</a>' in page.text
    assert 'href="/imports">Invoices' not in page.text


def test_all_definitions_retired(log_in: LogIn, world: World) -> None:
    world.add("a@customers.test")
    with world.runtime.database.writing() as session:
        session.execute(update(MessageDefinition).values(retired_at=now()))
    page = log_in("manager").look("/runs/new")
    assert '<a href="/definitions">Message definition</a>: all are retired' in page.text


def test_without_invoices_the_import_is_named(log_in: LogIn, world: World) -> None:
    for role in ("manager", "admin"):
        page = log_in(role).look("/runs/new")
        assert '<a href="/imports">Invoices</a>' in page.text
        assert "Message definition</a>:" not in page.text


def test_a_person_who_may_not_import_gets_no_link(log_in: LogIn, world: World) -> None:
    browser = log_in("manager", "left")
    page = browser.look("/runs/new")
    assert "Invoices</strong>" in page.text
    assert "; an administrator adds it" in page.text
    world.add("a@customers.test")
    page = browser.look("/runs/new")
    assert '<a href="/invoices">Invoices</a>: none of those that you may see' in page.text
