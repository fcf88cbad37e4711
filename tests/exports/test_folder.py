"""An export is an import folder: importing it changes nothing, and from an empty database it comes out again
byte for byte."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import select

from tests.imports import folders
from tests.imports.test_folder import load
from tests.imports.test_kept import add_address, change_address, change_customer, change_pin, remembered
from tests.runtimes import open_database
from webapp import migrations
from webapp.document_store.stores import DocumentFolder, DocumentStore
from webapp.errors import Refused
from webapp.exports import tables
from webapp.exports.folder import export_folder
from webapp.extensions import Runtime
from webapp.imports.folder import import_folder
from webapp.store.customers import Customer
from webapp.store.database import Database
from webapp.store.definitions import TemplateText
from webapp.store.invoices import Invoice, TransformationResult
from webapp.store.users import AuditEntry

ROOT = Path(__file__).parents[2]


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def export(runtime: Runtime, folder: Path, *, with_documents: bool = True) -> dict[str, bytes]:
    export_folder(runtime.database, runtime.documents, folder, with_documents=with_documents, actor="a test")
    return content(folder)


def imported_into_an_empty_database(folder: Path, tmp_path: Path) -> tuple[Database, DocumentStore]:
    database = open_database(f"sqlite:///{tmp_path}/other.sqlite3")
    migrations.upgrade(database)
    store = DocumentFolder(tmp_path / "other documents")
    import_folder(database, store, folder)
    return database, store


@pytest.fixture
def stored(runtime: Runtime, tmp_path: Path) -> Runtime:
    """An installation with imported rows, some of which people changed, and free fields that only some rows
    have."""
    load(runtime, folders.write(tmp_path / "in"))
    change_customer(runtime, "C1", name='Müller; "AG", =1+1', suspended=True)
    change_pin(runtime, "C1", "a\nb")
    change_address(runtime, "C1", "post@xn--mller-kva.de", "right@customers.test")
    change_address(runtime, "C2", "copy@customers.test", None)
    add_address(runtime, "C2", "mine@customers.test", "Ö")
    with runtime.database.writing() as session:
        one = session.scalars(select(Invoice).where(Invoice.number == "I1")).one()
        one.data = {"own": "", "po": "PO-8"}
        session.scalars(select(Customer).where(Customer.code == "C2")).one().extra = {"other": "1"}
        text = session.scalars(select(TemplateText).where(TemplateText.language == "nl")).one()
        text.source = 'line\r\nline """ \\ {{ customer.name }}'
    return runtime


def test_an_export_imports_as_no_change(stored: Runtime, tmp_path: Path) -> None:
    for number, with_documents in enumerate((False, True)):
        folder = tmp_path / f"out{number}"
        export(stored, folder, with_documents=with_documents)
        done = load(stored, folder, dry_run=True)
        assert not done.changed_anything, done.rows
        assert (folder / "transformation_results.csv").exists() is with_documents
    before = remembered(stored)
    load(stored, folder)
    assert remembered(stored) == before, "people's values stay theirs"
    assert export(stored, tmp_path / "out2") == content(folder)


def test_an_export_comes_out_of_an_empty_database_as_it_went_in(
    stored: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "EXPORT_BATCH", 1)
    first = export(stored, tmp_path / "out")
    assert export(stored, tmp_path / "again") == first
    database, store = imported_into_an_empty_database(tmp_path / "out", tmp_path)
    export_folder(database, store, tmp_path / "third", with_documents=True, actor="a test")
    assert content(tmp_path / "third") == first
    assert b'C2,"Smith, Inc.",Both,en,false,1,\\N' in first["customers.csv"]
    with database.reading() as session:
        assert session.scalars(select(Customer.extra).where(Customer.code == "C2")).one() == {"other": "1"}
    database.dispose()


def test_only_the_owner_may_read_it_and_it_is_in_the_audit(stored: Runtime, tmp_path: Path) -> None:
    export(stored, tmp_path / "out")
    for path in (tmp_path / "out").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)
    with stored.database.reading() as session:
        last = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()
    assert (last.actor, last.action, last.subject) == ("a test", "export", "'out'")
    assert "customers.csv: 2, emails.csv: 3, invoices.csv: 2, changed_here.csv: 5, transf" in last.detail


def test_a_folder_with_anything_in_it_is_refused(stored: Runtime, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine.txt").write_text("mine")
    with pytest.raises(Refused, match="is not an empty folder"):
        export(stored, tmp_path / "out")
    assert content(tmp_path / "out") == {"mine.txt": b"mine"}


def test_a_missing_document_is_named_and_nothing_is_left(stored: Runtime, tmp_path: Path) -> None:
    with stored.database.reading() as session:
        digest = session.scalars(
            select(TransformationResult.sha256).where(TransformationResult.file_name == "I2.pdf")
        ).one()
    stored.documents.remove(digest)
    with pytest.raises(Refused, match=r"The document I2\.pdf of invoice I2 is not in the document store"):
        export(stored, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    (tmp_path / "empty").mkdir()
    with pytest.raises(Refused):
        export(stored, tmp_path / "empty")
    assert content(tmp_path / "empty") == {}


@pytest.mark.parametrize("engine", ["sqlite"])
def test_the_command_says_what_it_wrote(stored: Runtime, environ: dict[str, str], tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from webapp.cli import main; main()", "export", str(tmp_path / "out")]
    shell = {**environ, "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=shell, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert ["customers.csv", "2"] in [line.split() for line in done.stdout.splitlines()]
    done = subprocess.run(command, env=shell, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "is not an empty folder" in done.stderr
