"""What everyday systems call files and columns, in English, Dutch and German, spelt as by
`columns.plain`."""

from __future__ import annotations

CUSTOMER = "klantnummer klantnr klantcode debiteurnummer debiteurnr debiteur relatienummer customernumber "
CUSTOMER += "customerno customercode customerid customer account kundennummer kundennr kundencode kunde "
CUSTOMER += "debitorennummer debitor debitornr kundenr"
SYNONYMS = {
    "clusters.csv": {
        "tag_name": "tag cluster groep groepsnaam klantgroep group groupname gruppe kundengruppe naam name",
        "parents": "ouders bovenliggend parent boven hoofdgroep uebergeordnet obergruppe",
    },
    "customers.csv": {
        "code": f"{CUSTOMER} nummer number nr",
        "name": "naam klantnaam bedrijfsnaam bedrijf customername company companyname firma firmenname "
        "kundenname bezeichnung",
        "cluster": "groep klantgroep segment cluster group customergroup gruppe kundengruppe",
        "language": "taal taalcode language lang sprache sprachcode",
        "suspended": "opgeschort geblokkeerd blocked suspended gesperrt",
    },
    "emails.csv": {
        "customer_code": f"{CUSTOMER} code",
        "key": "sleutel soort rol key type role ontvangersleutel schluessel art rolle",
        "address": "email emailadres mail mailadres emailaddress emailadresse mailadresse adres",
        "display_name": "naam contact contactpersoon name contactname displayname ansprechpartner",
    },
    "invoices.csv": {
        "number": "factuurnummer factuurnr factuur invoicenumber invoiceno invoice rechnungsnummer "
        "rechnungsnr rechnung nummer belegnummer documentnumber",
        "customer_code": CUSTOMER,
        "status": "status factuurstatus invoicestatus rechnungsstatus",
        "period": "periode factuurperiode maand zeitraum leistungszeitraum abrechnungszeitraum monat month "
        "invoiceperiod billingperiod kwartaal quarter quartal",
        "period_start": "periodevan periodebegin periodestart beginperiode vanaf van periodfrom startdate "
        "periodbegin leistungsbeginn zeitraumvon von startdatum begindatum",
        "period_end": "periodetot periodetm periodetotenmet periodeeinde eindeperiode tot totenmet tm "
        "periodto enddate leistungsende zeitraumbis bis einddatum enddatum",
        "issue_date": "factuurdatum datum invoicedate date issued rechnungsdatum belegdatum",
        "due_date": "vervaldatum vervaldag betaaldatum duedate due faelligkeit faelligam faelligkeitsdatum",
        "currency": "valuta munt currency waehrung whrg",
        "net_amount": "netto nettobedrag bedragexcl bedragexclbtw exclbtw excl net amountexcl subtotal "
        "nettobetrag",
        "tax_amount": "btw btwbedrag tax vat taxamount vatamount mwst ust steuer steuerbetrag mwstbetrag",
        "gross_amount": "bruto brutobedrag bedragincl bedraginclbtw inclbtw incl totaal totaalbedrag bedrag "
        "gross total amount totalamount brutto bruttobetrag gesamtbetrag betrag",
    },
    "transformation_results.csv": {
        "invoice_number": "factuurnummer factuurnr factuur invoice invoicenumber rechnungsnummer rechnung "
        "number nummer",
        "transformation": "transformatie soort documentsoort type kind dokumentart",
        "file": "bestand bestandsnaam filename pdf document datei dateiname pad path",
        "media_type": "mediatype mimetype contenttype",
    },
}
NAMES_OF_FILES = {
    "clusters.csv": "cluster groep groepen klantgroepen group gruppe",
    "customers.csv": "customer klant klanten debiteur kunde debitor relatie",
    "emails.csv": "email mailadres adressen adresse contact",
    "invoices.csv": "invoice factuur facturen rechnung",
    "transformation_results.csv": "document transformation bestanden dateien",
}
