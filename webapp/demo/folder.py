"""The demo company as an import folder, as any company's own system would write it."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path

from webapp.demo import company, papers, words
from webapp.demo.billing import Bill, bills
from webapp.demo.company import DemoCustomer

MESSAGING = Path(__file__).parent / "messaging.toml"
PDF, CALLS = "Invoice PDF", "Calls CSV"


def write(folder: Path, today: date, catcher_port: int) -> None:
    """Writes clusters, customers, invoices of the three full months before today, and their documents.

    Mails go to a mail server on this machine's `catcher_port`. The same arguments give the same bytes."""
    customers = company.customers()
    billed = list(bills(customers, today))
    _rows(
        folder / "clusters.csv",
        ("tag_name", "parents"),
        ((tag, ";".join(parents)) for tag, parents in company.CLUSTERS.items()),
    )
    _write_customers(folder, customers)
    _write_invoices(folder, billed)
    _write_documents(folder, billed)
    text = MESSAGING.read_text(encoding="utf-8").replace("port = 2525", f"port = {catcher_port}")
    (folder / "messaging.toml").write_text(text, encoding="utf-8")


def _write_customers(folder: Path, customers: list[DemoCustomer]) -> None:
    metadata = ("town", "tax_id", "manager", "document_password")
    columns = ("code", "name", "cluster", "language", *(f"metadata.{name}" for name in metadata))
    _rows(
        folder / "customers.csv",
        columns,
        (
            (c.code, c.name, c.cluster, c.language, c.town, c.tax_id, c.manager, c.document_password)
            for c in customers
        ),
    )
    _rows(
        folder / "emails.csv",
        ("customer_code", "key", "address", "display_name"),
        ((customer.code, *email) for customer in customers for email in customer.emails),
    )


def _write_invoices(folder: Path, billed: list[Bill]) -> None:
    columns = "number customer_code status period_start period_end issue_date due_date currency"
    amounts = "net_amount tax_amount gross_amount data.order"
    _rows(
        folder / "invoices.csv",
        (*columns.split(), *amounts.split()),
        (
            (
                *(bill.number, bill.customer.code, bill.status, *bill.period, bill.issued, bill.due),
                *(bill.customer.country.currency, bill.net, bill.tax, bill.gross, bill.order),
            )
            for bill in billed
        ),
    )


def _write_documents(folder: Path, billed: list[Bill]) -> None:
    press = papers.Press()
    rows: list[tuple[str, str, str, str]] = []
    for bill in billed:
        if not bill.documents:
            continue
        language = bill.customer.country.language
        place = folder / "documents" / bill.number
        place.mkdir(parents=True)
        title = words.word("credit" if bill.gross < 0 else "invoice", language)
        made = {PDF: (f"{title} {bill.number}.pdf", "application/pdf", press.invoice(bill))}
        if bill.calls:
            name = f"{words.word('calls', language)} {bill.number}.csv"
            made[CALLS] = (name, "text/csv", papers.calls_csv(bill))
        for transformation, (name, media_type, content) in made.items():
            (place / name).write_bytes(content)
            rows.append((bill.number, transformation, f"documents/{bill.number}/{name}", media_type))
    _rows(
        folder / "transformation_results.csv",
        ("invoice_number", "transformation", "file", "media_type"),
        rows,
    )


def _rows(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)
