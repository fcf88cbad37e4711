"""What stands on the demo company's invoices, in four languages, and how amounts and dates are written."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

LANGUAGES = ("nl", "de", "en", "fr")

_WORDS = """
invoice | Factuur | Rechnung | Invoice | Facture
credit | Creditnota | Gutschrift | Credit note | Avoir
number | Nummer | Nummer | Number | Numéro
customer | Klantnummer | Kundennummer | Customer number | Numéro de client
issued | Factuurdatum | Rechnungsdatum | Issued | Date de facture
due | Vervaldatum | Fällig am | Due | Échéance
period | Periode | Zeitraum | Period | Période
order | Uw referentie | Ihre Bestellnummer | Your reference | Votre référence
tax_id | Btw-nummer | USt-IdNr. | VAT number | N° de TVA
description | Omschrijving | Beschreibung | Description | Désignation
quantity | Aantal | Menge | Quantity | Quantité
price | Prijs | Preis | Price | Prix
amount | Bedrag | Betrag | Amount | Montant
net | Totaal exclusief btw | Summe netto | Total before tax | Total hors taxes
tax | Btw | MwSt. | VAT | TVA
total | Te betalen | Zu zahlen | Amount due | À payer
refund | Te ontvangen | Ihr Guthaben | In your favour | En votre faveur
page | Pagina | Seite | Page | Page
of | van | von | of | sur
calls | Gesprekken | Gespräche | Calls | Appels détaillés
internet | Glasvezel internet | Glasfaser-Internet | Fibre internet | Internet fibre
voice | Telefonie, werkplek | Telefonie, Platz | Telephony, seat | Téléphonie, poste
mobile | Mobiel Zakelijk | Mobil Business | Mobile Business | Mobile Pro
router | Router in beheer | Router, betreut | Managed router | Routeur géré
national | Gesprekken nationaal | Gespräche Inland | Calls, national | Appels nationaux
abroad | Gesprekken buitenland | Gespräche Ausland | Calls, international | Appels internationaux
minutes | min | Min. | min | min
interconnect | Interconnectie, kwartaal | Zusammenschaltung | Interconnection, quarter | Interconnexion
repaid | Teruggave wegens storing | Erstattung wegen Störung | Refund for an outage | Remboursement, panne
"""

_NOTES = {
    "pay": {
        "nl": "Wij verzoeken u dit bedrag vóór {due} over te maken onder vermelding van {number}.",
        "de": "Bitte überweisen Sie den Betrag bis zum {due} unter Angabe von {number}.",
        "en": "Please transfer this amount by {due}, quoting {number}.",
        "fr": "Merci de virer ce montant avant le {due} en indiquant {number}.",
    },
    "refund": {
        "nl": "Dit bedrag verrekenen wij met uw volgende factuur.",
        "de": "Diesen Betrag verrechnen wir mit Ihrer nächsten Rechnung.",
        "en": "We will set this amount off against your next invoice.",
        "fr": "Ce montant sera déduit de votre prochaine facture.",
    },
}

_TABLE: dict[str, dict[str, str]] = {
    key: dict(zip(LANGUAGES, words, strict=True))
    for key, *words in ([cell.strip() for cell in line.split("|")] for line in _WORDS.strip().splitlines())
}

_MONTHS: dict[str, list[str]] = {
    language: names.split()
    for language, names in {
        "nl": "januari februari maart april mei juni juli augustus september oktober november december",
        "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
        "en": "January February March April May June July August September October November December",
        "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    }.items()
}


_SEPARATORS = {"nl": (".", ","), "de": (".", ","), "fr": ("\u00a0", ","), "en": (",", ".")}


def word(key: str, language: str) -> str:
    return _TABLE[key][language]


def words(language: str) -> dict[str, str]:
    """Every word of this language."""
    return {key: row[language] for key, row in _TABLE.items()}


def note(key: str, language: str, **values: str) -> str:
    return _NOTES[key][language].format(**values)


def day(value: date, language: str) -> str:
    """4 november 2026 · 4. November 2026 · 4 November 2026 · 4 novembre 2026."""
    dot = "." if language == "de" else ""
    return f"{value.day}{dot} {_MONTHS[language][value.month - 1]} {value.year}"


def amount(value: Decimal, language: str, country: str) -> str:
    """With two decimals, as it is written there: 1.234,50 · 1,234.50 · 1 234,50 · 1'234.50 in Switzerland."""
    plain = f"{abs(value):,.2f}"
    groups, point = ("'", ".") if country == "CH" else _SEPARATORS[language]
    written = plain.replace(",", "\0").replace(".", point).replace("\0", groups)
    return f"−{written}" if value < 0 else written
