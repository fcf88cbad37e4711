"""Which column of the import format each column of a file is: by its own name, by one that everyday systems
give it, or as a person has chosen for such a file before."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.imports import kinds
from webapp.imports.kinds import Kind
from webapp.store.customers import RecipientKey
from webapp.store.types import now
from webapp.store.users import ImportMapping

KINDS: tuple[Kind, ...] = (
    kinds.clusters(),
    kinds.customers(),
    kinds.emails(),
    kinds.invoices(scaled=False),
    kinds.transformation_results(kinds.nothing),
)
BY_FILE = {kind.file: kind for kind in KINDS}

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
        "period_start": "periodevan periodebegin periodestart beginperiode vanaf van periodfrom startdate "
        "periodbegin leistungsbeginn zeitraumvon von startdatum begindatum",
        "period_end": "periodetot periodeeinde eindeperiode tot totenmet tm periodto enddate leistungsende "
        "zeitraumbis bis einddatum enddatum",
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
MAY_BE_EMPTY = {
    "clusters.csv": ("parents",),
    "customers.csv": ("language",),
    "emails.csv": ("display_name",),
    "invoices.csv": ("due_date",),
}
"""Columns that must be there and may be empty: a file without them has nothing there."""


@dataclass(frozen=True)
class ColumnChoice:
    """`kind`: the file of the import format that a file is, or empty. `columns`: its header → what each
    column is; empty: left out. `fixed`: what every row gets. `is_known`: a person has chosen it, or nothing
    is unknown."""

    kind: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    fixed: Mapping[str, str] = field(default_factory=dict)
    is_known: bool = True


def plain(name: str) -> str:
    """The name without what differs between two spellings: case, accents, spaces and marks."""
    text = name.casefold().replace("ä", "ae").replace("ö", "oe").replace("ü", "ue").replace("ß", "ss")
    bare = unicodedata.normalize("NFKD", text)
    return "".join(each for each in bare if each.isalnum() and each.isascii())


def header_hash(headers: Sequence[str]) -> str:
    """What is the same for two files with the same columns, in whatever order."""
    return hashlib.sha256(json.dumps(sorted(headers)).encode()).hexdigest()


def choose(session: Session, file_name: str, headers: Sequence[str]) -> ColumnChoice:
    """What the columns of this file are."""
    if (remembered := session.get(ImportMapping, header_hash(headers))) is not None:
        return ColumnChoice(remembered.kind, remembered.columns, remembered.fixed)
    kind = kind_of(file_name, headers)
    return guess(session, kind, headers) if kind else ColumnChoice(is_known=False)


def guess(session: Session, file: str, headers: Sequence[str]) -> ColumnChoice:
    """What the columns are, if this is a file of that kind."""
    columns = guessed_columns(file, headers)
    fixed = {name: "" for name in MAY_BE_EMPTY.get(file, ()) if name not in columns.values()}
    if file == "emails.csv" and "key" not in columns.values():
        stored = session.scalars(select(RecipientKey.key).limit(2)).all()
        fixed.update({"key": stored[0]} if len(stored) == 1 else {})
    return ColumnChoice(file, columns, fixed, is_known=all(columns.values()))


def kind_of(file_name: str, headers: Sequence[str]) -> str:
    """The file of the import format that this one is, by its name or by its columns; empty: not known."""
    if file_name in BY_FILE:
        return file_name
    scores = {file: _score(file, file_name, headers) for file in BY_FILE}
    best = max(scores, key=lambda file: scores[file])
    others = [score for file, score in scores.items() if file != best]
    return best if scores[best] >= SCORE_MIN and scores[best] > max(others) else ""


SCORE_MIN = 2.0


def _score(file: str, file_name: str, headers: Sequence[str]) -> float:
    """How well the columns fit: each that is known counts one, its name half, and the key must be there."""
    kind, found = BY_FILE[file], {each for each in guessed_columns(file, headers).values() if each}
    needed = set(kind.natural[:1]) if len(kind.natural) == 1 else {kind.columns[0].name, kind.columns[2].name}
    if not needed <= found:
        return 0.0
    own = any(name in plain(file_name) for name in NAMES_OF_FILES[file].split())
    known = found & {column.name for column in kind.columns}
    return len(known) + (1.5 if own else 0.0) + len(known) / len(kind.columns)


def guessed_columns(file: str, headers: Sequence[str]) -> dict[str, str]:
    """Header → column; empty for one that is not known. No column is given twice."""
    kind = BY_FILE[file]
    own = {column.name for column in kind.columns}
    found = {name: name for name in headers if name in own or _is_free(kind, name)}
    for column in kind.columns:
        words = (plain(column.name), *SYNONYMS[file].get(column.name, "").split())
        for word in words if column.name not in found.values() else ():
            if name := next((each for each in headers if each not in found and plain(each) == word), ""):
                found[name] = column.name
                break
    return {name: found.get(name, "") for name in headers if name}


def _is_free(kind: Kind, name: str) -> bool:
    return bool(kind.prefix) and name.startswith(f"{kind.prefix}.") and len(name) > len(kind.prefix) + 1


def choices(file: str, header: str) -> list[str]:
    """What a column of such a file can be, other than left out."""
    kind = BY_FILE[file]
    free = [f"{kind.prefix}.{_free_name(header)}"] if kind.prefix else []
    return [*free, *(column.name for column in kind.columns)]


def _free_name(header: str) -> str:
    name = header.partition(".")[2] if header.startswith(("metadata.", "data.")) else header
    return re.sub(r"[^a-z0-9]+", "_", name.casefold()).strip("_") or "field"


def missing(choice: ColumnChoice) -> list[str]:
    """The columns that such a file must have, and this one has not."""
    if not choice.kind:
        return []
    taken = {*choice.columns.values(), *choice.fixed}
    return [column.name for column in BY_FILE[choice.kind].columns
            if column.required and column.name not in taken]  # fmt: skip


def remember(session: Session, by: str, headers: Iterable[str], choice: ColumnChoice) -> None:
    """Take this choice again for the next file with this header."""
    key = header_hash(list(headers))
    stored = session.get(ImportMapping, key) or ImportMapping(header_hash=key)
    stored.kind, stored.columns, stored.fixed = choice.kind, dict(choice.columns), dict(choice.fixed)
    stored.saved_at, stored.saved_by = now(), by
    session.add(stored)
