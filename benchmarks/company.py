"""A large company: clusters six deep that have several parents, 200 customers in each, five invoices for each
customer, spread evenly over the twelve months of a year. The same every time."""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from benchmarks import dataset, workload
from benchmarks.dataset import table

PER_CLUSTER, PER_CUSTOMER = 200, 5
YEAR = 2026


@dataclass(frozen=True)
class Company:
    """The number of clusters; everything else follows from it."""

    clusters: int

    @property
    def customers(self) -> int:
        return self.clusters * PER_CLUSTER

    @property
    def invoices(self) -> int:
        return self.customers * PER_CUSTOMER

    def cluster(self, number: int) -> str:
        """A tag name. Number 0 is above all others; the last has none below it."""
        return f"Cluster {number:04d}"

    @property
    def root(self) -> str:
        return self.cluster(0)

    @property
    def leaf(self) -> str:
        return self.cluster(self.clusters - 1)


def month(number: int, last: int | None = None) -> tuple[date, date]:
    """From the first day of this month to the last day of it, or of the month `last`."""
    last = last or number
    return date(YEAR, number, 1), date(YEAR, last, calendar.monthrange(YEAR, last)[1])


def write(company: Company, folder: Path) -> None:
    """Two import folders: `data`, and `documents` with a document for nearly every invoice, all of the same
    bytes: a list of calls, which need not name its invoice."""
    data, documents = folder / "data", folder / "documents"
    data.mkdir(parents=True)
    (documents / "results").mkdir(parents=True)
    kind = dataset.MESSAGING.replace("Invoice PDF", "List of calls").replace('"pdf"', '"csv"')
    (data / "messaging.toml").write_text(kind)
    table(data / "clusters.csv", ["tag_name", "parents"], _clusters(company))
    table(data / "customers.csv", ["code", "name", "cluster", "language"], _customers(company))
    header = ["customer_code", "key", "address", "display_name"]
    table(data / "emails.csv", header, _emails(company))
    table(data / "invoices.csv", dataset.INVOICE, _invoices(company))
    (documents / "results" / "shared.csv").write_bytes(b"call,seconds\n" * (workload.DOCUMENT_BYTES // 13))
    rows = (
        [_number(index), "List of calls", "results/shared.csv"]
        for index in range(company.invoices)
        if index % 37
    )
    table(documents / "transformation_results.csv", ["invoice_number", "transformation", "file"], rows)


def _clusters(company: Company) -> Iterator[list[str]]:
    """Each has four below it; every third has a second parent."""
    for number in range(company.clusters):
        parents = {(number - 1) // 4} if number else set()
        if number > 8 and number % 3 == 0:
            parents.add((number - 1) // 4 - 1)
        yield [company.cluster(number), ";".join(company.cluster(parent) for parent in sorted(parents))]


def _customers(company: Company) -> Iterator[list[str]]:
    for index in range(company.customers):
        name = f"{workload.FIRST[index % 9]} {workload.SECOND[index % 8]} {index}"
        yield [f"C{100_000 + index}", name, company.cluster(index % company.clusters), "en"]


def _emails(company: Company) -> Iterator[list[str]]:
    """One in 25 customers has no address."""
    for index in range(company.customers):
        if (index // company.clusters + index) % 25:
            yield [f"C{100_000 + index}", "billing", f"billing.c{index}@customers.test", ""]


def _invoices(company: Company) -> Iterator[list[object]]:
    """One in 53 is still open."""
    for index in range(company.invoices):
        first, last = month(1 + index % 12)
        net = 500 + index * 7919 % 2_000_000
        tax = round(net * 0.21)
        money = [f"{cents / 100:.2f}" for cents in (net, tax, net + tax)]
        status = "approved" if index % 53 else "open"
        code = f"C{100_000 + index // PER_CUSTOMER}"
        yield [_number(index), code, status, first, last, last, last, "EUR", *money]


def _number(index: int) -> str:
    return f"{YEAR}-{1_000_000 + index}"
