"""The demo's import folder: real PDFs, read back; the same bytes every time; quickly made."""

from __future__ import annotations

import csv
import hashlib
import time
from dataclasses import replace
from datetime import date
from pathlib import Path

import pypdfium2
import pytest

from webapp.demo import company, folder, papers
from webapp.demo.billing import Bill, bills

TODAY = date(2026, 11, 23)
SECONDS = 20.0


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole folder, written within the time that a newcomer may wait."""
    path = tmp_path_factory.mktemp("demo")
    begun = time.process_time()
    folder.write(path, TODAY, 2525)
    assert time.process_time() - begun < SECONDS
    return path


def rows(path: Path) -> list[dict[str, str]]:
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def text_of(pdf: bytes) -> str:
    document = pypdfium2.PdfDocument(pdf)
    return "".join(page.get_textpage().get_text_bounded() for page in document)


def bill(number: str) -> Bill:
    return next(bill for bill in bills(company.customers(), TODAY) if bill.number == number)


def test_every_document_that_is_listed_is_there(written: Path) -> None:
    listed = rows(written / "transformation_results.csv")
    assert len(listed) > 800
    assert all((written / row["file"]).is_file() for row in listed)
    assert {row["transformation"] for row in listed} == {folder.PDF, folder.CALLS}


def test_each_pdf_is_of_its_own_invoice(written: Path) -> None:
    invoices = {row["number"]: row for row in rows(written / "invoices.csv")}
    for row in rows(written / "transformation_results.csv")[::40]:
        if row["transformation"] == folder.PDF:
            text = text_of((written / row["file"]).read_bytes())
            invoice = invoices[row["invoice_number"]]
            assert invoice["number"] in text
            assert invoice["customer_code"] in text
            assert invoice["gross_amount"].lstrip("-")[-2:] in text


@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("NT-2610-0001", ["Factuur", "Te betalen", "2 december 2026", "€ 754,53"]),
        ("NT-2610-0087", ["Rechnung", "Zu zahlen", "MwSt. 19%"]),
        ("NT-2610-0127", ["Invoice", "Amount due", "£"]),
        ("NT-2610-0193", ["Facture", "À payer", "CHF", "8.1%"]),
    ],
)
def test_a_pdf_speaks_the_customers_language(number: str, words: list[str]) -> None:
    text = text_of(papers.Press().invoice(bill(number)))
    for word in [number, *words]:
        assert word in text


def test_a_credit_note_says_so() -> None:
    number = next(b.number for b in bills(company.customers(), TODAY) if b.gross < 0)
    text = text_of(papers.Press().invoice(bill(number)))
    assert "Creditnota" in text
    assert "Te ontvangen" in text
    assert "Vervaldatum" not in text


@pytest.mark.security("C10", "C17")
def test_data_is_never_markup() -> None:
    one = bill("NT-2610-0001")
    name = 'a *b* _c_ #d $e$ <f> @g \\h "i" [j]'
    text = text_of(papers.Press().invoice(replace(one, customer=replace(one.customer, name=name))))
    assert name in text


def test_the_calls_charged_are_the_calls_listed() -> None:
    one = bill("NT-2610-0001")
    listed = list(csv.DictReader(papers.calls_csv(one).decode().splitlines()))
    assert [int(row["seconds"]) for row in listed] == [call.seconds for call in one.calls]
    assert all("2026-10-01" <= row["date"] <= "2026-10-31" for row in listed)


def test_the_same_bytes_every_time(written: Path, tmp_path: Path) -> None:
    folder.write(tmp_path, TODAY, 2525)
    assert digests(tmp_path) == digests(written)


def digests(path: Path) -> dict[str, str]:
    files = [file for file in path.rglob("*") if file.is_file()]
    return {str(file.relative_to(path)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
