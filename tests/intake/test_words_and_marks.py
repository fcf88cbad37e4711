"""What everyday files write beside an amount, and in the place of a language tag."""

from __future__ import annotations

from sqlalchemy import select

from tests.http_client import Browser
from tests.intake.conftest import Work
from tests.intake.exports import GROSS_ONLY, WITH_ADDRESSES
from tests.intake.exports import send as send_files
from tests.intake.newcomer import APPROVED, amounts_imported, applied, customers_here, invoices_here, send
from tests.intake.pages import correct, page
from tests.pdfs import pdf
from tests.world import World
from webapp import notation
from webapp.intake import labels
from webapp.store.customers import Customer


def test_18_amounts_may_have_the_mark_of_their_currency(
    browser: Browser, world: World, work_on: Work
) -> None:
    rows = ["€ 1000,50;EUR 210,00;", "€ 1.000,50;210,00 €;€ 1.210,50", "1.000,50;;€\u00a01.210,50"]
    stored = amounts_imported(browser, world, work_on, rows)
    assert stored == [("1000.50", "210.00", "1210.50", "approved")] * 3


def test_18_a_mark_of_another_currency_is_refused(browser: Browser, work_on: Work) -> None:
    customers_here(browser, work_on)
    marked = GROSS_ONLY.replace("1.210,50;EUR", "$ 1.210,50;EUR").replace("99,95;EUR", "99,95 €;EUR")
    set_id = send(browser, facturen=marked)
    work_on(set_id)
    correct(browser, set_id, **APPROVED)
    checked = work_on(set_id)
    assert not checked.summary["can_apply"]
    [error] = checked.summary["errors"]
    assert error["column"] == "gross_amount"
    seen = page(browser, f"/imports/{set_id}").replace("&#39;", "'")
    assert "is '$ 1.210,50', and the currency is EUR" in seen


def test_18_a_language_may_be_named(browser: Browser, world: World, work_on: Work) -> None:
    named = WITH_ADDRESSES.replace(";nl;Zuid", ";Nederlands;Zuid", 1).replace(";nl;Zuid", ";German;Zuid", 1)
    named = named.replace(";nl;Noord", ";English;Noord", 1).replace(";nl;Noord", ";Deutsch;Noord", 1)
    set_id = send(browser, klanten=named)
    work_on(set_id)
    correct(browser, set_id, **{"0-clusters": "1"})
    work_on(set_id)
    applied(browser, set_id, work_on)
    with world.runtime.database.reading() as session:
        spoken = {row.code: row.language for row in session.execute(select(Customer.code, Customer.language))}
    assert [spoken[f"K100{n}"] for n in range(1, 5)] == ["nl", "de", "en", "de"]


def test_18_a_document_that_is_named_wrongly_says_how_it_found_its_invoice(
    browser: Browser, work_on: Work
) -> None:
    invoices_here(browser, work_on)
    files = {"2610-001.pdf": pdf("2610-001", "K1001"), "holiday.pdf": pdf("Factuur 2610-002", "K1002")}
    set_id = send_files(browser, files)
    checked = work_on(set_id)
    assert (checked.summary["matched"], checked.summary["unmatched"]) == (2, [])
    seen = page(browser, f"/imports/{set_id}")
    assert "By the number in the text, since the name of the file has none:" in seen
    assert "holiday.pdf, as 2610-002" in seen
    assert "2610-001.pdf, as" not in seen


def test_18_what_differs_is_told_in_words() -> None:
    assert labels.difference("invoices", "status open → approved") == "Status: open → approved"
    assert labels.difference("customers", "cluster North → South") == "Customer cluster: North → South"
    assert labels.difference("customers", "name differs") == "name differs"
    with notation.reading(notation.Notation(language="nl")):
        assert labels.difference("invoices", "status open → approved") == "Status: open → goedgekeurd"
