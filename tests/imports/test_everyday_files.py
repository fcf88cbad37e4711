"""Files as everyday tools write them: spreadsheets, Windows, macOS. They mean what they look like."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from unicodedata import normalize

import pytest
from sqlalchemy import select

from tests.imports import folders
from tests.imports.test_folder import load, refused
from webapp.extensions import Runtime
from webapp.file_styles import FileStyle
from webapp.imports.folder import import_folder
from webapp.imports.merging import MergeCounts
from webapp.imports.problems import ImportRefused
from webapp.store.customers import Customer
from webapp.store.invoices import Invoice, TransformationResult

pytestmark = pytest.mark.parametrize("engine", ["sqlite"])
CUSTOMERS, INVOICES = folders.GOOD["customers.csv"], folders.GOOD["invoices.csv"]
RESULTS = "invoice_number,transformation,file\n"


def padded(text: str, separator: str = ",") -> str:
    """The rows with two empty columns at the end, and rows of nothing but separators."""
    wide = [line + 2 * separator for line in text.splitlines()]
    return "\n".join([*wide[:2], separator * 6, *wide[2:], " " + separator * 9, separator * 6, ""])


def test_c1_empty_rows_and_empty_columns_at_the_end_are_skipped(runtime: Runtime, tmp_path: Path) -> None:
    done = load(runtime, folders.write(tmp_path / "in", customers_csv=padded(CUSTOMERS)))
    assert done.counts["customers"] == MergeCounts(2, 0, 0)
    assert not load(runtime, folders.write(tmp_path / "in")).changed_anything


def test_c1_a_value_beyond_the_header_is_still_told(runtime: Runtime, tmp_path: Path) -> None:
    text = padded(CUSTOMERS).replace('"Smith, Inc.",Both,en,,,', '"Smith, Inc.",Both,en,,,lost')
    [error] = refused(runtime, folders.write(tmp_path / "in", customers_csv=text))
    assert error == "customers.csv:4: line: has 7 fields; the header has 5"


@pytest.mark.parametrize("separator", [";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
def test_c7_separators_and_byte_order_marks_are_understood(
    runtime: Runtime, tmp_path: Path, separator: str, encoding: str
) -> None:
    files: dict[str, str | bytes] = {**folders.GOOD}
    for name in ("clusters.csv", "customers.csv", "emails.csv", "invoices.csv", "transformation_results.csv"):
        text = folders.GOOD[name].replace("North;South", '"North;South"')
        text = text.replace('"Smith, Inc."', "\0").replace(",", separator).replace("\0", "Smith, Inc.")
        mark = "\ufeff" if encoding == "utf-16-be" else ""
        files[name] = (mark + text.replace("\n", "\r\n")).encode(encoding)
    done = load(runtime, folders.write(tmp_path / "in", files))
    assert (done.counts["customers"].new, done.counts["customer clusters"].new) == (2, 4)
    assert not load(runtime, folders.write(tmp_path / "plain")).changed_anything


def test_c7_dates_of_another_country_are_one_error_a_column(runtime: Runtime, tmp_path: Path) -> None:
    head, *_ = INVOICES.splitlines()
    rows = [f"I{n},C1,open,1-10-2026,31-10-2026,1-11-2026,,EUR,100,21,{n},PO" for n in range(1, 41)]
    errors = refused(runtime, folders.write(tmp_path / "in", invoices_csv="\n".join([head, *rows])))
    assert [error.split(" is ")[0] for error in errors] == [
        "invoices.csv:2: issue_date:", "invoices.csv:2: period_end:", "invoices.csv:2: period_start:",
    ]  # fmt: skip
    assert errors[0].endswith("YYYY-MM-DD (in 40 lines: also 3, 4, 5, 6 and 35 more)")


def composed(runtime: Runtime) -> list[str]:
    with runtime.database.reading() as session:
        return list(session.scalars(select(Customer.code).order_by(Customer.id)))


def test_c2_one_customer_however_its_code_is_written(runtime: Runtime, tmp_path: Path) -> None:
    head = "code,name,cluster,language\n"
    codes = "customer_code,key,address,display_name\n"
    split = normalize("NFD", "Mü-1")
    load(runtime, folders.write(tmp_path / "in"))
    row = "Mü-1,Ünal,North,de\n"
    load(runtime, folders.write(tmp_path / "one", {}, customers_csv=head + row))
    folder = folders.write(
        tmp_path / "two", {},
        customers_csv=head + normalize("NFD", row), emails_csv=f"{codes}{split},billing,u@customers.test,\n",
    )  # fmt: skip
    done = load(runtime, folder)
    assert done.counts == {"customers": MergeCounts(0, 0, 1), "customer emails": MergeCounts(1, 0, 0)}
    assert composed(runtime) == ["C1", "C2", "Mü-1"]


@pytest.mark.parametrize("on_disk", ["NFC", "NFD"])
@pytest.mark.parametrize("in_file", ["NFC", "NFD"])
def test_c2_a_file_is_found_however_its_name_is_written(
    runtime: Runtime, tmp_path: Path, on_disk: str, in_file: str
) -> None:
    name = "Büro/Rechnung-Ü.pdf"
    text = RESULTS + f"I1,Invoice PDF,{normalize(in_file, name)}\n"  # type: ignore[arg-type]
    folder = folders.write(tmp_path / "in", transformation_results_csv=text)
    folders.write(folder, {normalize(on_disk, name): "%PDF-1.4 three"})  # type: ignore[arg-type]
    load(runtime, folder)
    with runtime.database.reading() as session:
        [stored] = session.scalars(select(TransformationResult))
    assert stored.file_name == "Rechnung-Ü.pdf"
    assert runtime.documents.get(stored.sha256) == b"%PDF-1.4 three"


def test_c2_two_files_of_one_name_are_not_chosen_between(runtime: Runtime, tmp_path: Path) -> None:
    name = "Rechnung-Ü.pdf"
    folder = folders.write(tmp_path / "in", transformation_results_csv=RESULTS + f"I1,Invoice PDF,{name}\n")
    folders.write(folder, {normalize("NFC", name): "%PDF-1.4 one", normalize("NFD", name): "%PDF-1.4 two"})
    [error] = refused(runtime, folder)
    assert error.endswith("'Rechnung-Ü.pdf' is the name of 2 files, in different spellings")


def test_c6_a_path_may_have_backslashes(runtime: Runtime, tmp_path: Path) -> None:
    rows = RESULTS + "I1,Invoice PDF,results\\I1.pdf\nI2,Invoice PDF,.\\results\\I2.pdf\n"
    done = load(runtime, folders.write(tmp_path / "in", transformation_results_csv=rows))
    assert done.counts["transformation results"] == MergeCounts(2, 0, 0)
    assert not load(runtime, folders.write(tmp_path / "plain")).changed_anything


@pytest.mark.security("C20")
@pytest.mark.parametrize(
    "path", ["..\\I1.pdf", "results\\..\\..\\I1.pdf", "C:\\I1.pdf", "\\\\server\\I1.pdf"]
)
def test_c6_no_backslash_leads_out_of_the_folder(runtime: Runtime, tmp_path: Path, path: str) -> None:
    (tmp_path / "I1.pdf").write_bytes(b"%PDF-1.4 secret")
    rows = RESULTS + f"I1,Invoice PDF,{path}\n"
    [error] = refused(runtime, folders.write(tmp_path / "in", transformation_results_csv=rows))
    assert "leads out of the folder" in error or "is not a path within the folder" in error


def test_c8_an_address_without_a_dot_is_taken_with_a_warning(runtime: Runtime, tmp_path: Path) -> None:
    rows = "".join(f"C1,billing,smits{n}@auto,\n" for n in range(5))
    folder = folders.write(
        tmp_path / "in",
        emails_csv="customer_code,key,address,display_name\nC2,billing,root@localhost,\n" + rows,
        messaging_toml=folders.MESSAGING.replace('"archive@example.com"', '"archive@example"'),
    )
    done = load(runtime, folder)
    assert done.counts["customer emails"].new == 6
    emails, bcc = done.warnings
    assert emails == (
        "emails.csv:3: address: 'smits0@auto' has no dot after the @; mail to it can only stay within this "
        "network (in 5 lines: also 4, 5, 6, 7)"
    )
    assert bcc.startswith("messaging.toml:39: bcc: 'archive@example' has no dot after the @")


DUTCH = {
    "customers.csv": "code;name;cluster;language\r\nC1;Café Müller;North;nl\r\n",
    "invoices.csv": (
        "number;customer_code;status;period_start;period_end;issue_date;due_date;currency;net_amount;"
        "tax_amount;gross_amount\r\n"
        "I1;C1;approved;1-10-2026;31-10-2026;1-11-2026;;EUR;1.000,50;210,11;1.210,61\r\n"
    ),
}
"""As Excel in Dutch saves them: semicolons, cp1252, 31-10-2026, decimal commas."""


def test_c7_a_dutch_excel_export_is_read_by_its_style(runtime: Runtime, tmp_path: Path) -> None:
    load(runtime, folders.write(tmp_path / "in"))
    dutch = tmp_path / "dutch"
    dutch.mkdir()
    for name, content in DUTCH.items():
        (dutch / name).write_bytes(content.encode("cp1252"))
    style = FileStyle(encoding="cp1252", locale="nl")
    import_folder(runtime.database, runtime.documents, dutch, style=style)
    with runtime.database.reading() as session:
        invoice = session.scalars(select(Invoice).where(Invoice.number == "I1")).one()
        assert (invoice.period_end, invoice.gross_amount) == (date(2026, 10, 31), Decimal("1210.61"))
        assert invoice.due_date is None
        assert session.scalar(select(Customer.name).where(Customer.code == "C1")) == "Café Müller"
    told = refused(runtime, dutch)
    assert any("or say how it is encoded: --encoding cp1252" in each for each in told)


@pytest.mark.parametrize(
    ("style", "words"),
    [
        (FileStyle(encoding="ascii"), "is not ascii"),
        (FileStyle(encoding="cp1252", locale="en_US"), "there is no such day"),
        (FileStyle(encoding="cp1252", delimiter=","), "is no header of this file"),
        (FileStyle(encoding="utf-16-le"), "is not utf-16-le"),
    ],
)
def test_c7_a_wrong_style_is_told(runtime: Runtime, tmp_path: Path, style: FileStyle, words: str) -> None:
    load(runtime, folders.write(tmp_path / "in"))
    dutch = tmp_path / "dutch"
    dutch.mkdir()
    for name, content in DUTCH.items():
        (dutch / name).write_bytes(content.encode("cp1252"))
    with pytest.raises(ImportRefused, match=words):
        import_folder(runtime.database, runtime.documents, dutch, style=style)
