"""What people changed is theirs after an export and an import of it: in the same database, and in another."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from tests.exports.test_folder import content, imported_into_an_empty_database
from tests.imports import folders
from tests.imports.test_folder import edges, load
from tests.imports.test_kept import (
    CUSTOMERS,
    add_address,
    change,
    change_address,
    change_customer,
    change_pin,
    remembered,
    told,
)
from tests.imports.test_sources import addresses, documents
from webapp import sources
from webapp.exports.folder import export_folder
from webapp.extensions import Runtime
from webapp.imports.folder import import_folder
from webapp.store.customers import Cluster, ClusterParent, Customer, CustomerEmail
from webapp.store.invoices import Invoice, TransformationResult
from webapp.store.statuses import Origin, SourceSubject
from webapp.store.users import AuditEntry


def export(runtime: Runtime, folder: Path, *, passwords: bool = False) -> Path:
    export_folder(
        runtime.database,
        runtime.documents,
        folder,
        with_documents=True,
        with_passwords=passwords,
        actor="a test",
    )
    return folder


@pytest.fixture
def source(runtime: Runtime, tmp_path: Path) -> Path:
    """The folder of the source, imported; and then everything changed by a person: columns, fields, amounts,
    addresses, documents, parents, and the name of a cluster."""
    folder = folders.write(tmp_path / "in")
    load(runtime, folder)
    with runtime.database.reading() as session:
        south = session.scalars(select(Cluster.id).where(Cluster.tag_name == "South")).one()
    change_customer(runtime, "C1", name="Müller AG", cluster_id=south, suspended=True)
    change_pin(runtime, "C1", "9999")
    change_address(runtime, "C1", "post@xn--mller-kva.de", "right@customers.test")
    change_address(runtime, "C2", "copy@customers.test", None)
    add_address(runtime, "C2", "mine@customers.test", "Ö")
    with runtime.database.writing() as session:
        one = session.scalars(select(Invoice).where(Invoice.number == "I1")).one()
        change(session, one, SourceSubject.INVOICE, gross_amount=one.gross_amount + 1, status="closed")
        sources.remember_documents(session, one.id, "Invoice PDF")
        document = session.scalars(
            select(TransformationResult).where(TransformationResult.invoice_id == one.id)
        ).one()
        content = b"%PDF-1.4 by hand"
        document.sha256, document.size = runtime.documents.put(content), len(content)
        document.file_name, document.origin = "by hand.pdf", Origin.CHANGED
        north = session.scalars(select(Cluster).where(Cluster.tag_name == "North")).one()
        sources.remember(session, SourceSubject.CLUSTER, north.id, sources.TAG_NAME, north.tag_name)
        north.tag_name = "Far North"
        sources.remember_parents(session, south)
        session.query(ClusterParent).filter(ClusterParent.child_id == south).delete()
    return folder


def state(runtime: Runtime) -> object:
    """What is stored, and whose each of it is."""
    with runtime.database.reading() as session:
        columns = (Customer.code, Customer.name, Customer.cluster_id, Customer.suspended, Customer.extra)
        origins = select(CustomerEmail.address, CustomerEmail.origin).order_by(CustomerEmail.id)
        files = select(TransformationResult.file_name, TransformationResult.origin).order_by(
            TransformationResult.id
        )
        return (
            *(session.execute(select(*columns).order_by(Customer.id)).all(), session.execute(origins).all()),
            *(session.execute(files).all(), sorted(session.scalars(select(Cluster.tag_name)))),
            session.execute(select(Invoice.number, Invoice.gross_amount, Invoice.status)).all(),
            *(addresses(runtime), documents(runtime), edges(runtime), remembered(runtime)),
        )


def imports(runtime: Runtime) -> int:
    with runtime.database.reading() as session:
        return len(session.scalars(select(AuditEntry).where(AuditEntry.action == "import")).all())


@pytest.mark.parametrize("passwords", [False, True])
def test_importing_an_export_changes_nothing_and_the_source_is_judged_as_before(
    runtime: Runtime, source: Path, tmp_path: Path, passwords: bool
) -> None:
    before, count = state(runtime), imports(runtime)
    again = load(runtime, source, dry_run=True)
    folder = export(runtime, tmp_path / "out", passwords=passwords)
    for dry_run in (True, False):
        done = load(runtime, folder, dry_run=dry_run)
        assert told(done) == []
        assert not done.changed_anything
    assert state(runtime) == before
    assert imports(runtime) == count, "nothing was stored"
    done = load(runtime, source)
    assert told(done) == told(again)
    assert not done.changed_anything
    assert state(runtime) == before
    name = CUSTOMERS + "C1,Müller KG,North,fr,1234\n"
    load(runtime, folders.write(tmp_path / "new", {}, customers_csv=name))
    with runtime.database.reading() as session:
        changed = session.scalars(select(Customer).where(Customer.code == "C1")).one()
        assert (changed.name, changed.extra["pin"] != "1234") == ("Müller KG", True)


def test_what_was_changed_again_after_the_export_stays(
    runtime: Runtime, source: Path, tmp_path: Path
) -> None:
    folder = export(runtime, tmp_path / "out")
    with runtime.database.writing() as session:
        session.scalars(select(Customer).where(Customer.code == "C1")).one().name = "Müller SE"
        session.scalars(
            select(CustomerEmail).where(CustomerEmail.address == "right@customers.test")
        ).one().address = "righter@customers.test"
    before = state(runtime)
    done = load(runtime, folder)
    assert not done.changed_anything
    assert state(runtime) == before
    assert any("name “Müller SE” changed here" in row for row in told(done))


def test_another_database_knows_whose_word_it_is(runtime: Runtime, source: Path, tmp_path: Path) -> None:
    folder = export(runtime, tmp_path / "out")
    database, store = imported_into_an_empty_database(folder, tmp_path)
    export_folder(database, store, tmp_path / "third", with_documents=True, actor="a test")
    assert content(tmp_path / "third") == content(folder)
    done = import_folder(database, store, source)
    with database.reading() as session:
        first = session.scalars(select(Customer).where(Customer.code == "C1")).one()
        assert (first.name, first.suspended) == ("Müller AG", True)
        found = set(session.scalars(select(CustomerEmail.address)))
        assert {"right@customers.test", "mine@customers.test"} <= found
        assert not {"post@xn--mller-kva.de", "copy@customers.test"} & found
        assert session.scalars(select(Invoice.status).where(Invoice.number == "I1")).one() == "closed"
    assert done.counts["customers"].kept
    database.dispose()


def test_what_is_wrong_in_the_file_is_told(runtime: Runtime, source: Path, tmp_path: Path) -> None:
    folder = export(runtime, tmp_path / "out")
    text = 'subject,owner,field,value,origins\nrun,C1,name,{,\ncustomer,C1,emails.billing,[],"{""a"": 1}"\n'
    (folder / "changed_here.csv").write_text(text)
    with pytest.raises(Exception, match="which is not JSON") as refused:
        load(runtime, folder)
    assert "it says added or changed for each" in str(refused.value)
    assert "'run'; it must be" in str(refused.value)
