"""One invoice as a page: what it shows, and what people change of it and of its documents."""

from __future__ import annotations

import re
from io import BytesIO

import pytest
from sqlalchemy import select

from tests import factories
from tests.http_client import Browser, LogIn, text_of
from tests.invoices.conftest import Shelf
from tests.pdfs import pdf
from tests.world import World
from webapp.found_by import invoices_found
from webapp.store.customers import Customer
from webapp.store.invoices import Invoice, Transformation, TransformationResult
from webapp.store.users import AuditEntry, SourceValue
from webapp.workers import WorkerProcess

FACTS = {
    "period_start": "2026-10-01", "period_end": "2026-10-31", "issue_date": "2026-10-31", "due_date": "",
    "currency": "EUR", "net_amount": "100.00", "tax_amount": "0.00", "gross_amount": "100.00",
}  # fmt: skip


def seen(page: str, action: str) -> str:
    """The fingerprint in the form with this action."""
    form = page.partition(f'action="{action}"')[2]
    found = re.search(r'name="seen" value="(\w+)"', form)
    assert found, action
    return found[1]


def documents(world: World, invoice_id: int) -> list[TransformationResult]:
    with world.runtime.database.reading() as session:
        ours = TransformationResult.invoice_id == invoice_id
        return list(
            session.scalars(select(TransformationResult).where(ours).order_by(TransformationResult.id))
        )


def remembered(world: World) -> dict[str, object]:
    with world.runtime.database.reading() as session:
        rows = session.execute(select(SourceValue.field, SourceValue.value))
        return {field: value for field, value in rows}


def upload(browser: Browser, url: str, name: str, content: bytes, **fields: str) -> str:
    """Press the form with this file; what the next page says."""
    answer = browser.press(url, file=(BytesIO(content), name), **fields)
    if answer.status_code == 303:
        answer = browser.look(answer.headers["Location"].partition("#")[0])
    return text_of(answer)


def test_the_page_says_what_a_run_would_do(log_in: LogIn, shelf: Shelf) -> None:
    browser = log_in()
    said = text_of(browser.look(f"/invoices/{shelf.ids['NT-1']}"))
    assert "Would be sent with Invoice PDF, to left" in said
    assert "this invoice is open" in text_of(browser.look(f"/invoices/{shelf.ids['NT-2']}"))
    none = text_of(browser.look(f"/invoices/{shelf.ids['NT-5']}"))
    assert "it has no “Invoice PDF” document" in none
    assert "No “Invoice PDF” document, so" in none


def test_mails_and_what_changed_since(
    log_in: LogIn, shelf: Shelf, worker: WorkerProcess, world: World
) -> None:
    world.deliver(worker)
    browser, url = log_in(), f"/invoices/{shelf.ids['NT-1']}"
    page = browser.look(url)
    assert "Proof in" in text_of(page)
    assert "it was mailed: " in text_of(page)
    assert "Changed since it was mailed" not in page.text
    [document] = documents(world, shelf.ids["NT-1"])
    given = {**FACTS, "gross_amount": "90.5"}
    browser.press(f"{url}/facts", **given, seen=seen(page.text, f"{url}/facts"))
    page = browser.look(url)
    said = text_of(page)
    assert "Changed since it was mailed (" in said
    assert re.search(r"Gross amount €.100\.00 €.90\.50", said)
    there = f"{url}/documents/{document.id}"
    new = pdf("Invoice NT-1 corrected", "Ärzte am Markt")
    upload(browser, there, "new.pdf", new, seen=seen(page.text, there))
    page = browser.look(url)
    assert "Invoice PDF NT-1.pdf new.pdf" in text_of(page)
    old = re.search(r'href="(/results/\d+/documents/1\?attempt=1&(?:amp;)?look=1)"', page.text)
    assert old
    assert browser.client.get(old[1].replace("&amp;", "&")).data.startswith(b"%PDF"), "proof never changes"
    browser.press("/invoices/close", only=str(shelf.ids["NT-1"]), asked="1")
    assert "Status Approved Closed" in text_of(browser.look(url))


def test_facts_are_changed_once_and_what_the_source_said_is_kept(log_in: LogIn, shelf: Shelf) -> None:
    browser, url = log_in("manager"), f"/invoices/{shelf.ids['NT-1']}"
    page = browser.look(url).text
    given = {**FACTS, "gross_amount": "120.25", "due_date": "2026-12-01"}
    mark = seen(page, f"{url}/facts")
    assert browser.press(f"{url}/facts", **given, seen=mark).status_code == 303
    assert remembered(shelf.world) == {"gross_amount": "100.00", "due_date": "2026-11-01"}
    told = browser.look(url)
    assert "gross_amount: 100.00 → 120.25" in text_of(told)
    again = browser.press(f"{url}/facts", **{**given, "net_amount": "1"}, seen=mark)
    assert again.status_code == 422
    assert "This was changed by" in text_of(again)
    assert 'value="1"' in again.text, "what was typed stays"
    wrong = browser.press(
        f"{url}/facts", **{**given, "gross_amount": "1,5"}, seen=seen(again.text, f"{url}/facts")
    )
    assert "Gross amount is '1,5'; an amount is written like 1234.50" in text_of(wrong).replace("&#39;", "'")


def test_free_data_is_set_and_removed(log_in: LogIn, shelf: Shelf) -> None:
    browser, url = log_in("manager"), f"/invoices/{shelf.ids['NT-1']}"
    browser.look(url)
    browser.press(f"{url}/data", name="po", value="4500")
    page = browser.look(url).text
    assert shelf.invoice("NT-1").data == {"po": "4500"}
    browser.press(f"{url}/data", name="po", value="", seen=seen(page, f"{url}/data"))
    assert shelf.invoice("NT-1").data == {}
    assert remembered(shelf.world) == {"data.po": "4500"}
    browser.look(url)
    assert browser.press(f"{url}/data", name="po", value="x", seen="0").status_code == 422


def test_a_document_is_replaced_and_its_bytes_stay(log_in: LogIn, shelf: Shelf) -> None:
    world, url = shelf.world, f"/invoices/{shelf.ids['NT-1']}"
    browser = log_in("manager")
    [before] = documents(world, shelf.ids["NT-1"])
    there = f"{url}/documents/{before.id}"
    page = browser.look(url).text
    mark = seen(page, there)
    assert "is no PDF" in upload(browser, there, "new.pdf", b"hello", seen=mark)
    assert "is text/plain, but the transformation makes PDF" in upload(
        browser, there, "a.txt", b"x", seen=mark
    )
    assert "No file was chosen" in text_of(browser.press(there, seen=mark))
    browser.look(url)
    said = upload(browser, there, "new.pdf", pdf("Invoice NT-999"), seen=mark)
    assert "Replaced by new.pdf." in said
    assert "Suspect" in said
    assert "does not name its invoice" in said
    [after] = documents(world, shelf.ids["NT-1"])
    assert (after.id, after.origin, after.suspect, after.found_in) == (
        before.id,
        "changed",
        True,
        after.sha256,
    )
    assert world.runtime.documents.has(before.sha256)
    assert remembered(world) == {"documents.Invoice PDF": [[before.file_name, before.sha256]]}
    page = browser.look(url).text
    assert "a document that does not" not in page
    browser.press(f"{there}/release", seen=seen(page, f"{there}/release"))
    released = browser.look(url)
    assert "released by manager" in text_of(released)
    stale = browser.press(f"{there}/remove", seen=mark)
    assert "This was changed by" in text_of(stale)
    browser.look(url)
    browser.press(f"{there}/remove", seen=seen(released.text, f"{there}/remove"))
    assert documents(world, shelf.ids["NT-1"]) == []
    with world.runtime.database.reading() as session:
        told = session.scalars(
            select(AuditEntry.detail).where(AuditEntry.subject == "invoice NT-1").order_by(AuditEntry.id)
        ).all()
    assert "NT-1.pdf" in told[0]
    assert told[-1].endswith("→ nothing")


def test_a_document_is_added_and_stays_the_persons(log_in: LogIn, shelf: Shelf) -> None:
    world, url = shelf.world, f"/invoices/{shelf.ids['NT-5']}"
    browser = log_in("manager")
    browser.look(url)
    with world.runtime.database.reading() as session:
        kind = session.scalars(select(Transformation.id)).one()
    right = pdf("Invoice NT-5", shelf.invoice("NT-5").number, "Zoë Visser")
    upload(browser, f"{url}/documents", "NT-5.pdf", right, transformation=str(kind))
    [made] = documents(world, shelf.ids["NT-5"])
    assert (made.origin, made.suspect, made.media_type) == ("added", False, "application/pdf")
    assert remembered(world) == {}
    said = text_of(browser.look(url))
    assert "Would be sent" in said
    twice = upload(browser, f"{url}/documents", "NT-5.pdf", right, transformation=str(kind))
    assert "There is a document “NT-5.pdf” under Invoice PDF already." in twice
    assert browser.client.get(f"{url}/documents/{made.id}").data == right
    look = browser.client.get(f"{url}/documents/{made.id}?look=1")
    assert "default-src 'none'" in look.headers["Content-Security-Policy"]
    assert browser.look(f"/invoices/{shelf.ids['NT-1']}/documents/{made.id}").status_code == 404


def test_a_pdf_is_refused_where_other_documents_belong(log_in: LogIn, shelf: Shelf) -> None:
    with shelf.world.runtime.database.writing() as session:
        kind = factories.transformation(session, "Calls CSV")
        kind.output_type = "csv"
        kind_id = str(kind.id)
    browser, url = log_in("manager"), f"/invoices/{shelf.ids['NT-1']}"
    browser.look(url)
    said = upload(browser, f"{url}/documents", "NT-1.pdf", pdf("Invoice NT-1"), transformation=kind_id)
    assert "“NT-1.pdf” is a PDF, but documents under “Calls CSV” are CSV." in said
    assert len(documents(shelf.world, shelf.ids["NT-1"])) == 1


@pytest.mark.security("C9")
def test_text_is_shown_in_a_frame_without_rights(log_in: LogIn, shelf: Shelf) -> None:
    world = shelf.world
    with world.runtime.database.writing() as session:
        kind = factories.transformation(session, "UBL")
        kind.output_type = "xml"
        kind_id = kind.id
    browser, url = log_in(), f"/invoices/{shelf.ids['NT-1']}"
    browser.look(url)
    xml = b"<Invoice><script>alert(1)</script>NT-1</Invoice>"
    upload(browser, f"{url}/documents", "a.xml", xml, transformation=str(kind_id))
    made = documents(world, shelf.ids["NT-1"])[-1]
    page = browser.look(f"{url}/documents/{made.id}/view").text
    assert f'<iframe class="mail" sandbox src="{url}/documents/{made.id}/view?frame=1"' in page
    frame = browser.look(f"{url}/documents/{made.id}/view?frame=1")
    assert frame.mimetype == "text/plain"
    assert frame.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")


@pytest.mark.security("C20")
def test_only_a_person_who_is_logged_in_sends_a_large_file(
    log_in: LogIn, shelf: Shelf, pages: object
) -> None:
    large = pdf("Invoice NT-1") + b" " * 5_000_000
    browser, url = log_in("manager"), f"/invoices/{shelf.ids['NT-1']}"
    [before] = documents(shelf.world, shelf.ids["NT-1"])
    mark = seen(browser.look(url).text, f"{url}/documents/{before.id}")
    said = upload(browser, f"{url}/documents/{before.id}", "large.pdf", large, seen=mark)
    assert "Replaced by large.pdf" in said
    answer = browser.press(f"{url}/facts", file=(BytesIO(large), "x.pdf"))
    assert answer.status_code == 413
    browser.client.delete_cookie("mailrun")
    assert browser.press(f"{url}/documents/{before.id}", file=(BytesIO(large), "x.pdf")).status_code == 413


def test_an_invoice_is_added_by_hand(log_in: LogIn, shelf: Shelf) -> None:
    browser = log_in("manager")
    browser.look("/invoices/new")
    with shelf.world.runtime.database.reading() as session:
        code = session.execute(
            select(Customer.code).where(Customer.id == shelf.customers["Dijkstra"])
        ).scalar_one()
    wrong = browser.press("/invoices/new", number="NT-1", customer=code, **FACTS)
    assert "There is an invoice NT-1 already." in text_of(wrong)
    assert "There is no customer X." in text_of(
        browser.press("/invoices/new", number="NT-9", customer="X", **FACTS)
    )
    backwards = {**FACTS, "period_end": "2026-09-01"}
    ends = browser.press("/invoices/new", number="NT-9", customer=code, **backwards)
    assert "The period ends before it begins." in text_of(ends)
    made = browser.press("/invoices/new", number="NT-9", customer=code, **FACTS)
    invoice_id = int(made.headers["Location"].rpartition("/")[2])
    with shelf.world.runtime.database.reading() as session:
        invoice = session.get_one(Invoice, invoice_id)
        assert (invoice.status, invoice.number) == ("open", "NT-9")
        assert invoices_found(session, "nt-9", 10) == [invoice_id]


@pytest.mark.parametrize("role", ["viewer"])
def test_viewers_look(log_in: LogIn, shelf: Shelf, role: str) -> None:
    browser, url = log_in(role), f"/invoices/{shelf.ids['NT-1']}"
    page = browser.look(url).text.partition("</main>")[0]
    for word in ("Replace", "Remove", "Release", "Close", "Edit"):
        assert not re.search(rf"<(button|summary)[^>]*>[^<]*(<svg.*?</svg>)?\s*{word}", page), word
    assert browser.press(f"{url}/facts", **FACTS).status_code == 403
    assert browser.look("/invoices/new").status_code == 403
    assert 'name="id"' not in browser.look("/invoices").text
