"""Hostile templates in a run: each costs its own mail, in words; all the others go out."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import delete, insert

from tests.mailing.hostile import BOMBS, PAYLOADS
from tests.mailserver import MailServer
from tests.world import World, make_world
from webapp.extensions import Runtime
from webapp.mailing.renderer import Renderer
from webapp.store.customers import Customer
from webapp.store.definitions import TemplateText
from webapp.workers import WorkerProcess

FINE = 10


def in_a_language_of_its_own(world: World, number: int, source: str) -> str:
    """A customer who alone gets this text; its address."""
    address = f"customer.{number}@customers.test"
    customer, _ = world.add(address)
    with world.runtime.database.writing() as session:
        session.get_one(Customer, customer.id).language = f"x-{number}"
        text = {"template_id": world.definition.template_id, "language": f"x-{number}", "source": source}
        session.execute(insert(TemplateText), [text])
    return address


UNWRITABLE = [r"{{ '\x00'|money('EUR') }}", r"{{ '\ud800'|money('EUR') }}"]
"""Why they fail is told with what a database has no place for."""


@pytest.mark.security("C5", "C6")
def test_each_costs_its_own_mail_and_all_others_go_out(runtime: Runtime, server: MailServer) -> None:
    runtime = replace(runtime, renderer=Renderer(seconds=1.0))
    world = make_world(runtime, server, subject="Invoice")
    with runtime.database.writing() as session:
        session.execute(delete(TemplateText))
    sources = [*PAYLOADS, *BOMBS, *UNWRITABLE, *["<p>{{ customer.name }}</p>"] * FINE]
    addresses = [in_a_language_of_its_own(world, n, source) for n, source in enumerate(sources)]
    run_id = world.run(start=True)
    world.work(WorkerProcess(runtime.database), run_id)
    runtime.renderer.close()
    results = sorted(world.results(run_id), key=lambda result: result.customer_id)
    hostile = results[:-FINE]
    assert {result.status for result in hostile} == {"failed"}
    assert all(result.detail for result in hostile)
    assert {result.status for result in results[-FINE:]} == {"sent"}
    assert sorted(taken.recipients[0] for taken in server.taken) == sorted(addresses[-FINE:])
