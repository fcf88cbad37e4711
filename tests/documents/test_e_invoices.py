"""E-invoices by their structure: their own number and their buyer count, and nothing else in them does."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import pikepdf
import pytest

from tests.documents.e_invoice_samples import KINDS, cii, fattura, ubl
from tests.pdfs import changed, pdf, with_file
from webapp.documents.document_reader import DocumentFinding, Names, Reader, ToRead, Unreadable
from webapp.documents.document_text import findings
from webapp.store.statuses import Finding

OURS = Names("INV-2026-1", "C007", "Buyer Ltd")
PDF, XML = "application/pdf", "application/xml"
Sample = Callable[..., bytes]
every_kind = pytest.mark.parametrize("made", KINDS, ids=lambda made: made.__name__)


def found(content: bytes, names: Names = OURS, media_type: str = XML) -> DocumentFinding:
    [finding] = findings(media_type, content, [names])
    return finding


@every_kind
def test_a4_the_right_one_passes(made: Sample) -> None:
    assert found(made("INV-2026-1", "Buyer Ltd")).finding == Finding.FINE
    assert found(b"\xef\xbb\xbf\r\n" + made("INV-2026-1", "Buyer Ltd")).finding == Finding.FINE
    assert found(made("INV-2026<!-- 9 --><?x 9?>-1", "Buyer Ltd")).finding == Finding.FINE
    assert found(made("inv\u20102026\u20101", "BUYER  Limited, Accounts")).finding == Finding.FINE


@every_kind
def test_a4_another_number_is_held_wherever_ours_stands(made: Sample) -> None:
    credit = found(made("CN-2026-2", "Other GmbH", refers_to="INV-2026-1"))
    assert credit == DocumentFinding(Finding.NOT_NAMED, "is document CN-2026-2, of Other GmbH")
    line = found(made("INV-2026-2", "Buyer Ltd"), Names("7", "C007", "Buyer Ltd"))
    assert line == DocumentFinding(Finding.NOT_NAMED, "is invoice INV-2026-2")
    assert found(made("INV-2026-10", "Buyer Ltd")).finding == Finding.NOT_NAMED
    assert found(made("", "Buyer Ltd")) == DocumentFinding(Finding.NOT_NAMED, "has no invoice number")


@every_kind
def test_a4_another_buyer_is_held(made: Sample) -> None:
    other = found(made("INV-2026-1", "Other GmbH"))
    assert other == DocumentFinding(Finding.OTHER_CUSTOMER, "is invoice INV-2026-1, but of Other GmbH")
    assert found(made("INV-2026-1", "Seller SA")).finding == Finding.OTHER_CUSTOMER
    assert found(made("INV-2026-1", "Other GmbH", code="c-007")).finding == Finding.FINE
    assert found(made("INV-2026-1", " ")).finding == Finding.FINE


@pytest.mark.parametrize(
    ("customer", "buyer"),
    [
        ("Jansen Bouw", "Jansen Bouw B.V."),
        ("Jansen Bouw BV", "JANSEN-BOUW b.v."),
        ("Müller & Söhne GmbH & Co. KG", "Mueller und Soehne"),
        ("MULLER ET SOHNE", "Müller & Söhne"),
        ("Mustermann, Max", "Max Mustermann"),
        ("O'Brien plc", "O\u2019Brien"),
        ("Società Alfa S.p.A.", "ALFA SPA"),
        ("株式会社山田", "山田"),
        ("Łódź Handel Sp. z o.o.", "Lodz Handel"),
        ("Stadt Zürich", "Stadt Zürich, Tiefbauamt"),
        ("Ælfred ApS", "aelfred a.p.s."),
    ],
)
def test_a4_a_buyer_is_known_however_the_name_is_written(customer: str, buyer: str) -> None:
    names = Names("INV-2026-1", "C007", customer)
    escaped = buyer.replace("&", "&amp;")
    for made in (cii, ubl, fattura):
        assert found(made("INV-2026-1", escaped), names).finding == Finding.FINE


@pytest.mark.parametrize(
    ("customer", "buyer"),
    [("Berg B.V.", "Van den Bergh B.V."), ("Jansen Bouw", "Jansen Dakwerken")],
)
def test_a4_a_name_that_only_begins_alike_is_another(customer: str, buyer: str) -> None:
    names = Names("INV-2026-1", "C007", customer)
    assert found(cii("INV-2026-1", buyer), names).finding == Finding.OTHER_CUSTOMER


def test_a4_several_invoices_in_one_fattura_each_count() -> None:
    two = fattura("1/26", "Buyer Ltd").replace(
        b"</FatturaElettronicaBody>",
        b"</FatturaElettronicaBody><FatturaElettronicaBody><DatiGenerali><DatiGeneraliDocumento>"
        b"<Numero>2/26</Numero></DatiGeneraliDocumento></DatiGenerali></FatturaElettronicaBody>",
    )
    for number, finding in (("1/26", Finding.FINE), ("2/26", Finding.FINE), ("3/26", Finding.NOT_NAMED)):
        assert found(two, Names(number, "C007", "Buyer Ltd")).finding == finding


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'<!DOCTYPE a [<!ENTITY e "INV-2026-1">]><a>&e;</a>', "DOCTYPE"),
        (b"<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a>INV-2026-1</a>", "DOCTYPE"),
        (b"<a>" * 300 + b"</a>" * 300, "cannot be opened as XML"),
        (b"<?xml version='1.0' encoding='UTF-77'?><a>INV-2026-1</a>", "cannot be opened as XML"),
        (b"<a>" + b"x" * 11_000_000 + b"</a>", "cannot be opened as XML"),
        (b"\x30\x82\x05\x00 a signed FatturaPA", "signed envelope"),
        (b"MIIFBAYJKoZIhvcNAQcCoIIE9TCC", "signed envelope"),
    ],
)
def test_a4_what_is_refused_says_why(content: bytes, words: str) -> None:
    with pytest.raises(Unreadable, match=words):
        found(content)


def test_a4_a_signed_envelope_is_refused_by_its_type_too() -> None:
    reader = Reader()
    signed = ToRead("application/pkcs7-mime", b"\x30\x80 binary", (OURS,))
    [[finding]] = reader.read_all([signed])
    reader.close()
    assert finding.finding == Finding.UNREADABLE
    assert "import the XML that is in it" in finding.words


@pytest.mark.parametrize(
    ("text", "xml", "finding", "words"),
    [
        (("INV-2026-1", "Buyer Ltd"), cii("INV-2026-1", "Buyer Ltd"), Finding.FINE, ""),
        (("INV-2026-1", "C007"), cii("INV-2026-1", "Buyer Limited"), Finding.FINE, ""),
        (("INV-2026-1", "Byer"), cii("INV-2026-1", "Buyer Ltd"), Finding.FINE, ""),
        (("see attached data", "Buyer Ltd"), cii("INV-2026-1", "Buyer Ltd"), Finding.FINE, ""),
        ((), cii("INV-2026-1", "Buyer Ltd"), Finding.FINE, ""),
        (
            ("INV-2026-1", "Buyer Ltd"),
            cii("INV-2026-2", "Other GmbH"),
            Finding.NOT_NAMED,
            "names its invoice, but its embedded XML is invoice INV-2026-2, of Other GmbH",
        ),
        (
            ("INV-2026-1", "Buyer Ltd"),
            ubl("INV-2026-1", "Other GmbH"),
            Finding.OTHER_CUSTOMER,
            "names its invoice, but its embedded XML is invoice INV-2026-1, but of Other GmbH",
        ),
        (
            ("INV-2026-2", "Buyer Ltd"),
            cii("INV-2026-1", "Buyer Ltd"),
            Finding.NOT_NAMED,
            "names inv-2026-2 in its text, but its embedded XML is invoice INV-2026-1",
        ),
        (
            ("INV-2026-2", "Other GmbH"),
            cii("INV-2026-2", "Other GmbH"),
            Finding.NOT_NAMED,
            "does not name its invoice: its embedded XML is invoice INV-2026-2, of Other GmbH",
        ),
        (("INV-2026-1", "Byer"), cii("INV-2026-1", ""), Finding.OTHER_CUSTOMER, ""),
        (("INV-2026-1", "Buyer Ltd"), b"<order>INV-2026-9</order>", Finding.FINE, ""),
    ],
)
@pytest.mark.parametrize("name", ["factur-x.xml", "data.xml", "data"])
def test_a4_the_xml_in_a_pdf_agrees_with_its_text(
    name: str, text: tuple[str, ...], xml: bytes, finding: Finding, words: str
) -> None:
    document = found(with_file(pdf(*text), xml, name), media_type=PDF)
    assert (document.finding, document.words) == (finding, words)


def test_a4_a_number_behind_its_label_in_the_text_counts() -> None:
    document = with_file(pdf("Invoice no. 471102", "Buyer Ltd"), cii("471103", "Buyer Ltd"))
    finding = found(document, Names("471103", "C007", "Buyer Ltd"), PDF)
    assert finding.words == "names 471102 in its text, but its embedded XML is invoice 471103"


def test_a4_an_e_invoice_in_a_pdf_that_cannot_be_read_holds_it() -> None:
    text = pdf("INV-2026-1", "Buyer Ltd")
    with pytest.raises(Unreadable, match=r"its embedded factur-x\.xml: it cannot be opened as XML"):
        found(with_file(text, b"<CrossIndustryInvoice>"), media_type=PDF)
    assert found(with_file(text, b"<notes>", "notes.xml"), media_type=PDF).finding == Finding.FINE


@pytest.mark.parametrize("place", ["associated", "in a note"])
def test_a4_an_e_invoice_is_found_wherever_it_is_attached(place: str) -> None:
    whole, out = changed(pdf("INV-2026-1", "Buyer Ltd"))
    file = pikepdf.AttachedFileSpec(whole, cii("INV-2026-2", "Other GmbH"), filename="factur-x.xml").obj
    if place == "associated":
        whole.Root.AF = pikepdf.Array([file])
    else:
        note = pikepdf.Dictionary(Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.FileAttachment, FS=file)
        whole.pages[0].Annots = pikepdf.Array([whole.make_indirect(note)])
    whole.save(out)
    assert "its embedded XML is invoice INV-2026-2" in found(out.getvalue(), media_type=PDF).words


def test_f5_a_bomb_in_an_attachment_is_unreadable_and_costs_nothing_else() -> None:
    whole, out = changed(with_file(pdf("INV-2026-1", "Buyer Ltd"), b"<a/>"))
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(b" " * 2**20) for _ in range(600)) + packer.flush()
    whole.attachments["factur-x.xml"].obj.EF.F.write(packed, filter=pikepdf.Name.FlateDecode)
    whole.save(out, stream_decode_level=pikepdf.StreamDecodeLevel.none)
    reader = Reader()
    bombed = ToRead(PDF, out.getvalue(), (OURS,))
    plain = ToRead(PDF, pdf("INV-2026-1", "Buyer Ltd"), (OURS,))
    [[first], [second]] = reader.read_all([bombed, plain])
    reader.close()
    assert (first.finding, second.finding) == (Finding.UNREADABLE, Finding.FINE)
