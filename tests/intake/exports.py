"""Files as an everyday Dutch system exports them: semicolons, decimal commas, 31-10-2026, cp1252."""

from __future__ import annotations

import io
import zipfile

from tests.http_client import Browser
from tests.pdfs import pdf

CUSTOMERS = """\
Klantnummer;Naam;Groep;Taal;Telefoon
K1;Café Zuid;Noord;nl;050-1
K2;Bakkerij Jansen;Noord;nl;050-2
K3;Müller & Zn;Noord;de;050-3
K4;Kliniek Vondelpark;Zuid;nl;050-4
K5;Smith Ltd;Zuid;en;050-5
"""
ADDRESSES = """\
Klantnummer;E-mailadres
K1;k1@customers.test
K2;k2@customers.test
K3;k3@customers.test
K4;k4@customers.test
K5;k5@customers.test
"""
CLUSTERS = "Groep;Hoofdgroep\nAlles;\nNoord;Alles\nZuid;Alles\n"
WITH_ADDRESSES = """\
Klantnr;Naam;E-mail;Taal;Groep
K1001;Bakkerij Zoë & Zn.;administratie@bakkerij-zoe.example;nl;Zuid
K1002;Müller Installatie B.V.;facturen@muller.example;nl;Zuid
K1003;Café ’t Hoekje;info@hoekje.example;nl;Noord
K1004;De Groot Advies;;nl;Noord
"""
GROSS_ONLY = """\
Factuurnummer;Klantnr;Factuurdatum;Bedrag;Valuta;Periode
2610-001;K1001;31-10-2026;1.210,50;EUR;2026-10
2610-002;K1002;31-10-2026;-45,00;EUR;2026-10
2610-003;K1003;31-10-2026;99,95;EUR;2026-10
2610-004;K1004;31-10-2026;733,26;EUR;2026-10
"""
HEAD = "Factuurnummer;Klantnummer;Factuurdatum;Vervaldatum;Periode van;Periode tot;Netto;BTW;Totaal\n"
NUMBERS = tuple(f"F2026-{n}" for n in range(101, 109))
OWNERS = dict(zip(NUMBERS, ("K1", "K1", "K2", "K3", "K4", "K4", "K5", "K5"), strict=True))
NAMES = dict(line.split(";")[:2] for line in CUSTOMERS.splitlines()[1:])


def invoices(total: str = "1.210,50") -> str:
    return HEAD + "".join(
        f"{number};{OWNERS[number]};01-11-2026;30-11-2026;01-10-2026;31-10-2026;1.000,50;210,00;{total}\n"
        for number in NUMBERS
    )


def export() -> dict[str, bytes]:
    """Five customers and eight invoices."""
    texts = {
        "groepen.csv": CLUSTERS,
        "klanten.csv": CUSTOMERS,
        "mailadressen.csv": ADDRESSES,
        "facturen.csv": invoices(),
    }
    return {name: text.encode("cp1252") for name, text in texts.items()}


def documents() -> dict[str, bytes]:
    """A PDF for each invoice, by its number."""
    return {f"Factuur {number}.pdf": pdf(f"Factuur {number}", NAMES[OWNERS[number]]) for number in NUMBERS}


def zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def send(browser: Browser, files: dict[str, bytes]) -> int:
    """Upload these files on the page; gives the id of the import."""
    browser.look("/imports")
    sent = [(io.BytesIO(content), name) for name, content in files.items()]
    answer = browser.press("/imports", files=sent)
    assert answer.status_code == 303, answer.text
    return int(answer.location.rpartition("/")[2])
