"""Real e-invoices from a folder, each with the number and the buyer that it should be filed under. They are
read here by other means than the document check has."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pikepdf

from webapp.documents.document_reader import Names

BYTES_MAX = 4 * 2**20
ROOTS = ("CrossIndustryInvoice", "CrossIndustryDocument", "Invoice", "CreditNote", "FatturaElettronica")
PLACES = {
    "CrossIndustryInvoice": ("ExchangedDocument/ID", "//BuyerTradeParty/Name"),
    "CrossIndustryDocument": ("HeaderExchangedDocument/ID", "//BuyerTradeParty/Name"),
    "Invoice": ("ID", "AccountingCustomerParty//RegistrationName"),
    "CreditNote": ("ID", "AccountingCustomerParty//RegistrationName"),
    "FatturaElettronica": ("//DatiGeneraliDocumento/Numero", "//CessionarioCommittente//Denominazione"),
}
"""By the name of the root: where the number is, and where the buyer's name is."""


@dataclass(frozen=True)
class RealInvoice:
    """A real e-invoice, and what it should be filed under."""

    path: Path
    media_type: str
    content: bytes
    names: Names


def load(folder: Path) -> Iterator[RealInvoice]:
    """Every PDF or XML in the folder, and in its folders, that is an e-invoice with a number and a buyer."""
    for path in sorted(folder.rglob("*")):
        kind = path.suffix.lower()
        if kind not in (".pdf", ".xml") or not path.is_file() or path.stat().st_size > BYTES_MAX:
            continue
        content = path.read_bytes()
        names = _names(_embedded(content) if kind == ".pdf" else content)
        if names:
            media_type = "application/pdf" if kind == ".pdf" else "application/xml"
            yield RealInvoice(path, media_type, content, names)


def _embedded(content: bytes) -> bytes:
    try:
        with pikepdf.open(io.BytesIO(content)) as pdf:
            for name, file in pdf.attachments.items():
                if re.fullmatch(r"(factur-x|zugferd-invoice|xrechnung)\.xml", name, re.IGNORECASE):
                    return file.get_file().read_bytes()
    except pikepdf.PdfError:
        pass
    return b""


def _names(xml: bytes) -> Names | None:
    try:
        root = ElementTree.fromstring(xml)
    except ElementTree.ParseError:
        return None
    kind = root.tag.rpartition("}")[2]
    if kind not in ROOTS:
        return None
    number, buyer = (_found(root, place) for place in PLACES[kind])
    return Names(number, "no such code", buyer) if number and buyer else None


def _found(root: ElementTree.Element, place: str) -> str:
    path = re.sub(r"(?<![\w}])([A-Z]\w*)", r"{*}\1", place)
    return (root.findtext(f".{path}" if path.startswith("/") else f"./{path}") or "").strip()
