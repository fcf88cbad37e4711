"""An import that names an erased customer does not bring the data back, and says so."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import func, select

from tests.imports import folders
from tests.imports.test_folder import load
from webapp.access import OPERATOR
from webapp.extensions import Runtime
from webapp.imports import storing
from webapp.imports.problems import ImportRefused
from webapp.privacy import erasing
from webapp.store.customers import Customer, CustomerEmail
from webapp.store.invoices import Invoice, TransformationResult

INVOICES = folders.GOOD["invoices.csv"]
MORE = f"{INVOICES}I3,C1,approved,2026-11-01,2026-11-30,2026-12-01,,EUR,10.00,0,10.00,PO-8\n"
RESULTS = folders.GOOD["transformation_results.csv"]


def erase(runtime: Runtime, code: str) -> None:
    with runtime.database.writing() as session:
        erasing.erase(session, OPERATOR, code, code)


def test_it_stays_erased_and_the_report_says_so(runtime: Runtime, tmp_path: Path) -> None:
    folder = folders.write(tmp_path / "folder")
    load(runtime, folder)
    erase(runtime, "C1")
    folders.write(
        folder,
        invoices_csv=MORE,
        transformation_results_csv=f"{RESULTS}I3,Invoice PDF,results/I3.pdf\n",
    )
    (folder / "results" / "I3.pdf").write_bytes("%PDF-1.4 for Müller & Söhne".encode())
    for dry_run in (True, False):
        done = load(runtime, folder, dry_run=dry_run)
        warned = "\n".join(done.warnings)
        for words in (
            "customers.csv:2: code: the personal data of 'C1' were erased on request",
            "emails.csv:2: customer_code: 'C1' was erased on request, and gets no address",
            "'C1' was erased on request: without free data",
            "'I1' is of a customer who was erased on request, and gets no document",
        ):
            assert words in warned
        assert not any("Müller" in str(row) or "müller" in str(row) for row in done.rows)
    with runtime.database.reading() as session:
        customer = session.scalars(select(Customer).where(Customer.code == "C1")).one()
        assert (customer.name, customer.extra, customer.suspended) == ("Erased customer C1", {}, True)
        of_it = select(func.count()).where(CustomerEmail.customer_id == customer.id)
        assert session.scalar(of_it) == 0
        invoices = session.scalars(select(Invoice).where(Invoice.customer_id == customer.id)).all()
        assert {each.number: each.data for each in invoices} == {"I1": {}, "I3": {}}
        ids = [each.id for each in invoices]
        documents = select(func.count()).where(TransformationResult.invoice_id.in_(ids))
        assert session.scalar(documents) == 0
    kept = [path for path in Path(runtime.settings.store_url).rglob("*") if path.is_file()]
    assert not any("Müller".encode() in path.read_bytes() for path in kept)


def test_other_customers_of_the_folder_are_imported(runtime: Runtime, tmp_path: Path) -> None:
    folder = folders.write(tmp_path / "folder")
    load(runtime, folder)
    erase(runtime, "C1")
    customers = str(folders.GOOD["customers.csv"]).replace("Smith, Inc.", "Smith Ltd")
    done = load(runtime, folders.write(folder, customers_csv=customers))
    assert [str(row) for row in done.rows] == ["changed in customers: C2: name Smith, Inc. → Smith Ltd"]


def test_one_who_is_erased_while_the_import_runs(
    runtime: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = folders.write(tmp_path / "folder")
    load(runtime, folder)
    keep = storing.keep_documents

    def erase_meanwhile(*work: object) -> None:
        keep(*work)  # type: ignore[arg-type]
        erase(runtime, "C1")

    monkeypatch.setattr("webapp.imports.folder.keep_documents", erase_meanwhile)
    customers = str(folders.GOOD["customers.csv"]).replace("Söhne", "Töchter")
    with pytest.raises(ImportRefused, match="was erased while the import ran"):
        load(runtime, folders.write(folder, customers_csv=customers))
    with runtime.database.reading() as session:
        assert (
            session.scalars(select(Customer.name).where(Customer.code == "C1")).one() == "Erased customer C1"
        )
