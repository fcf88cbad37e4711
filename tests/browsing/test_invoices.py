"""Invoices in a browser: found, approved and run by selection, their documents replaced; wide and narrow,
light and dark, and without JavaScript."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests import factories
from tests.browsing.conftest import NewContext
from tests.browsing.seen import press
from tests.browsing.test_customers import accessible
from tests.browsing.watching import Watch
from tests.customers.conftest import index_all
from tests.pdfs import pdf
from tests.world import World


@pytest.fixture
def numbers(world: World) -> dict[str, int]:
    """Number → id of three invoices of the test's own cluster; the last is open and has no document."""
    mark = world.everybody.tag_name.rpartition(" ")[2]
    made = {}
    with world.runtime.database.writing() as session:
        for n, status in enumerate(("approved", "approved", "open"), 1):
            payer = factories.customer(session, world.everybody, name=f"Bakkerij {n} {mark}")
            invoice = factories.invoice(session, payer, number=f"NT-{mark}-{n}", status=status)
            if n < 3:
                factories.document(session, world.runtime.documents, invoice)
            made[invoice.number] = invoice.id
        index_all(session)
    return made


def test_some_are_selected_approved_and_run(page: Page, world: World, numbers: dict[str, int]) -> None:
    first, _, third = numbers
    page.goto(f"/invoices?cluster={world.everybody.tag_name}&sort=number")
    expect(page.get_by_role("table", name="Invoices").get_by_role("row")).to_have_count(4)
    page.get_by_role("searchbox", name="Search invoices").fill(third)
    expect(page.get_by_role("link", name=first)).to_have_count(0)
    page.get_by_role("searchbox", name="Search invoices").fill("")
    expect(page.get_by_role("link", name=first)).to_be_visible()
    for number in (first, third):
        page.get_by_role("checkbox", name=f"Select {number}").check()
    bar = page.get_by_role("region", name="Actions for selected invoices")
    accessible(page, "invoices")
    bar.get_by_role("button", name=re.compile("^Approve")).click()
    dialog = page.get_by_role("dialog", name="Approve 1 invoice?")
    accessible(page, "question of approve")
    press(page, "Approve 1", dialog)
    expect(page.get_by_text("1 invoice approved. 1 left as it was.")).to_be_visible()
    for number in (first, third):
        page.get_by_role("checkbox", name=f"Select {number}").check()
    bar.get_by_role("button", name=re.compile("New run from 2 selected")).click()
    expect(page.get_by_text("Only 2 selected invoices")).to_be_visible()
    expect(page.get_by_label("Customer cluster")).to_have_value(world.everybody.tag_name)


def test_a_wrong_document_is_replaced(page: Page, numbers: dict[str, int]) -> None:
    number, invoice_id = next(iter(numbers.items()))
    page.goto(f"/invoices/{invoice_id}")
    accessible(page, "invoice")
    documents = page.get_by_role("region", name="Documents")
    wrong: FilePayload = {
        "name": "wrong.pdf",
        "mimeType": "application/pdf",
        "buffer": pdf("Invoice of a stranger"),
    }
    documents.get_by_label(re.compile("^Another file")).set_input_files(wrong)
    documents.get_by_role("button", name=re.compile("^Replace")).click()
    expect(documents.get_by_text("Suspect")).to_be_visible()
    accessible(page, "invoice with a suspect document")
    documents.get_by_role("button", name=re.compile("^Release")).click()
    expect(documents.get_by_text("Suspect")).to_have_count(0)
    expect(page.get_by_role("heading", level=1)).to_have_text(number)


def test_everything_works_without_javascript(
    marit: NewContext, world: World, numbers: dict[str, int], watch: Watch
) -> None:
    watch.expect("status of 422")
    page = marit(java_script_enabled=False).new_page()
    page.goto(f"/invoices?cluster={world.everybody.tag_name}&status=open")
    page.get_by_role("checkbox", name="Select all on this page").check()
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("heading", name="Approve 1 invoice?")).to_be_visible()
    page.get_by_role("button", name="Approve 1").click()
    expect(page.get_by_role("status").first).to_contain_text("1 invoice approved.")
    page.goto("/invoices/new")
    page.get_by_label("Number").fill("NT-1")
    page.get_by_role("button", name="Add invoice").click()
    expect(page.get_by_text("There is no customer")).to_be_visible()
    expect(page.get_by_label("Number")).to_have_value("NT-1")
