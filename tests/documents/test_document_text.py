"""Whether a document names its invoice: what counts as naming, and what documents there are."""

from __future__ import annotations

import io

import pikepdf
import pytest

from tests.pdfs import pdf
from webapp.documents.document_reader import Names, Unreadable
from webapp.documents.document_text import findings
from webapp.store.statuses import Finding

OURS = Names("INV-10042", "C007", "Jansen Bouw B.V.")
PDF, XML = "application/pdf", "application/xml"


def found(content: bytes, names: Names = OURS, media_type: str = PDF) -> Finding:
    [found_for] = findings(media_type, content, [names])
    return found_for.finding


@pytest.mark.parametrize(
    "lines",
    [
        ("Invoice INV-10042", "C007"),
        ("Invoice inv-10042", "JANSEN BOUW B.V."),
        ("Invoice INV-100", "42", "for Jansen Bouw", "B.V."),  # broken over lines
        ("Invoice I N V - 1 0 0 4 2", "(C007)"),  # letters set apart
        ("#INV-10042/C007",),
        ("INV-10042-annex", "customer:C007,"),
        ("_INV-10042_C007_",),
    ],
)
def test_number_and_customer_are_found_however_they_are_set(lines: tuple[str, ...]) -> None:
    assert found(pdf(*lines)) == Finding.FINE


@pytest.mark.parametrize(
    "number", ["INV-100421", "XINV-10042", "INV-1004", "1INV-10042", "10042", "INV-10042.00"]
)
def test_a_number_within_another_one_is_not_named(number: str) -> None:
    assert found(pdf(f"Invoice {number}", "C007")) == Finding.NOT_NAMED


@pytest.mark.parametrize("text", ["Tel 555-1002", "1002.50", "12/1002", "EUR 1002,00", "3,1002"])
def test_a_number_of_digits_within_a_longer_one_is_not_named(text: str) -> None:
    numbered = Names("1002", "C007", "Jansen")
    assert found(pdf(text, "C007"), numbered) == Finding.NOT_NAMED
    assert found(pdf(text, "Invoice 1002.", "C007"), numbered) == Finding.FINE


@pytest.mark.parametrize("other", ["C0071", "AC007", "Jansen B.V."])
def test_another_customer_is_noticed(other: str) -> None:
    assert found(pdf("Invoice INV-10042", other)) == Finding.OTHER_CUSTOMER


@pytest.mark.parametrize("other", ["Van den Bergh", "Limberg", "Bergers"])
def test_a_short_name_within_another_one_is_not_named(other: str) -> None:
    short = Names("INV-10042", "C007", "Berg")
    assert found(pdf("Invoice INV-10042", other), short) == Finding.OTHER_CUSTOMER
    assert found(pdf("Invoice INV-10042", "(BERG)"), short) == Finding.FINE


def test_scripts_that_part_no_words_end_none() -> None:
    text = "<a>請求書INV-10042号</a>".encode()
    assert found(text, media_type=XML) == Finding.FINE


def test_each_invoice_that_the_same_bytes_are_filed_under_is_asked_for() -> None:
    other = Names("INV-10043", "C007", "Jansen Bouw B.V.")
    both = findings(PDF, pdf("INV-10042", "C007"), [OURS, other])
    assert [each.finding for each in both] == [Finding.FINE, Finding.NOT_NAMED]


def test_a_customer_without_a_name_of_letters_is_found_by_the_code_only() -> None:
    nameless = Names("INV-10042", "C007", " ")
    assert found(pdf("INV-10042 C007"), nameless) == Finding.FINE
    assert found(pdf("INV-10042"), nameless) == Finding.OTHER_CUSTOMER


def pages(*texts: str) -> bytes:
    whole = pikepdf.new()
    for text in texts:
        with pikepdf.open(io.BytesIO(pdf(text))) as one:
            whole.pages.extend(one.pages)
    out = io.BytesIO()
    whole.save(out)
    return out.getvalue()


def test_later_pages_count() -> None:
    assert found(pages(*["call"] * 22, "INV-10042", "C007", "call")) == Finding.FINE
    assert found(pages(*["call"] * 40)) == Finding.NOT_NAMED


@pytest.mark.parametrize("before", [b"\xef\xbb\xbf", b"\r\n\n  ", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_c5_a_pdf_with_something_before_its_header_is_read(before: bytes) -> None:
    assert found(before + pdf("INV-10042", "C007")) == Finding.FINE


def test_a_scanned_page_has_no_text() -> None:
    assert found(pages("", "")) == Finding.NO_TEXT


def locked(user: str) -> bytes:
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf("INV-10042", "C007"))) as document:
        document.save(out, encryption=pikepdf.Encryption(user=user, owner="owner"))
    return out.getvalue()


def test_a_pdf_that_opens_without_a_password_is_read() -> None:
    assert found(locked("")) == Finding.FINE


@pytest.mark.parametrize(
    ("media_type", "content"),
    [
        (PDF, b"%PDF-1.7\nnothing of it is left"),
        (PDF, pdf("INV-10042", "C007")[:200]),
        (PDF, locked("secret")),
        (XML, b"<invoice><id>INV-10042</invoice>"),
        (XML, b""),
    ],
)
def test_what_cannot_be_opened_says_why(media_type: str, content: bytes) -> None:
    with pytest.raises(Unreadable, match="cannot be opened as"):
        found(content, media_type=media_type)


@pytest.mark.parametrize(
    "body",
    [
        "<cbc:ID xmlns:cbc='urn:x'>INV-10042</cbc:ID>",
        "<id n='INV-10042'/>",
        "<a><b>due</b> INV-10042</a>",
    ],
)
def test_an_xml_document_names_its_invoice_anywhere(body: str) -> None:
    assert found(f"<?xml version='1.0'?>\n{body}".encode(), media_type=XML) == Finding.FINE
    assert found(body.replace("10042", "10043").encode("utf-16"), media_type="text/xml") == Finding.NOT_NAMED
