"""The first import of a large company builds the indices when its rows are there; every list still has its
index then, and each customer and invoice is found."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import func, inspect, select, text
from sqlalchemy.orm import Session

from tests.imports import folders
from tests.imports.test_folder import load
from webapp import found_by
from webapp.extensions import Runtime
from webapp.imports import merging
from webapp.imports.folder import Imported, Listener
from webapp.store.customers import Customer
from webapp.store.invoices import Invoice
from webapp.store.text_search import CUSTOMER_SEARCH, found_in


def indices(runtime: Runtime) -> set[str]:
    """The names of all indices of the tables that an import fills."""
    found = inspect(runtime.database.engine)
    tables = ("customer", "customer_email", "invoice", "transformation_result")
    return {str(index["name"]) for table in tables for index in found.get_indexes(table)}


@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection")
def test_the_first_import_leaves_all_indices_and_everything_is_found(
    runtime: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merging, "INDEXED_AFTERWARDS_MIN", 1)
    before = indices(runtime)
    folder = folders.write(tmp_path / "in")
    load(runtime, folder, locks_tables=True)
    load(runtime, folder, locks_tables=True)
    assert indices(runtime) == before
    with runtime.database.reading() as session:
        for invoice in session.scalars(select(Invoice)):
            assert found_by.invoices_found(session, invoice.number, 10) == [invoice.id]
        for customer in session.scalars(select(Customer)):
            assert customer.id in session.scalars(found_in(session, CUSTOMER_SEARCH, customer.name)).all()


def test_others_read_a_table_while_an_import_fills_it(
    runtime: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merging, "INDEXED_AFTERWARDS_MIN", 1)
    counted = list[int]()

    def stored(session: Session, done: Imported) -> None:
        with runtime.database.reading() as page:
            if not runtime.database.is_sqlite:
                page.execute(text("SET LOCAL lock_timeout = '1s'"))
            counted.append(page.scalars(select(func.count()).select_from(Invoice)).one())

    load(runtime, folders.write(tmp_path / "in"), listener=Listener(stored=stored))
    assert counted == [0]


@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection")
def test_indices_stay_while_another_reads_the_table(
    runtime: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if runtime.database.is_sqlite:
        pytest.skip("a reader of SQLite is in no one's way")
    monkeypatch.setattr(merging, "INDEXED_AFTERWARDS_MIN", 1)
    monkeypatch.setattr(merging, "LOCK_TIMEOUT", "50ms")
    before = indices(runtime)
    with runtime.database.snapshot() as reader:
        assert reader.execute(text("SELECT count(*) FROM invoice")).scalar_one() == 0
        load(runtime, folders.write(tmp_path / "in"), locks_tables=True)
    assert indices(runtime) == before
    with runtime.database.reading() as session:
        assert session.scalars(select(Invoice.id)).all()
