"""An import that is killed, crossed by others or out of room leaves nothing half-done, and holds no one
up."""

from __future__ import annotations

import errno
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import event, select

from tests import factories
from tests.imports import folders
from webapp.document_store.stores import DocumentFolder
from webapp.extensions import Runtime
from webapp.imports.folder import import_folder
from webapp.imports.problems import ImportRefused
from webapp.store.customers import Customer

ROOT = Path(__file__).parents[2]
ONLY_SQLITE = pytest.mark.parametrize("engine", ["sqlite"])

KILLED = """
import os, signal, sys
from pathlib import Path
from webapp import create_app
from webapp.extensions import runtime_of
from webapp.imports.folder import import_folder

def report(step, share):
    if step == sys.argv[2] and share >= float(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)

runtime = runtime_of(create_app(pages=False))
import_folder(runtime.database, runtime.documents, Path(sys.argv[1]), report=report)
"""


@pytest.mark.parametrize(("step", "share"), [("Comparing", 0.0), ("Documents", 0.0), ("Storing", 0.95)])
def test_a_kill_leaves_nothing_half(
    runtime: Runtime, environ: dict[str, str], tmp_path: Path, step: str, share: float
) -> None:
    """The last of these is in the merge itself, with everything but the last file's rows written."""
    folder = folders.write(tmp_path / "in")
    argv = [sys.executable, "-c", KILLED, str(folder), step, str(share)]
    path = {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]}
    child = subprocess.run(argv, env={**environ, **path}, check=False, timeout=60)
    assert child.returncode == -signal.SIGKILL
    with runtime.database.reading() as session:
        assert folders.rows_stored(session) == 0
    done = import_folder(runtime.database, runtime.documents, folder)
    assert done.counts["invoices"].new == 2


def test_others_write_while_an_import_stages(runtime: Runtime, tmp_path: Path) -> None:
    """A blocked writer would wait for twenty seconds and fail."""
    steps: list[str] = []

    def report(step: str, share: float) -> None:
        if step not in (*steps, "Storing"):
            steps.append(step)
            with runtime.database.writing() as session:
                factories.cluster(session, f"made while {step}")

    rows = "".join(f"X{n},Name,All,\n" for n in range(25_000))  # enough that reading reports progress
    text = f"code,name,cluster,language\n{rows}C1,First,All,\nC2,Second,All,\n"
    folder = folders.write(tmp_path / "in", customers_csv=text)
    import_folder(runtime.database, runtime.documents, folder, report=report)
    assert steps == ["Reading", "Checking", "Comparing", "Documents"]


@ONLY_SQLITE
def test_an_import_stages_while_another_holds_the_write_lock(runtime: Runtime, tmp_path: Path) -> None:
    with runtime.database.writing() as session:
        factories.cluster(session, "not committed yet")
        done = import_folder(
            runtime.database, runtime.documents, folders.write(tmp_path / "in"), dry_run=True
        )
    assert done.counts["invoices"].new == 2


def test_a_change_in_between_refuses_the_import(runtime: Runtime, tmp_path: Path) -> None:
    """Between the comparing and the storing another transaction stores an invoice with a number of the
    folder. (If it changed a setting too, the import would compare once more, and speak last.)"""
    with runtime.database.writing() as session:
        factories.recipient_key(session)

    def report(step: str, share: float) -> None:
        if step == "Documents":
            with runtime.database.writing() as session:
                payer = factories.customer(session, factories.cluster(session, "Others"))
                factories.invoice(session, payer, number="I2")

    with pytest.raises(ImportRefused, match="changed while the import ran"):
        import_folder(runtime.database, runtime.documents, folders.write(tmp_path / "in"), report=report)
    with runtime.database.reading() as session:
        assert session.scalars(select(Customer.code).where(Customer.code.in_(["C1", "C2"]))).all() == []


def test_a_customer_that_vanishes_in_between_refuses_the_import(runtime: Runtime, tmp_path: Path) -> None:
    folder = folders.write(tmp_path / "in")
    with runtime.database.writing() as session:
        home = factories.cluster(session, "All")
        session.add(Customer(code="C9", name="Ninth", cluster_id=home.id))

    def report(step: str, share: float) -> None:
        if step == "Documents":
            with runtime.database.writing() as session:
                session.delete(session.scalars(select(Customer).where(Customer.code == "C9")).one())

    text = folders.GOOD["invoices.csv"].replace("I2,C2", "I2,C9")
    folders.write(folder, {}, invoices_csv=text)
    with pytest.raises(ImportRefused, match="changed while the import ran"):
        import_folder(runtime.database, runtime.documents, folder, report=report)


class FullStore(DocumentFolder):
    """A store whose disk takes one document and is full then."""

    def put(self, content: bytes) -> str:
        if b"two" in content:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().put(content)


def test_a_full_disk_under_the_documents_is_told_in_words(runtime: Runtime, tmp_path: Path) -> None:
    folder = folders.write(tmp_path / "in")
    with pytest.raises(ImportRefused, match=r"results/I2.pdf.*No space left on device; nothing was imported"):
        import_folder(runtime.database, FullStore(Path(runtime.settings.store_url)), folder)
    with runtime.database.reading() as session:
        assert folders.rows_stored(session) == 0


@ONLY_SQLITE
def test_a_full_disk_under_the_database_is_told_in_words(runtime: Runtime, tmp_path: Path) -> None:
    @event.listens_for(runtime.database.engine, "connect")
    def limit(connection: sqlite3.Connection, _: object) -> None:
        connection.execute("PRAGMA max_page_count = 1")  # no more than there are

    rows = "".join(f"C{n},A rather long name for a customer,All,\n" for n in range(2_000))
    text = f"code,name,cluster,language\n{rows}"
    folder = folders.write(tmp_path / "in", {}, clusters_csv="tag_name,parents\nAll,\n", customers_csv=text)
    with pytest.raises(ImportRefused, match="database or disk is full; nothing was imported"):
        import_folder(runtime.database, runtime.documents, folder)
    with runtime.database.reading() as session:
        assert folders.rows_stored(session) == 0
