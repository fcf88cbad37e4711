"""A folder with many mistakes: every one is told with its file, line and column, and nothing is stored."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.imports import folders
from webapp.extensions import Runtime
from webapp.imports.folder import import_folder
from webapp.imports.problems import ImportRefused

CLUSTERS = [
    "tag_name,parents",
    "All,",
    ",All",  # 3: no name
    "Lost,Nowhere",  # 4: unknown parent
    "All,",  # 5: a second time
    "Ring A,Ring B",
    "Ring B,Ring A",  # 7: closes a circle
    "One;Two,All",  # 8: a semicolon
    "Twice,All;All",  # 9: a parent twice
]
CUSTOMERS = [
    "code,name,cluster,language,suspended",
    "C1,First,All,en,",
    f"{'C' * 101},Too long,All,en,",  # 3
    "C3,,All,en,",  # 4: no name
    '"C4","Two\nlines",All,en,',  # 5 and 6: a line break
    "C5,Fifth,Elsewhere,en,",  # 7: unknown cluster
    "C6,Sixth,All,not a language,",  # 8
    "C7,Seventh,All,en,perhaps",  # 9
    "C8,Eighth,All",  # 10: too few fields
    "C1,First again,All,en,",  # 11
]
EMAILS = [
    "customer_code,key,address,display_name",
    "C9,billing,a@customers.test,",  # 2: unknown customer
    "C1,unknown,a@customers.test,",  # 3: unknown key
    "C1,billing,a@b@c,",  # 4
    'C1,billing,"a@b.test,c@d.test",',  # 5
    "C8,billing,b@customers.test,",
    "C8,billing,b@CUSTOMERS.test,",  # 7: the same again
    'C1,billing,"c@customers.test\nBcc: x@y.test",',  # 8 and 9
    'C1,billing,d@customers.test,"A\nB"',  # 10 and 11
]
INVOICES = [
    "number,customer_code,status,period_start,period_end,issue_date,due_date,currency,net_amount,tax_amount,"
    "gross_amount",
    "I1,C1,approved,2026-10-01,2026-10-31,2026-11-01,,EUR,1,0,1",
    "I2,C1,paid,2026-10-01,2026-10-31,2026-11-01,,EUR,1,0,1",  # 3: status
    "I3,C1,open,2026-10-01,2026-09-30,2026-11-01,,EUR,1,0,1",  # 4: period
    "I4,C1,open,2026-02-30,2026-03-31,2026-11-01,,EUR,1,0,1",  # 5: no such day
    "I5,C1,open,2026-10-01,31.10.2026,2026-11-01,soon,EUR,1,0,1",  # 6: two of them
    "I6,C1,open,2026-10-01,2026-10-31,,,eur,1,0,1",  # 7: two
    "I7,C1,open,2026-10-01,2026-10-31,2026-11-01,,EUR,1.00001,\"1,5\",1e3",  # 8: three
    "I8,C0,open,2026-10-01,2026-10-31,2026-11-01,,EUR,1,0,1",  # 9: unknown customer
    "I1,C1,open,2026-10-01,2026-10-31,2026-11-01,,EUR,1,0,1",  # 10
]  # fmt: skip
RESULTS = [
    "invoice_number,transformation,file,media_type",
    "I1,Invoice PDF,results/I1.pdf,",
    "I0,Invoice PDF,results/I1.pdf,",  # 3: unknown invoice
    "I1,Invoice DOC,results/I1.pdf,",  # 4: unknown transformation
    "I2,Invoice PDF,results/missing.pdf,",  # 5
    "I2,Invoice PDF,results/empty.pdf,",  # 6
    "I2,Invoice PDF,../outside.pdf,",  # 7
    "I2,Invoice PDF,results/link.pdf,",  # 8: a link out of the folder
    "I2,Invoice PDF,results,",  # 9: a folder
    "I2,Invoice PDF,results/text.pdf,",  # 10: no PDF
    "I3,Invoice PDF,results/I1.pdf,pdf",  # 11: no media type
    "I1,Invoice PDF,results/I1.pdf,",  # 12: a second time
    "I3,Invoice PDF,/etc/hostname,",  # 13
]
MESSAGING = """\
[[mail_server]]
name = "relay"
host = "127.0.0.1"
port = 70000
security = "ssl"

[[sender]]
key = "invoicing"
address = "unknown"
mail_server = "other"
colour = "red"

[[recipient_key]]
key = "billing"
[[recipient_key]]
key = "billing"

[[transformation]]
name = "Invoice PDF"
output_type = "doc"

[[template]]
name = "Body"
format = "html"
source = '''
<p>
{% if %}
'''

[[definition]]
name = "Monthly"
from_key = "invoicing"
recipient_key = "billing"
subject = "Two\\nlines"
template = "Body"
"""

EXPECTED = [
    ("clusters.csv", 3, "tag_name", "is empty"),
    ("clusters.csv", 4, "parents", "there is no customer cluster 'Nowhere'"),
    ("clusters.csv", 5, "tag_name", "'All' stands in line 2 already"),
    ("clusters.csv", 7, "parents", "closes a circle: Ring B → Ring A → Ring B"),
    ("clusters.csv", 8, "tag_name", "semicolon"),
    ("clusters.csv", 9, "parents", "names 'All' twice"),
    ("customers.csv", 3, "code", "has 101 characters; at most 100"),
    ("customers.csv", 4, "name", "is empty"),
    ("customers.csv", 5, "name", "line break"),
    ("customers.csv", 7, "cluster", "there is no customer cluster 'Elsewhere'"),
    ("customers.csv", 8, "language", "like nl or nl-BE"),
    ("customers.csv", 9, "suspended", "true or false"),
    ("customers.csv", 10, "line", "has 3 fields; the header has 5"),
    ("customers.csv", 11, "code", "'C1' stands in line 2 already"),
    ("emails.csv", 2, "customer_code", "there is no customer 'C9'"),
    ("emails.csv", 3, "key", "there is no recipient key 'unknown'"),
    ("emails.csv", 4, "address", "'a@b@c' is not an email address"),
    ("emails.csv", 5, "address", "more than one address"),
    ("emails.csv", 7, "address", "stands in line 6 already"),
    ("emails.csv", 8, "address", "line break"),
    ("emails.csv", 10, "display_name", "line break"),
    ("invoices.csv", 3, "status", "is 'paid'; it must be open, approved or closed"),
    ("invoices.csv", 4, "period_end", "before the period's first day"),
    ("invoices.csv", 5, "period_start", "no such day"),
    ("invoices.csv", 6, "due_date", "YYYY-MM-DD"),
    ("invoices.csv", 6, "period_end", "YYYY-MM-DD"),
    ("invoices.csv", 7, "currency", "three capital letters"),
    ("invoices.csv", 7, "issue_date", "YYYY-MM-DD"),
    ("invoices.csv", 8, "gross_amount", "'1e3'"),
    ("invoices.csv", 8, "net_amount", "'1.00001'"),
    ("invoices.csv", 8, "tax_amount", "'1,5'"),
    ("invoices.csv", 9, "customer_code", "there is no customer 'C0'"),
    ("invoices.csv", 10, "number", "'I1' stands in line 2 already"),
    ("messaging.toml", 4, "port", "between 1 and 65535"),
    ("messaging.toml", 5, "security", "none, starttls or tls"),
    ("messaging.toml", 9, "address", "'unknown' is not an email address"),
    ("messaging.toml", 10, "mail_server", "there is no [[mail_server]] 'other'"),
    ("messaging.toml", 11, "colour", "is no key of [[sender]]"),
    ("messaging.toml", 16, "key", "'billing' stands in line 13 already"),
    ("messaging.toml", 20, "output_type", "pdf, text, csv, html or xml"),
    ("messaging.toml", 25, "source", "line 2 of the template"),
    ("messaging.toml", 30, "transformations", "no_documents = true"),
    ("messaging.toml", 34, "subject", "line break"),
    ("transformation_results.csv", 3, "invoice_number", "there is no invoice 'I0'"),
    ("transformation_results.csv", 4, "transformation", "there is no invoice transformation 'Invoice DOC'"),
    ("transformation_results.csv", 5, "file", "there is no file 'results/missing.pdf'"),
    ("transformation_results.csv", 6, "file", "is empty"),
    ("transformation_results.csv", 7, "file", "leads out of the folder"),
    ("transformation_results.csv", 8, "file", "leads out of the folder"),
    ("transformation_results.csv", 9, "file", "is not a file"),
    ("transformation_results.csv", 10, "file", "is no PDF"),
    ("transformation_results.csv", 11, "media_type", "like application/pdf"),
    ("transformation_results.csv", 12, "file", "stands in line 2 already"),
    ("transformation_results.csv", 13, "file", "is not a path within the folder"),
]


def test_every_mistake_is_told_with_its_place_and_nothing_is_stored(runtime: Runtime, tmp_path: Path) -> None:
    (tmp_path / "outside.pdf").write_bytes(b"%PDF-1.4 secret")
    files: dict[str, str | bytes] = {
        "clusters.csv": "\n".join(CLUSTERS),
        "customers.csv": "\n".join(CUSTOMERS),
        "emails.csv": "\n".join(EMAILS),
        "invoices.csv": "\n".join(INVOICES),
        "transformation_results.csv": "\n".join(RESULTS),
        "messaging.toml": MESSAGING,
        "results/I1.pdf": "%PDF-1.4",
        "results/empty.pdf": "",
        "results/text.pdf": "Dear customer",
    }
    folder = folders.write(tmp_path / "in", files)
    os.symlink(tmp_path / "outside.pdf", folder / "results/link.pdf")
    with pytest.raises(ImportRefused) as refusal:
        import_folder(runtime.database, runtime.documents, folder)
    told = refusal.value.errors
    for error, (file, line, column, words) in zip(told, EXPECTED, strict=False):
        assert error.startswith(f"{file}:{line}: {column}: ")
        assert words in error
    assert len(told) == refusal.value.total == len(EXPECTED) >= 40
    with runtime.database.reading() as session:
        assert folders.rows_stored(session) == 0
    assert not list(Path(runtime.settings.store_url).rglob("*"))


HEADER = "code,name,cluster,language"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", ["1: line: the header is missing"]),
        ("C1,First,All,en\n", ["1: line: is no header of this file: 'C1, First, All, en'; it names code"]),
        ("code|name|cluster|language\n", ["1: line: is no header of this file: 'code|name|cluster|lang"]),
        (f"{HEADER},metadata.\nC1,First,All,en,x\n", ["1: metadata.: is no column of this file"]),
        (f"{HEADER},data.x\nC1,First,All,en,x\n", ["1: data.x: is no column of this file"]),
        (f"{HEADER},name\nC1,First,All,en,x\n", ["1: name: stands in the header twice"]),
        ("\ncode,name,cluster\nC1,First,Nope\n", [
            "2: language: is missing", "3: cluster: there is no customer cluster 'Nope'",
        ]),
        (f'{HEADER}\nC1,"First,All,en\nC2,Second,All,en\n', ["2: line: begins a field in quotes"]),
        (f"{HEADER}\nC1,First,All,en\rC2,Second,All,en\n", ["2: line: has a carriage return that ends no"]),
        (f'{HEADER}\nC1,"First\n' + "C2,Second,All,en\n" * 9_000, ["2: line: has a field of"]),
        (f'{HEADER}\nC1,"First"x,All,en\n', ["2: line: ',' expected after '\"'"]),
        (f"{HEADER}\nC1,First,All,en\nC2,A\0B,All,en\n", ["3: line: has a NUL byte"]),
        (f"{HEADER}\nC1,{'x' * 1_000_000},All,en\n", ["2: line: is longer than 1,000,000 bytes"]),
        (f"{HEADER}\nC1,Stra\u00dfe,All,en\n".encode("latin-1"), [
            "2: line: is not UTF-8 (byte 8 of the line, 0xdf)"
        ]),
        (HEADER.encode("utf-16-le"), ["1: line: has a NUL byte"]),
        (f"{HEADER}\nC1,First,Nope,en\n".encode("utf-16")[:-1], ["2: line: is not UTF-16, as the file"]),
    ],
    ids=range(16),
)  # fmt: skip
def test_a_file_that_cannot_be_read_says_why(
    runtime: Runtime, tmp_path: Path, content: str | bytes, expected: list[str]
) -> None:
    """And no invoice or address is called wrong because its customer's line could not be read."""
    folder = folders.write(tmp_path / "in", customers_csv=content)
    with pytest.raises(ImportRefused) as refusal:
        import_folder(runtime.database, runtime.documents, folder)
    told = [e for e in refusal.value.errors if not e.endswith("neither in customers.csv nor stored")]
    for error, start in zip(told, expected, strict=False):
        assert error.startswith(f"customers.csv:{start}")
    assert len(told) == len(expected)


def test_references_into_a_file_that_broke_off_are_not_judged(runtime: Runtime, tmp_path: Path) -> None:
    broken = folders.GOOD["customers.csv"].replace("C1,Müller", 'C1,"Müller')
    folder = folders.write(tmp_path / "in", customers_csv=broken)
    with pytest.raises(ImportRefused) as refusal:
        import_folder(runtime.database, runtime.documents, folder)
    [error] = refusal.value.errors
    assert error.startswith("customers.csv:2: line: ")


def test_a_wrong_row_is_still_known_to_those_who_refer_to_it(runtime: Runtime, tmp_path: Path) -> None:
    broken = folders.GOOD["customers.csv"].encode().replace(b"M\xc3\xbcller", b"M\xfcller")
    folder = folders.write(tmp_path / "in", customers_csv=broken)
    with pytest.raises(ImportRefused) as refusal:
        import_folder(runtime.database, runtime.documents, folder)
    [error] = refusal.value.errors
    assert error.startswith("customers.csv:2: line: is not UTF-8")
