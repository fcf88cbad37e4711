"""A small import folder as an example: each file that an import takes, two customers, three invoices, and
their documents."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

MESSAGING = """\
# How mails look and where they go. Only administrators may import this file.
[[mail_server]]
name = "example relay"
host = "smtp.example.com"
port = 587
security = "starttls"
username = "billing"
password_env = "SMTP_PASSWORD"

[[sender]]
key = "example"
address = "invoicing@example.com"
display_name = "Example Billing"
mail_server = "example relay"

[[recipient_key]]
key = "billing"
description = "Where invoices go"

[[transformation]]
name = "Invoice PDF"
output_type = "pdf"

[[template]]
name = "Example body"
format = "text"
source = "Dear {{ customer.name }}, here is invoice {{ invoice.number }}."

[[definition]]
name = "Example invoice"
from_key = "example"
recipient_key = "billing"
subject = "Invoice {{ invoice.number }}"
template = "Example body"
transformations = ["Invoice PDF"]
"""
SETTINGS = "messaging.toml"
CSV_FILES = {
    "clusters.csv": """\
tag_name,parents
Example,
Example North,Example
""",
    "customers.csv": """\
code,name,cluster,language,metadata.town
EX-1,Bakery Example,Example North,en,Groningen
EX-2,Clinic Example,Example,nl,Utrecht
""",
    "emails.csv": """\
customer_code,key,address,display_name
EX-1,billing,bakery@customers.example,Accounts
EX-2,billing,clinic@customers.example,
""",
    "invoices.csv": """\
number,customer_code,status,period_start,period_end,issue_date,due_date,currency,net_amount,tax_amount,gross_amount
EX-2026-1,EX-1,approved,2026-10-01,2026-10-31,2026-11-01,2026-12-01,EUR,100.00,21.00,121.00
EX-2026-2,EX-2,approved,2026-10-01,2026-10-31,2026-11-01,2026-12-01,EUR,200.00,42.00,242.00
EX-2026-3,EX-2,open,2026-10-01,2026-10-31,2026-11-01,,EUR,-10.00,-2.10,-12.10
""",
    "transformation_results.csv": """\
invoice_number,transformation,file
EX-2026-1,Invoice PDF,documents/EX-2026-1.pdf
EX-2026-2,Invoice PDF,documents/EX-2026-2.pdf
EX-2026-3,Invoice PDF,documents/EX-2026-3.pdf
""",
}
DOCUMENTS = {"EX-2026-1": "Bakery Example", "EX-2026-2": "Clinic Example", "EX-2026-3": "Clinic Example"}


def write(folder: Path) -> None:
    """Write the example into this folder, which is made. Raises FileExistsError if it holds anything."""
    if folder.exists() and any(folder.iterdir()):
        raise FileExistsError(str(folder))
    for name, content in _files(with_settings=True):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def as_zip(*, with_settings: bool) -> bytes:
    """The example as a ZIP; with messaging.toml only for those who may import it."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in _files(with_settings=with_settings):
            archive.writestr(name, content)
    return out.getvalue()


def _files(*, with_settings: bool) -> Iterator[tuple[str, bytes]]:
    if with_settings:
        yield SETTINGS, MESSAGING.encode()
    for name, text in CSV_FILES.items():
        yield name, text.encode()
    for number, customer in DOCUMENTS.items():
        yield f"documents/{number}.pdf", _pdf(f"Invoice {number}", customer)


def _pdf(*lines: str) -> bytes:
    """A PDF of one page with these lines."""
    page = "BT /F1 12 Tf 50 780 Td\n" + "".join(f"({line}) Tj 0 -18 Td\n" for line in lines) + "ET"
    objects = (
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        " /Resources << /Font << /F1 5 0 R >> >> >>",
        f"<< /Length {len(page)} >>\nstream\n{page}\nendstream",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    )
    made, offsets = "%PDF-1.7\n", []
    for number, content in enumerate(objects, 1):
        offsets.append(len(made))
        made += f"{number} 0 obj\n{content}\nendobj\n"
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    size = len(objects) + 1
    end = f"trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{len(made)}\n%%EOF\n"
    return f"{made}xref\n0 {size}\n0000000000 65535 f \n{table}{end}".encode("ascii")
