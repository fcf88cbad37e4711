"""What a definition is tried on: an example while there is no invoice, and all invoices that would be in one
mail."""

from __future__ import annotations

import pytest

from tests import factories
from tests.definitions.test_pages import definitions, filled
from tests.http_client import LogIn, text_of
from tests.world import World
from webapp.store.customers import Customer

__all__ = ["filled"]  # the fixture
WRONG = "there is no invoice. Did you mean invoices?"


def test_one_invoice_is_not_taken_for_several(log_in: LogIn, world: World, filled: dict[str, object]) -> None:
    browser = log_in("manager")
    browser.look("/definitions/new")
    one = {**filled, "subject": "Invoice {{ invoice.number }}"}
    asked = browser.press("/definitions", **one, collate="y")
    assert (asked.status_code, WRONG in text_of(asked)) == (422, True)
    assert "Reminder" not in definitions(world)
    assert browser.press("/definitions", **one).status_code == 303


@pytest.mark.parametrize(
    ("subject", "collated"),
    [
        ("{{ customer.metadata.contact }}", {}),
        ("{{ invoice.data.calls }}", {}),
        ("{% for each in invoices %}{{ each.data.calls }}{% endfor %}", {"collate": "y"}),
    ],
)
def test_what_only_the_data_know_is_no_mistake(
    log_in: LogIn, world: World, filled: dict[str, object], subject: str, collated: dict[str, str]
) -> None:
    browser = log_in("manager")
    browser.look("/definitions/new")
    answer = browser.press("/definitions", **{**filled, "subject": subject, **collated})
    assert answer.status_code == 303


def test_a_mail_of_several_invoices_is_tried_with_all_of_them(
    log_in: LogIn, world: World, filled: dict[str, object]
) -> None:
    customer, _ = world.add()
    with world.runtime.database.writing() as session:
        payer = session.get_one(Customer, customer.id)
        factories.document(session, world.runtime.documents, factories.invoice(session, payer))
        factories.invoice(session, payer, status="open")
    browser = log_in("manager")
    browser.look("/definitions/new")
    shown = browser.press("/definitions/check", **filled, collate="y", htmx=True)
    assert "invoices a list of 2" in text_of(shown)
