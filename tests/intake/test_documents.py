"""Documents that no list names, filed under the invoice whose number is in their name or text."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from tests import factories
from tests.http_client import LogIn, text_of
from tests.intake.conftest import Work
from tests.intake.exports import send, zipped
from tests.pdfs import pdf, with_file
from tests.world import World
from webapp.intake import invoice_numbers
from webapp.store.invoices import Invoice, Transformation, TransformationResult

CII = (
    "<rsm:CrossIndustryInvoice xmlns:rsm='urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100' "
    "xmlns:ram='urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100'>"
    "<rsm:ExchangedDocument><ram:ID>{}</ram:ID></rsm:ExchangedDocument></rsm:CrossIndustryInvoice>"
)


@pytest.fixture
def numbers(world: World) -> list[str]:
    """Invoices that are stored, without documents."""
    made = ["NT-1", "NT-12", "NT-2026/7", "NT-30", "NT-31", "NT-32"]
    for number in made:
        world.add(documents=False, number=number)
    return made


def test_documents_find_their_invoices_and_the_rest_is_listed(
    log_in: LogIn, world: World, numbers: list[str], work_on: Work
) -> None:
    files = {
        "Invoice PDF/factuur NT-12 v2.pdf": pdf("x"),
        "NT-2026_7.pdf": pdf("x"),
        "scan-a.pdf": pdf("Invoice number: NT-30", "Customer"),
        "scan-b.pdf": with_file(pdf("a page"), CII.format("NT-31").encode()),
        "two of them.pdf": pdf("NT-30 and NT-31"),
        "copy one nt1.pdf": pdf("x"),
        "NT-1.pdf": pdf("x"),
        "holiday.pdf": pdf("no number at all"),
        "broken.pdf": b"%PDF-1.4 nothing",
        "NT-32.docx": b"PK",
    }
    browser = log_in("manager")
    checked = work_on(send(browser, {"documents.zip": zipped(files)}))
    assert checked.state == "checked"
    assert checked.summary["matched"] == 5
    left = dict(checked.summary["unmatched"])
    assert (
        sorted(left) == ["NT-32.docx", "broken.pdf", "copy one nt1.pdf", "holiday.pdf", "two of them.pdf"]
        or left
    )
    assert left["holiday.pdf"] == "no number of an invoice is in its name or its text"
    assert left["two of them.pdf"] == "it may belong to NT-30 or to NT-31"
    assert left["NT-32.docx"] == "no transformation makes such documents"
    assert "cannot be opened" in left["broken.pdf"]
    browser.look(f"/imports/{checked.id}")
    assert browser.press(f"/imports/{checked.id}/apply").status_code == 303
    applied = work_on(checked.id)
    assert applied.state == "applied"
    with world.runtime.database.reading() as session:
        rows = session.execute(
            select(TransformationResult.file_name, Invoice.number)
            .join(Invoice, Invoice.id == TransformationResult.invoice_id)
            .where(Invoice.number.in_(numbers))
        ).all()
    assert sorted(map(tuple, rows)) == [
        ("NT-1.pdf", "NT-1"),
        ("NT-2026_7.pdf", "NT-2026/7"),
        ("factuur NT-12 v2.pdf", "NT-12"),
        ("scan-a.pdf", "NT-30"),
        ("scan-b.pdf", "NT-31"),
    ]
    page = text_of(browser.look(f"/imports/{checked.id}"))
    assert "5 documents are left out." in page
    assert "Suspect documents" in page
    assert "holiday.pdf" in browser.look(f"/imports/{checked.id}/documents.csv").text


def test_two_documents_for_one_invoice_are_both_left(
    log_in: LogIn, world: World, numbers: list[str], work_on: Work
) -> None:
    browser = log_in("manager")
    checked = work_on(send(browser, {"NT-1.pdf": pdf("x"), "NT-1 (2).pdf": pdf("y"), "NT-12.pdf": pdf("z")}))
    assert checked.summary["matched"] == 1
    assert dict(checked.summary["unmatched"]) == {
        "NT-1 (2).pdf": "NT-1.pdf is for the same invoice, NT-1, too. Upload the right one without the other",
        "NT-1.pdf": "NT-1 (2).pdf is for the same invoice, NT-1, too. Upload the right one without the other",
    }


def test_a_person_chooses_the_transformation(
    log_in: LogIn, world: World, numbers: list[str], work_on: Work
) -> None:
    with world.runtime.database.writing() as session:
        session.add(Transformation(name="Reminder", output_type="pdf"))
        factories.recipient_key(session)
    browser = log_in("manager")
    set_id = send(browser, {"NT-1.pdf": pdf("x")})
    checked = work_on(set_id)
    assert checked.summary["unmatched"] == [["NT-1.pdf", "choose the transformation that it belongs to"]]
    browser.look(f"/imports/{set_id}")
    assert browser.press(f"/imports/{set_id}", **{"documents-pdf": "Reminder"}).status_code == 303
    assert work_on(set_id).summary["rows"][0][2] == "NT-1 Reminder NT-1.pdf"


def test_a_number_in_a_name_is_whole() -> None:
    found = invoice_numbers.in_name("Factuur_F2026-101 (kopie)")
    assert {"f2026-101", "2026-101", "101"} <= found
    assert "f2026-10" not in found
    assert "026-101" not in found
