"""The import folder of the work (workload.py). The first WARM_UP customers are in a cluster of their own:
workers send to these before anything is measured."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks import workload

ROOT, WARM = "Customers", "Warm-up"
WARM_UP = 400
DEFINITION = "Monthly invoice"
MESSAGING = f"""\
[[mail_server]]
name = "sink"
host = "127.0.0.1"
port = 2525
security = "none"
max_connections = 4

[[sender]]
key = "invoicing"
address = "{workload.SENDER}"
display_name = "{workload.SENDER_NAME}"
mail_server = "sink"

[[recipient_key]]
key = "billing"

[[transformation]]
name = "Invoice PDF"
output_type = "pdf"

[[template]]
name = "Invoice"
format = "html"
source = '''
{workload.html()}'''

[[definition]]
name = "{DEFINITION}"
from_key = "invoicing"
recipient_key = "billing"
subject = "{workload.SUBJECT}"
template = "Invoice"
transformations = ["Invoice PDF"]
"""
INVOICE = (
    *("number", "customer_code", "status", "period_start", "period_end", "issue_date", "due_date"),
    *("currency", "net_amount", "tax_amount", "gross_amount"),
)


def write(folder: Path, messages: int) -> None:
    """Writes a folder for this number of messages, and WARM_UP more, with all their documents."""
    (folder / "results").mkdir(parents=True)
    letters = list(workload.letters(messages + WARM_UP))
    (folder / "messaging.toml").write_text(MESSAGING)
    table(folder / "clusters.csv", ["tag_name", "parents"], [[ROOT, ""], [WARM, ""]])
    table(
        folder / "customers.csv",
        ["code", "name", "cluster", "language"],
        (
            [each.code, each.names["customer"]["name"], WARM if index < WARM_UP else ROOT, "en"]
            for index, each in enumerate(letters)
        ),
    )
    table(
        folder / "emails.csv",
        ["customer_code", "key", "address", "display_name"],
        ([each.code, "billing", each.address, each.names["customer"]["name"]] for each in letters),
    )
    table(folder / "invoices.csv", INVOICE, ([_invoice(each)[name] for name in INVOICE] for each in letters))
    table(
        folder / "transformation_results.csv",
        ["invoice_number", "transformation", "file"],
        ([each.number, "Invoice PDF", each.file] for each in letters),
    )
    for each in letters:
        (folder / each.file).write_bytes(workload.document(each.number, each.code))


def _invoice(letter: workload.Letter) -> dict[str, str]:
    return {**letter.names["invoice"], "customer_code": letter.code, "status": "approved"}


def table(path: Path, header: Iterable[str], rows: Iterable[Iterable[Any]]) -> None:
    """Writes one CSV file."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
