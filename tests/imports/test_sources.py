"""A source speaks completely for what it names: addresses of a customer under a key, documents of an invoice
under a transformation, parents of a cluster. What it does not name stays."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from tests.imports import folders
from tests.imports.test_folder import edges, load
from webapp.extensions import Runtime
from webapp.imports.folder import import_folder
from webapp.imports.merging import MergeCounts
from webapp.imports.problems import ImportRefused
from webapp.store.customers import Customer, CustomerEmail, RecipientKey
from webapp.store.invoices import Invoice, TransformationResult
from webapp.store.users import AuditEntry

EMAILS = "customer_code,key,address,display_name\n"
DOCUMENTS = "invoice_number,transformation,file\n"


def addresses(runtime: Runtime) -> dict[tuple[str, str], set[str]]:
    found: dict[tuple[str, str], set[str]] = {}
    query = (
        select(Customer.code, RecipientKey.key, CustomerEmail.address)
        .join(Customer, Customer.id == CustomerEmail.customer_id)
        .join(RecipientKey, RecipientKey.id == CustomerEmail.recipient_key_id)
    )
    with runtime.database.reading() as session:
        for code, key, address in session.execute(query):
            found.setdefault((code, key), set()).add(address)
    return found


def documents(runtime: Runtime) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    query = select(Invoice.number, TransformationResult.file_name).join(
        TransformationResult, TransformationResult.invoice_id == Invoice.id
    )
    with runtime.database.reading() as session:
        for number, name in session.execute(query):
            found.setdefault(number, set()).add(name)
    return found


def again(tmp_path: Path, **files: str) -> Path:
    """A folder of these files alone, with the documents of the good one."""
    there = {name: content for name, content in folders.GOOD.items() if name.startswith("results/")}
    return folders.write(tmp_path / "again", {**there, "results/I1-corrected.pdf": "%PDF-1.4 right"}, **files)


def test_a2_the_addresses_under_a_key_become_exactly_those_of_the_file(
    runtime: Runtime, tmp_path: Path
) -> None:
    two_keys = folders.MESSAGING + '[[recipient_key]]\nkey = "technical"\n'
    mails = folders.GOOD["emails.csv"] + "C2,technical,noc@customers.test,\nC1,technical,it@customers.test,\n"
    load(runtime, folders.write(tmp_path / "in", messaging_toml=two_keys, emails_csv=mails))
    done = load(runtime, again(tmp_path, emails_csv=EMAILS + "C2,billing,new@customers.test,\n"))
    assert done.counts == {"customer emails": MergeCounts(new=1, changed=0, unchanged=0, removed=2)}
    assert addresses(runtime) == {
        ("C1", "billing"): {"post@xn--mller-kva.de"},
        ("C1", "technical"): {"it@customers.test"},
        ("C2", "billing"): {"new@customers.test"},
        ("C2", "technical"): {"noc@customers.test"},
    }
    assert [str(row) for row in done.rows] == [
        "removed in customer emails: C2 billing bills@customers.test",
        "removed in customer emails: C2 billing copy@customers.test",
        "new in customer emails: C2 billing new@customers.test",
    ]
    with runtime.database.reading() as session:
        last = session.scalars(select(AuditEntry.detail).order_by(AuditEntry.id.desc()).limit(1)).one()
    assert last == "customer emails: 1 new, 0 changed, 2 removed"


def test_a3_the_documents_of_a_transformation_become_exactly_those_of_the_file(
    runtime: Runtime, tmp_path: Path
) -> None:
    load(runtime, folders.write(tmp_path / "in"))
    with runtime.database.reading() as session:
        wrong = session.scalars(
            select(TransformationResult.sha256).where(TransformationResult.file_name == "I1.pdf")
        ).one()
    corrected = DOCUMENTS + "I1,Invoice PDF,results/I1-corrected.pdf\n"
    done = load(runtime, again(tmp_path, transformation_results_csv=corrected))
    assert documents(runtime) == {"I1": {"I1-corrected.pdf"}, "I2": {"I2.pdf"}}
    assert done.counts["transformation results"] == MergeCounts(1, 0, 0, 1)
    assert runtime.documents.get(wrong) == b"%PDF-1.4 one"  # a mail may have gone out with it


def test_a3_a_second_transformation_is_not_named_by_the_first(runtime: Runtime, tmp_path: Path) -> None:
    both = folders.MESSAGING + '[[transformation]]\nname = "Calls"\noutput_type = "pdf"\n'
    rows = folders.GOOD["transformation_results.csv"] + "I1,Calls,results/I2.pdf\n"
    load(runtime, folders.write(tmp_path / "in", messaging_toml=both, transformation_results_csv=rows))
    load(
        runtime, again(tmp_path, transformation_results_csv=DOCUMENTS + "I1,Calls,results/I1-corrected.pdf\n")
    )
    assert documents(runtime) == {"I1": {"I1.pdf", "I1-corrected.pdf"}, "I2": {"I2.pdf"}}


def test_a2_the_parents_of_a_cluster_become_exactly_those_of_the_file(
    runtime: Runtime, tmp_path: Path
) -> None:
    load(runtime, folders.write(tmp_path / "in"))
    done = load(runtime, again(tmp_path, clusters_csv="tag_name,parents\nBoth,South;All\n"))
    assert edges(runtime) == {("North", "All"), ("South", "All"), ("Both", "South"), ("Both", "All")}
    assert [str(row) for row in done.rows] == [
        "changed in customer clusters: Both: parent 'North' removed; parent 'All' added"
    ]


def test_a2_a_dry_run_names_every_row_and_changes_nothing(runtime: Runtime, tmp_path: Path) -> None:
    load(runtime, folders.write(tmp_path / "in"))
    folder = again(
        tmp_path,
        emails_csv=EMAILS + "C2,billing,bills@customers.test,Bills\n",
        customers_csv="code,name,cluster,language,metadata.pin\nC1,Mueller,All,de,9876\nC3,New,All,en,\n",
        invoices_csv=folders.GOOD["invoices.csv"].replace("121.00,PO-7", "131.00,PO-8"),
    )
    (folder / "results/I1.pdf").write_text("%PDF-1.4 ten")
    folders.write(folder, {}, transformation_results_csv=DOCUMENTS + "I1,Invoice PDF,results/I1.pdf\n")
    before = (addresses(runtime), documents(runtime))
    done = load(runtime, folder, dry_run=True)
    told = [str(row) for row in done.rows]
    assert told[:-1] == [
        "changed in customers: C1: name Müller & Söhne → Mueller; cluster North → All; metadata.pin differs",
        "new in customers: C3",
        "removed in customer emails: C2 billing copy@customers.test",
        "changed in customer emails: C2 billing bills@customers.test: display_name nothing → Bills",
        "changed in invoices: I1: gross_amount 121.00 → 131.00; data.po PO-7 → PO-8",
    ]
    assert told[-1].startswith("changed in transformation results: I1 Invoice PDF I1.pdf: sha256 ")
    assert (addresses(runtime), documents(runtime)) == before
    assert "9876" not in "".join(told)


@pytest.mark.parametrize(
    ("before", "after", "refused"), [(60, 9, True), (60, 10, False), (600, 546, False), (800, 720, True)]
)
def test_a2_more_than_fifty_and_a_tenth_is_refused(
    runtime: Runtime, tmp_path: Path, before: int, after: int, refused: bool
) -> None:
    every = [f"C1,billing,a{n}@customers.test,\n" for n in range(before)]
    load(runtime, folders.write(tmp_path / "in", emails_csv=EMAILS + "".join(every)))
    folder = again(tmp_path, emails_csv=EMAILS + "".join(every[:after]))
    if not refused:
        assert load(runtime, folder).counts["customer emails"].removed == before - after
        return
    gone = before - after
    rehearsal = load(runtime, folder, dry_run=True)
    assert rehearsal.counts["customer emails"].removed == gone
    assert f"--allow-removals {gone}" in rehearsal.refusal
    with pytest.raises(ImportRefused) as refusal:
        load(runtime, folder)
    assert f"take away {gone} customer emails (the file has {after})" in refusal.value.errors[0]
    assert len(addresses(runtime)["C1", "billing"]) == before
    with pytest.raises(ImportRefused):
        import_folder(runtime.database, runtime.documents, folder, allowed_removals=gone - 1)
    import_folder(runtime.database, runtime.documents, folder, allowed_removals=gone)
    assert len(addresses(runtime)["C1", "billing"]) == after
