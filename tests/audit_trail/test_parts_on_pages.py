"""Each run, result, invoice, customer and definition shows its part of the audit trail, and leads to it."""

from __future__ import annotations

import pytest

from tests.http_client import LogIn, text_of
from tests.world import World
from webapp.audit import note


@pytest.mark.security("C27")
@pytest.mark.parametrize(
    ("path", "subject"),
    [
        ("/runs/{run}", "run {run}"),
        ("/results/{result}", "run {run}"),
        ("/customers/{customer}", "customer {code}"),
        ("/invoices/{invoice}", "invoice {number}"),
        ("/definitions/{definition}/versions", "{name}"),
    ],
)
def test_a_page_leads_to_its_part_of_the_audit_trail(
    log_in: LogIn, world: World, path: str, subject: str
) -> None:
    payer, of = world.add()
    run_id = world.run()
    given = {"run": run_id, "result": world.results(run_id)[0].id, "name": world.definition.name}
    given |= {"customer": payer.id, "code": payer.code, "invoice": of.id, "number": of.number}
    given["definition"] = world.definition.id
    link = "/audit?subject=" + subject.format(**given).replace(" ", "%20")
    with world.runtime.database.writing() as session:
        note(session, "marit@example.com", "change definition", world.definition.name, "version 2")
    browser = log_in()
    assert f'href="{link}"' in browser.look(path.format(**given)).text
    assert "Only entries about" in text_of(browser.look(link))
    for role in ("manager", "viewer"):
        assert "/audit" not in log_in(role).look(path.format(**given)).text


def test_a_run_tells_who_created_it_and_who_started_it(log_in: LogIn, world: World) -> None:
    world.add()
    run_id = world.run()
    world.start(run_id)
    said = text_of(log_in("viewer").look(f"/runs/{run_id}"))
    told = said.partition("What was done")[2]
    assert told.index("Start command line") < told.index("Create")
