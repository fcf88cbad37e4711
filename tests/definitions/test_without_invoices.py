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


def test_without_an_approved_invoice_any_other_is_shown(
    log_in: LogIn, world: World, filled: dict[str, object]
) -> None:
    world.add("a@customers.test", status="open", number="O-1")
    browser = log_in("manager")
    browser.look("/definitions/new")
    shown = browser.press("/definitions/check", **filled, htmx=True)
    text = text_of(shown)
    assert "O-1" in text
    assert "This invoice is not approved: no run would mail it." in text
    assert "Tested with 1 invoice: no errors." in text
    assert 'data-variable="invoice.number"' in shown.text
    world.add("b@customers.test", number="A-1")
    text = text_of(browser.press("/definitions/check", **filled, htmx=True))
    assert "A-1" in text
    assert "O-1" not in text
    assert "not approved" not in text


@pytest.mark.parametrize(("chosen", "seen"), [({}, "invoice.gross_amount"), ({"collate": "y"}, "invoices")])
def test_variables_are_listed_without_any_invoice(
    log_in: LogIn, world: World, filled: dict[str, object], chosen: dict[str, str], seen: str
) -> None:
    browser = log_in("manager")
    assert 'data-variable="customer.name"' in browser.look("/definitions/new").text
    for form in (filled, {**filled, "name": ""}):
        shown = browser.press("/definitions/check", **form, **chosen, htmx=True).text
        assert f'data-variable="{seen}"' in shown
        assert "There is no invoice yet to test with." in shown


@pytest.mark.security("C18")
def test_the_password_of_documents_is_listed_in_no_half_filled_form(
    log_in: LogIn, world: World, filled: dict[str, object]
) -> None:
    customer, _ = world.add("a@customers.test")
    with world.runtime.database.writing() as session:
        session.get_one(Customer, customer.id).extra = {"door_code": "s3cret", "town": "Zwolle"}
    browser = log_in("manager")
    browser.look("/definitions/new")
    form = {**filled, "name": "", "password_key": "door_code"}
    shown = browser.press("/definitions/check", **form, htmx=True).text
    assert "Zwolle" in shown
    assert "s3cret" not in shown
