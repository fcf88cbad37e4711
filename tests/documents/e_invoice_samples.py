"""Small e-invoices of every kind that the document check knows."""

from __future__ import annotations

CII_SPACES = (
    'xmlns:rsm="urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100" '
    'xmlns:ram="urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100"'
)
UBL_SPACES = (
    'xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2" '
    'xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2"'
)


def cii(number: str, buyer: str, *, code: str = "", refers_to: str = "") -> bytes:
    """Factur-X and ZUGFeRD 2."""
    before = f"<ram:IssuerAssignedID>{refers_to}</ram:IssuerAssignedID>"
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<rsm:CrossIndustryInvoice {CII_SPACES}>
<rsm:ExchangedDocument><ram:ID>{number}</ram:ID></rsm:ExchangedDocument>
<rsm:SupplyChainTradeTransaction>
<ram:IncludedSupplyChainTradeLineItem><ram:AssociatedDocumentLineDocument><ram:LineID>7</ram:LineID>
</ram:AssociatedDocumentLineDocument></ram:IncludedSupplyChainTradeLineItem>
<ram:ApplicableHeaderTradeAgreement>
<ram:SellerTradeParty><ram:Name>Seller SA</ram:Name></ram:SellerTradeParty>
<ram:BuyerTradeParty><ram:ID>{code}</ram:ID><ram:Name>{buyer}</ram:Name></ram:BuyerTradeParty>
</ram:ApplicableHeaderTradeAgreement>
<ram:ApplicableHeaderTradeSettlement>
{f"<ram:InvoiceReferencedDocument>{before}</ram:InvoiceReferencedDocument>" if refers_to else ""}
</ram:ApplicableHeaderTradeSettlement>
</rsm:SupplyChainTradeTransaction></rsm:CrossIndustryInvoice>""".encode()


def zugferd1(number: str, buyer: str, *, code: str = "", refers_to: str = "") -> bytes:
    """The names and the namespace of ZUGFeRD 1."""
    made = cii(number, buyer, code=code, refers_to=refers_to)
    for today, then in (
        (
            b"urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100",
            b"urn:ferd:CrossIndustryDocument:invoice:1p0",
        ),
        (b"rsm:ExchangedDocument>", b"rsm:HeaderExchangedDocument>"),
        (b"CrossIndustryInvoice", b"CrossIndustryDocument"),
        (b"rsm:SupplyChainTradeTransaction", b"rsm:SpecifiedSupplyChainTradeTransaction"),
        (b"ApplicableHeaderTrade", b"ApplicableSupplyChainTrade"),
    ):
        made = made.replace(today, then)
    return made


def ubl(number: str, buyer: str, *, code: str = "", refers_to: str = "") -> bytes:
    """UBL: an Invoice, or a CreditNote if it refers to one."""
    kind = "CreditNote" if refers_to else "Invoice"
    before = f"<cac:InvoiceDocumentReference><cbc:ID>{refers_to}</cbc:ID></cac:InvoiceDocumentReference>"
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<{kind} xmlns="urn:oasis:names:specification:ubl:schema:xsd:{kind}-2" {UBL_SPACES}>
<cbc:CustomizationID>urn:cen.eu:en16931:2017</cbc:CustomizationID>
<cbc:ID>{number}</cbc:ID>
{f"<cac:BillingReference>{before}</cac:BillingReference>" if refers_to else ""}
<cac:AccountingSupplierParty><cac:Party><cac:PartyLegalEntity>
<cbc:RegistrationName>Seller SA</cbc:RegistrationName></cac:PartyLegalEntity></cac:Party>
</cac:AccountingSupplierParty>
<cac:AccountingCustomerParty><cac:Party><cbc:EndpointID schemeID="0088">{code}</cbc:EndpointID>
<cac:PartyLegalEntity><cbc:RegistrationName>{buyer}</cbc:RegistrationName></cac:PartyLegalEntity>
</cac:Party></cac:AccountingCustomerParty>
<cac:{kind}Line><cbc:ID>7</cbc:ID></cac:{kind}Line>
</{kind}>""".encode()


def enveloped(number: str, buyer: str, *, code: str = "", refers_to: str = "") -> bytes:
    """UBL in the envelope that it travels the Peppol network in."""
    inside = ubl(number, buyer, code=code, refers_to=refers_to).partition(b"?>")[2]
    space = b"http://www.unece.org/cefact/namespaces/StandardBusinessDocumentHeader"
    return b'<StandardBusinessDocument xmlns="%s"><Header/>%s</StandardBusinessDocument>' % (space, inside)


def fattura(number: str, buyer: str, *, code: str = "", refers_to: str = "") -> bytes:
    """FatturaPA 1.2."""
    before = f"<DatiFattureCollegate><IdDocumento>{refers_to}</IdDocumento></DatiFattureCollegate>"
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<p:FatturaElettronica versione="FPR12" xmlns:p="http://ivaservizi.agenziaentrate.gov.it/docs/xsd/fatture/v1.2">
<FatturaElettronicaHeader>
<CedentePrestatore><DatiAnagrafici><Anagrafica><Denominazione>Seller SA</Denominazione></Anagrafica>
</DatiAnagrafici></CedentePrestatore>
<CessionarioCommittente><DatiAnagrafici><CodiceFiscale>{code}</CodiceFiscale>
<Anagrafica><Denominazione>{buyer}</Denominazione></Anagrafica></DatiAnagrafici></CessionarioCommittente>
</FatturaElettronicaHeader>
<FatturaElettronicaBody><DatiGenerali>
<DatiGeneraliDocumento><Numero>{number}</Numero></DatiGeneraliDocumento>
{before if refers_to else ""}
</DatiGenerali>
<DatiBeniServizi><DettaglioLinee><NumeroLinea>7</NumeroLinea></DettaglioLinee></DatiBeniServizi>
</FatturaElettronicaBody></p:FatturaElettronica>""".encode()


KINDS = (cii, zugferd1, ubl, enveloped, fattura)
