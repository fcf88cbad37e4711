"""What a person changed stays until the source itself changes it; what a person added stays; and every row of
it is told. The changes are made as pages make them: webapp/sources.py, then the rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.imports import folders
from tests.imports.test_folder import edges, load
from tests.imports.test_sources import DOCUMENTS, EMAILS, addresses, again, documents
from webapp import sources
from webapp.extensions import Runtime
from webapp.imports.commands import rows_told, table
from webapp.imports.folder import Imported
from webapp.store.customers import Cluster, ClusterParent, Customer, CustomerEmail, RecipientKey
from webapp.store.invoices import Invoice, Transformation, TransformationResult
from webapp.store.statuses import Origin, SourceSubject
from webapp.store.users import AuditEntry, SourceValue

CUSTOMERS = "code,name,cluster,language,metadata.pin\n"


def change(session: Session, row: Any, subject: SourceSubject, **values: Any) -> None:
    """Change columns of a customer or an invoice, as a page does."""
    sources.hold(session, subject, row.id)
    for name, value in values.items():
        sources.remember(session, subject, row.id, name, getattr(row, name))
        setattr(row, name, value)


def change_customer(runtime: Runtime, code: str, **values: Any) -> None:
    with runtime.database.writing() as session:
        row = session.scalars(select(Customer).where(Customer.code == code)).one()
        change(session, row, SourceSubject.CUSTOMER, **values)


def change_pin(runtime: Runtime, code: str, pin: str) -> None:
    with runtime.database.writing() as session:
        row = session.scalars(select(Customer).where(Customer.code == code)).one()
        sources.remember(session, SourceSubject.CUSTOMER, row.id, "metadata.pin", row.extra["pin"])
        row.extra = {**row.extra, "pin": pin}


def add_address(runtime: Runtime, code: str, address: str, display_name: str = "") -> None:
    with runtime.database.writing() as session:
        customer_id = session.scalars(select(Customer.id).where(Customer.code == code)).one()
        key_id = session.scalars(select(RecipientKey.id).where(RecipientKey.key == "billing")).one()
        sources.remember_addresses(session, customer_id, "billing")
        session.add(
            CustomerEmail(
                customer_id=customer_id,
                recipient_key_id=key_id,
                address=address,
                display_name=display_name,
                origin=Origin.ADDED,
            )
        )


def change_address(runtime: Runtime, code: str, old: str, new: str | None) -> None:
    """Put another address in its place; None: remove it."""
    with runtime.database.writing() as session:
        customer_id = session.scalars(select(Customer.id).where(Customer.code == code)).one()
        sources.remember_addresses(session, customer_id, "billing")
        row = session.scalars(
            select(CustomerEmail).where(
                CustomerEmail.customer_id == customer_id, CustomerEmail.address == old
            )
        ).one()
        if new is None:
            session.delete(row)
        else:
            row.address, row.origin = new, Origin.CHANGED


def remembered(runtime: Runtime) -> set[str]:
    with runtime.database.reading() as session:
        return set(session.scalars(select(SourceValue.field)))


def told(done: Imported) -> list[str]:
    return [str(row) for row in done.rows]


def test_a_value_that_a_person_changed_stays_until_the_source_changes_it(
    runtime: Runtime, tmp_path: Path
) -> None:
    folder = folders.write(tmp_path / "in")
    load(runtime, folder)
    with runtime.database.reading() as session:
        south = session.scalars(select(Cluster.id).where(Cluster.tag_name == "South")).one()
    change_customer(runtime, "C1", name="Müller AG", cluster_id=south, suspended=True)
    change_pin(runtime, "C1", "9999")
    for _ in range(10):
        done = load(runtime, folder)
        assert not done.changed_anything
    assert told(done) == [
        "kept in customers: C1: cluster “South” changed here, the source still says “North”",
        "kept in customers: C1: metadata.pin changed here, the source still says another value",
        "kept in customers: C1: name “Müller AG” changed here, the source still says “Müller & Söhne”",
    ]
    assert done.counts["customers"].kept == 3
    assert list(rows_told(done)) == told(done)
    assert ["customers", "0", "0", "2", "0", "3"] in [line.split() for line in table(done).splitlines()]
    text = CUSTOMERS + "C1,Müller KG,North,fr,1234\n"
    done = load(runtime, folders.write(tmp_path / "alone", {}, customers_csv=text))
    assert told(done) == [
        "changed in customers: C1: name Müller AG → Müller KG; language de → fr",
        "kept in customers: C1: cluster “South” changed here, the source still says “North”",
        "kept in customers: C1: metadata.pin changed here, the source still says another value",
        "source wins in customers: C1: name “Müller AG” changed here, the source now says “Müller KG”",
    ]
    assert remembered(runtime) == {"cluster_id", "metadata.pin", "suspended"}
    with runtime.database.reading() as session:
        row = session.scalars(select(Customer).where(Customer.code == "C1")).one()
        last = session.scalars(select(AuditEntry.detail).order_by(AuditEntry.id.desc()).limit(1)).one()
    assert (row.name, row.language, row.cluster_id, row.extra) == ("Müller KG", "fr", south, {"pin": "9999"})
    assert (row.suspended, last) == (True, "customers: 0 new, 1 changed, 2 kept")
    explicit = "code,name,cluster,language,suspended\nC1,Müller KG,North,fr,false\n"
    assert not load(runtime, folders.write(tmp_path / "alone", {}, customers_csv=explicit)).changed_anything


def test_every_column_of_an_invoice_is_kept_by_itself(runtime: Runtime, tmp_path: Path) -> None:
    folder = folders.write(tmp_path / "in")
    load(runtime, folder)
    with runtime.database.writing() as session:
        two = session.scalars(select(Invoice).where(Invoice.number == "I2")).one()
        change(
            session, two, SourceSubject.INVOICE,
            status="approved", gross_amount=two.net_amount * 2, due_date=two.issue_date,
            period_start=two.period_end, currency="EUR",
        )  # fmt: skip
        sources.remember(session, SourceSubject.INVOICE, two.id, "data.po", "")
        two.data = {"po": "PO-9", "own": "yes"}
    rehearsal = load(runtime, folder, dry_run=True)
    assert told(rehearsal) == [
        "kept in invoices: I2: currency “EUR” changed here, the source still says “GBP”",
        "kept in invoices: I2: data.po “PO-9” changed here, the source still says “nothing”",
        "kept in invoices: I2: due_date “2026-11-01” changed here, the source still says “nothing”",
        "kept in invoices: I2: gross_amount “-20.2468” changed here, the source still says “-10.1234”",
        "kept in invoices: I2: period_start “2026-10-31” changed here, the source still says “2026-10-01”",
        "kept in invoices: I2: status “approved” changed here, the source still says “open”",
    ]
    assert not load(runtime, folder).changed_anything
    new = folders.GOOD["invoices.csv"].replace("-10.1234,0,-10.1234,", "-10.1234,0.5,-10.1234,")
    folders.write(folder, {}, invoices_csv=new.replace("I2,C2,open", "I2,C2,closed"))
    done = load(runtime, folder)
    assert told(done)[0] == "changed in invoices: I2: status approved → closed; tax_amount 0.00 → 0.50"
    assert done.counts["invoices"].source_wins == 1
    with runtime.database.reading() as session:
        two = session.scalars(select(Invoice).where(Invoice.number == "I2")).one()
        assert (two.status, two.currency, str(two.gross_amount), str(two.tax_amount)) == (
            "closed", "EUR", "-20.2468", "0.50",
        )  # fmt: skip
        assert two.data == {"po": "PO-9", "own": "yes"}
    assert not load(runtime, folder).changed_anything


def test_an_address_that_a_person_added_is_never_removed(runtime: Runtime, tmp_path: Path) -> None:
    folder = folders.write(tmp_path / "in")
    load(runtime, folder)
    add_address(runtime, "C2", "mine@customers.test")
    add_address(runtime, "C2", "too@customers.test")
    for _ in range(10):
        done = load(runtime, folder)
        assert not done.changed_anything
    assert told(done) == ["kept in customer emails: C2 billing: 2 addresses added here"]
    alone = EMAILS + "C2,billing,new@customers.test,\n"
    done = load(runtime, again(tmp_path, emails_csv=alone))
    assert told(done) == [
        "removed in customer emails: C2 billing bills@customers.test",
        "removed in customer emails: C2 billing copy@customers.test",
        "new in customer emails: C2 billing new@customers.test",
        "kept in customer emails: C2 billing: 2 addresses added here",
        "source wins in customer emails: C2 billing: addresses changed here, the source now says others",
    ]
    assert addresses(runtime)["C2", "billing"] == {
        "new@customers.test", "mine@customers.test", "too@customers.test",
    }  # fmt: skip
    named = alone + "C2,billing,mine@customers.test,\n"
    done = load(runtime, again(tmp_path, emails_csv=named))
    assert not done.changed_anything
    claimed = "source wins in customer emails: C2 billing mine@customers.test: added here"
    assert f"{claimed}, the source now says the same" in told(done)
    done = load(runtime, again(tmp_path, emails_csv=alone))
    assert "removed in customer emails: C2 billing mine@customers.test" in told(done)
    assert addresses(runtime)["C2", "billing"] == {"new@customers.test", "too@customers.test"}


def test_an_address_that_a_person_replaced_or_removed_stays_so(runtime: Runtime, tmp_path: Path) -> None:
    folder = folders.write(tmp_path / "in")
    load(runtime, folder)
    change_address(runtime, "C1", "post@xn--mller-kva.de", "right@customers.test")
    change_address(runtime, "C2", "copy@customers.test", None)
    done = load(runtime, folder)
    assert not done.changed_anything
    assert told(done) == [
        "kept in customer emails: C1 billing: address “right@customers.test” changed here, "
        "the source still says “post@xn--mller-kva.de”",
        "kept removed in customer emails: C2 billing: copy@customers.test was removed here",
    ]
    assert addresses(runtime) == {
        ("C1", "billing"): {"right@customers.test"},
        ("C2", "billing"): {"bills@customers.test"},
    }
    add_address(runtime, "C2", "copy@customers.test", "Copy")
    assert not load(runtime, folder).changed_anything
    new = EMAILS + "C1,billing,new@customers.test,\nC2,billing,bills@customers.test,Bills\n"
    load(runtime, again(tmp_path, emails_csv=new))
    assert addresses(runtime) == {
        ("C1", "billing"): {"new@customers.test"},
        ("C2", "billing"): {"bills@customers.test"},
    }
    assert remembered(runtime) == set()


def test_a_document_that_a_person_replaced_or_added_stays(runtime: Runtime, tmp_path: Path) -> None:
    folder = folders.write(tmp_path / "in")
    load(runtime, folder)
    mine, more = (runtime.documents.put(b"%PDF-1.4 " + text) for text in (b"mine", b"more"))
    with runtime.database.writing() as session:
        row = session.scalars(
            select(TransformationResult).where(TransformationResult.file_name == "I1.pdf")
        ).one()
        wrong = row.sha256
        sources.remember_documents(session, row.invoice_id, "Invoice PDF")
        row.sha256, row.size, row.origin = mine, 13, Origin.CHANGED
        added = {"invoice_id": row.invoice_id, "transformation_id": row.transformation_id, "size": 13}
        session.add(
            TransformationResult(
                **added, file_name="more.pdf", media_type="application/pdf", sha256=more, origin=Origin.ADDED
            )
        )
    done = load(runtime, folder)
    assert not done.changed_anything
    assert told(done) == [
        "kept in transformation results: I1 Invoice PDF I1.pdf: document replaced here, the source still "
        "sends the one before",
        "kept in transformation results: I1 Invoice PDF: 1 document added here",
    ]
    corrected = DOCUMENTS + "I1,Invoice PDF,results/I1-corrected.pdf\n"
    load(runtime, again(tmp_path, transformation_results_csv=corrected))
    assert documents(runtime)["I1"] == {"I1-corrected.pdf", "more.pdf"}
    for digest, content in ((wrong, b"one"), (mine, b"mine"), (more, b"more")):
        assert runtime.documents.get(digest) == b"%PDF-1.4 " + content  # a mail may have gone out with it


def test_parents_that_a_person_gave_stay(runtime: Runtime, tmp_path: Path) -> None:
    folder = folders.write(tmp_path / "in")
    load(runtime, folder)
    with runtime.database.writing() as session:
        ids = {name: id for name, id in session.execute(select(Cluster.tag_name, Cluster.id))}
        sources.remember_parents(session, ids["Both"])
        session.delete(session.get_one(ClusterParent, (ids["Both"], ids["North"])))
        session.add(ClusterParent(child_id=ids["Both"], parent_id=ids["All"]))
    done = load(runtime, folder)
    assert not done.changed_anything
    assert told(done) == [
        "kept in customer clusters: Both: parents “All, South” changed here, the source still says "
        "“North, South”"
    ]
    load(runtime, again(tmp_path, clusters_csv="tag_name,parents\nBoth,South\n"))
    assert edges(runtime) == {("North", "All"), ("South", "All"), ("Both", "South")}
    assert remembered(runtime) == set()


def test_what_the_source_says_next_is_new_even_if_the_person_said_it_first(
    runtime: Runtime, tmp_path: Path
) -> None:
    """The source follows, then goes back: it has changed its word, so it wins."""
    load(runtime, folders.write(tmp_path / "in"))
    change_customer(runtime, "C1", name="Müller AG")
    follows = folders.write(tmp_path / "alone", {}, customers_csv=CUSTOMERS + "C1,Müller AG,North,de,1234\n")
    done = load(runtime, follows)
    assert (done.changed_anything, told(done)) == (
        False,
        ["source wins in customers: C1: name changed here, the source now says the same"],
    )
    done = load(runtime, folders.write(tmp_path / "in"))
    assert told(done) == ["changed in customers: C1: name Müller AG → Müller & Söhne"]


def test_a_field_has_room_for_the_longest_name(runtime: Runtime, tmp_path: Path) -> None:
    long = "T" * 200
    with runtime.database.writing() as session:
        session.add(Transformation(name=long, output_type="pdf"))
        sources.remember_documents(session, 7, long)
        sources.remember(session, SourceSubject.CUSTOMER, 7, "metadata." + "n" * 300, "1")
    assert f"documents.{long}" in remembered(runtime)
