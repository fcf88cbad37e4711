"""Reads what an e-invoice says of itself: its own number and its buyer, in CII (Factur-X, ZUGFeRD), UBL and
FatturaPA.

This runs in the reader's child process (document_reader.py): a document may be anything."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain

from lxml import etree

from webapp.documents.document_reader import SIGNED_ENVELOPE, Unreadable
from webapp.translation import N_

UBL = "urn:oasis:names:specification:ubl:schema:xsd:"
UBL_ROOTS = ("Invoice", "CreditNote", "DebitNote", "SelfBilledInvoice", "SelfBilledCreditNote")
CII_ROOTS = ("CrossIndustryInvoice", "CrossIndustryDocument")
"""The root of today, and that of ZUGFeRD 1."""
FATTURA_ROOTS = ("FatturaElettronica", "FatturaElettronicaSemplificata")


@dataclass(frozen=True)
class Stated:
    """What an e-invoice says of itself. `numbers` are several in a FatturaPA with several invoices.
    `refers_back`: it corrects another document, or is a credit note."""

    numbers: tuple[str, ...]
    buyer_names: tuple[str, ...]
    buyer_codes: tuple[str, ...]
    refers_back: bool = False


def parsed(content: bytes) -> etree._Element:
    """The root of this XML. Raises Unreadable.

    A DOCTYPE is refused: an invoice needs none, and its entities would hide what it says. lxml itself limits
    the depth (256) and the length of a text (10 MB)."""
    content = content.removeprefix(b"\xef\xbb\xbf").lstrip()  # a declaration must come first
    if content.startswith(SIGNED_ENVELOPE):
        raise Unreadable(
            N_("it is a signed envelope (.p7m), which is not opened: import the XML that is in it")
        )
    parser = etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        raise Unreadable(N_("it cannot be opened as XML: %(error)s") % {"error": error.msg}) from None
    if root.getroottree().docinfo.doctype:
        raise Unreadable(N_("it has a DOCTYPE, which no invoice needs: import it without one"))
    return root


def texts(root: etree._Element) -> str:
    """Every text, and every value of an attribute."""
    pieces = chain.from_iterable(
        (element.text or "", *map(str, element.attrib.values()), element.tail or "")
        for element in root.iter(etree.Element)
    )
    return "\n".join(pieces)


def stated(root: etree._Element) -> Stated | None:
    """What this e-invoice says of itself, also within an envelope such as Peppol's; None if it is of an
    unknown kind."""
    for element in chain([root], root.iterchildren(etree.Element)):
        name = etree.QName(element)
        if name.localname in CII_ROOTS:
            return _cii(element)
        if name.localname in UBL_ROOTS and (name.namespace or "").startswith(UBL):
            return _ubl(element)
        if name.localname in FATTURA_ROOTS:
            return _fattura(element)
    return None


def _cii(root: etree._Element) -> Stated:
    """ZUGFeRD 1 calls the same things HeaderExchangedDocument and …SupplyChainTradeAgreement."""
    head = [*_at(root, "ExchangedDocument"), *_at(root, "HeaderExchangedDocument")]
    deal = "*/*[contains(local-name(), 'TradeAgreement')]/*[local-name()='BuyerTradeParty']"
    paying = "*/*[contains(local-name(), 'TradeSettlement')]/*[local-name()='InvoiceeTradeParty']"
    buyers = _elements(root, f"{deal} | {paying}")
    kinds = _values(head, "TypeCode")
    before = "*/*[contains(local-name(), 'TradeSettlement')]/*[local-name()='InvoiceReferencedDocument']"
    return Stated(
        _values(head, "ID"),
        (
            *_values(buyers, "Name"),
            *_values(buyers, "SpecifiedLegalOrganization", "TradingBusinessName"),
            *_values(buyers, "DefinedTradeContact", "PersonName"),
        ),
        (
            *_values(buyers, "ID"),
            *_values(buyers, "GlobalID"),
            *_values(buyers, "SpecifiedLegalOrganization", "ID"),
            *_values(buyers, "SpecifiedTaxRegistration", "ID"),
            *_values(buyers, "URIUniversalCommunication", "URIID"),
        ),
        "381" in kinds or bool(_elements(root, before)),
    )


def _ubl(root: etree._Element) -> Stated:
    parties = [*_at(root, "AccountingCustomerParty"), *_at(root, "BuyerCustomerParty")]
    return Stated(
        _values([root], "ID"),
        (
            *_values(parties, "Party", "PartyName", "Name"),
            *_values(parties, "Party", "PartyLegalEntity", "RegistrationName"),
            *_values(parties, "Party", "PartyTaxScheme", "RegistrationName"),
            *_values(parties, "Party", "Contact", "Name"),
            *(_person(each) for each in _at_all(parties, "Party", "Person")),
        ),
        (
            *_values(parties, "CustomerAssignedAccountID"),
            *_values(parties, "SupplierAssignedAccountID"),
            *_values(parties, "Party", "EndpointID"),
            *_values(parties, "Party", "PartyIdentification", "ID"),
            *_values(parties, "Party", "PartyLegalEntity", "CompanyID"),
            *_values(parties, "Party", "PartyTaxScheme", "CompanyID"),
        ),
        "CreditNote" in etree.QName(root).localname
        or "381" in _values([root], "InvoiceTypeCode")
        or bool(_at(root, "BillingReference")),
    )


def _person(element: etree._Element) -> str:
    return " ".join((*_values([element], "FirstName"), *_values([element], "FamilyName")))


def _fattura(root: etree._Element) -> Stated:
    bodies = _at(root, "FatturaElettronicaBody")
    general = [each for body in bodies for each in _at(body, "DatiGenerali", "DatiGeneraliDocumento")]
    buyers = _at(root, "FatturaElettronicaHeader", "CessionarioCommittente")
    data = [*_at_all(buyers, "DatiAnagrafici"), *_at_all(buyers, "AltriDatiIdentificativi")]
    ids = [*data, *_at_all(buyers, "IdentificativiFiscali")]
    people = [*data, *_at_all(data, "Anagrafica")]
    sent_to = _at(root, "FatturaElettronicaHeader", "DatiTrasmissione")
    vat = [
        "".join((*_values([each], "IdPaese"), *_values([each], "IdCodice")))
        for each in _at_all(ids, "IdFiscaleIVA")
    ]
    return Stated(
        _values(general, "Numero"),
        (
            *_values(people, "Denominazione"),
            *(" ".join((*_values([each], "Nome"), *_values([each], "Cognome"))) for each in people),
        ),
        (
            *_values(ids, "CodiceFiscale"),
            *vat,
            *_values(sent_to, "CodiceDestinatario"),
            *_values(sent_to, "PECDestinatario"),
        ),
        "TD04" in _values(general, "TipoDocumento")
        or bool(_at_all(bodies, "DatiGenerali", "DatiFattureCollegate")),
    )


def _at(element: etree._Element, *path: str) -> list[etree._Element]:
    """The elements on this path of local names: namespaces differ between versions of a format."""
    found = [element]
    for name in path:
        found = [child for each in found for child in each.iterchildren(f"{{*}}{name}")]
    return found


def _at_all(elements: list[etree._Element], *path: str) -> list[etree._Element]:
    return [found for each in elements for found in _at(each, *path)]


def _values(elements: list[etree._Element], *path: str) -> tuple[str, ...]:
    """The texts on this path that are not blank."""
    found = ("".join(map(str, each.itertext())).strip() for each in _at_all(elements, *path))
    return tuple(value for value in found if value)


def _elements(root: etree._Element, xpath: str) -> list[etree._Element]:
    found = root.xpath(xpath)
    return [each for each in found if isinstance(each, etree._Element)] if isinstance(found, list) else []
