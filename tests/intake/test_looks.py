"""How files of everyday systems are written, found out; and what their columns are."""

from __future__ import annotations

from pathlib import Path

import pytest

from webapp.intake import columns, looks


def look(tmp_path: Path, text: str, encoding: str = "utf-8") -> looks.Look:
    path = tmp_path / "file.csv"
    path.write_bytes(text.encode(encoding))
    return looks.look_at(path)


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-16"])
@pytest.mark.parametrize("mark", [";", ",", "\t", "|"])
def test_encoding_and_separator_are_found_out(tmp_path: Path, encoding: str, mark: str) -> None:
    rows = [["Nummer", "Naam", "Opmerking"], ["1", "Café", '"a,b"'], ["2", "Müller", "c"]]
    found = look(tmp_path, "\r\n".join(mark.join(row) for row in rows), encoding)
    assert (found.style.delimiter, found.style.encoding) == (mark, encoding)
    assert found.headers == ("Nummer", "Naam", "Opmerking")
    assert found.examples["Naam"] == ["Café", "Müller"]


def test_a_byte_order_mark_is_no_part_of_a_header(tmp_path: Path) -> None:
    found = look(tmp_path, "\ufeffNummer;Naam\n1;x\n")
    assert found.headers == ("Nummer", "Naam")


@pytest.mark.parametrize(
    ("date", "amount", "locale", "is_unsure"),
    [
        ("2026-10-31", "1234.50", "", False),
        ("31-10-2026", "1.234,50", "nl", False),
        ("31.10.2026", "1.234,50", "de", False),
        ("31/10/2026", "234,50", "fr", False),
        ("31/10/2026", "1,234.50", "en_GB", False),
        ("10/31/2026", "1,234.50", "en_US", False),
        ("03/04/2026", "1,234.50", "en_GB", True),
        ("2026-10-31", "1234,50", "nl", False),
        ("", "1234,50", "nl", True),
        ("31-10-2026", "€ 1.234,50", "nl", False),
        ("10/31/2026", "1,234.50 USD", "en_US", False),
        ("2026-10-31", "\u20ac\u00a0345,50", "nl", False),
    ],
)
def test_whose_dates_and_amounts_these_are(
    tmp_path: Path, date: str, amount: str, locale: str, is_unsure: bool
) -> None:
    found = look(tmp_path, f"a;b;c\nx;{date};{amount}\n")
    assert (found.style.locale, found.is_unsure) == (locale, is_unsure)


@pytest.mark.parametrize(
    ("name", "headers", "kind"),
    [
        ("export.csv", "Kundennummer Firma Kundengruppe Sprache", "customers.csv"),
        ("facturen-okt.csv", "Factuurnummer Klantnummer Factuurdatum Totaal", "invoices.csv"),
        ("x.csv", "customer_code key address display_name", "emails.csv"),
        ("x.csv", "Rechnungsnummer Dokumentart Datei", "transformation_results.csv"),
        ("clusters.csv", "whatever", "clusters.csv"),
        ("calls.csv", "From To Seconds", ""),
    ],
)
def test_what_a_file_is_by_its_columns(name: str, headers: str, kind: str) -> None:
    assert columns.kind_of(name, headers.split()) == kind


def test_no_column_is_guessed_twice_and_unknown_ones_are_left_out() -> None:
    found = columns.guessed_columns(
        "invoices.csv", ["Factuurnummer", "Nummer", "Bedrag", "Totaal", "data.po"]
    )
    assert found == {
        "Factuurnummer": "number",
        "Nummer": "",
        "Bedrag": "",
        "Totaal": "gross_amount",
        "data.po": "data.po",
    }
