"""A right folder is stored whole; the same again changes nothing; what has changed is changed and no more."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import select, update

from tests.imports import folders
from webapp.extensions import Runtime
from webapp.imports.folder import Imported, import_folder
from webapp.imports.merging import MergeCounts
from webapp.imports.problems import ImportRefused
from webapp.store.customers import Cluster, ClusterParent, Customer, CustomerEmail
from webapp.store.definitions import MessageDefinition, TemplateText
from webapp.store.invoices import Invoice, TransformationResult
from webapp.store.mailservers import MailServer
from webapp.store.users import AuditEntry


def load(runtime: Runtime, folder: Path, **options: object) -> Imported:
    return import_folder(runtime.database, runtime.documents, folder, **options)  # type: ignore[arg-type]


def refused(runtime: Runtime, folder: Path) -> list[str]:
    with pytest.raises(ImportRefused) as refusal:
        load(runtime, folder)
    return refusal.value.errors


def edges(runtime: Runtime) -> set[tuple[str, str]]:
    with runtime.database.reading() as session:
        names = {id: tag for id, tag in session.execute(select(Cluster.id, Cluster.tag_name))}
        return {(names[e.child_id], names[e.parent_id]) for e in session.scalars(select(ClusterParent))}


def test_a_right_folder_is_stored_whole(runtime: Runtime, tmp_path: Path) -> None:
    done = load(runtime, folders.write(tmp_path / "in"))
    assert done.changed_anything
    assert done.counts["message templates"] == MergeCounts(2, 0, 0)
    assert done.counts["customer clusters"] == MergeCounts(4, 0, 0)
    assert done.counts["customer emails"] == MergeCounts(3, 0, 0)
    assert done.counts["transformation results"] == MergeCounts(2, 0, 0)
    assert edges(runtime) == {("North", "All"), ("South", "All"), ("Both", "North"), ("Both", "South")}
    with runtime.database.reading() as session:
        first, second = session.scalars(select(Customer).order_by(Customer.code))
        assert (first.name, first.language, first.suspended, first.extra) == (
            "Müller & Söhne", "de", False, {"pin": "1234"},
        )  # fmt: skip
        assert (second.name, second.extra) == ("Smith, Inc.", {"pin": ""})
        one, two = session.scalars(select(Invoice).order_by(Invoice.number))
        assert (one.due_date, two.due_date) == (date(2026, 12, 1), None)
        assert (one.gross_amount, two.net_amount) == (Decimal("121.00"), Decimal("-10.1234"))
        assert (one.data, two.data) == ({"po": "PO-7"}, {"po": ""})
        document = session.scalars(
            select(TransformationResult).where(TransformationResult.file_name == "I1.pdf")
        )
        kept = document.one()
        assert (kept.invoice_id, kept.media_type, kept.size) == (one.id, "application/pdf", 12)
        assert runtime.documents.get(kept.sha256) == b"%PDF-1.4 one"
        addresses = session.scalars(select(CustomerEmail.address).order_by(CustomerEmail.id)).all()
        assert addresses[0] == "post@xn--mller-kva.de"
        definition = session.scalars(select(MessageDefinition)).one()
        assert (definition.sender.mail_server.name, definition.bcc) == ("relay", ["archive@example.com"])
        assert session.scalars(select(TemplateText.language).order_by(TemplateText.language)).all() == [
            "",
            "nl",
        ]


def test_the_same_again_changes_nothing(runtime: Runtime, tmp_path: Path) -> None:
    folder = folders.write(tmp_path / "in")
    first = load(runtime, folder)
    with runtime.database.reading() as session:
        before = [session.execute(select(table.__table__)).all() for table in folders.TABLES]
    second = load(runtime, folder)
    assert not second.changed_anything
    assert {words: counts.unchanged for words, counts in second.counts.items()} == {
        words: counts.new for words, counts in first.counts.items()
    }
    with runtime.database.reading() as session:
        assert [session.execute(select(table.__table__)).all() for table in folders.TABLES] == before


def test_what_is_different_is_changed(runtime: Runtime, tmp_path: Path) -> None:
    folder = folders.write(tmp_path / "in")
    load(runtime, folder)
    good = folders.GOOD
    folders.write(
        folder,
        {},
        messaging_toml=good["messaging.toml"].replace("2525", "2526").replace("<p>Beste", "<p>Geachte"),
        clusters_csv=good["clusters.csv"].replace("North;South", "All"),
        customers_csv=good["customers.csv"].replace("Müller & Söhne,North", "Mueller,South"),
        emails_csv=good["emails.csv"].replace(",Copy", ",Second copy"),
        invoices_csv=good["invoices.csv"]
        .replace("I2,C2,open", "I2,C2,approved")
        .replace(",,GBP", ",2026-12-24,GBP"),
    )
    (folder / "results/I2.pdf").write_text("%PDF-1.4 two, fixed")
    done = load(runtime, folder)
    assert {words for words, counts in done.counts.items() if counts.changed == 1} == {
        "mail servers", "message templates", "customer clusters", "customers", "customer emails",
        "invoices", "transformation results",
    }  # fmt: skip
    assert not any(counts.new for counts in done.counts.values())
    told = [str(row) for row in done.rows]
    assert told[:3] == [
        "changed in mail servers: relay: port 2525 → 2526",
        "changed in message templates: Invoice body nl: source <p>Beste {{ customer.name }}</p> → "
        "<p>Geachte {{ customer.name }}</p>",
        "changed in customer clusters: Both: parent 'North' removed; parent 'South' removed; "
        "parent 'All' added",
    ]
    assert edges(runtime) == {("North", "All"), ("South", "All"), ("Both", "All")}
    with runtime.database.reading() as session:
        assert session.scalars(select(MailServer.port)).one() == 2526
        assert session.scalars(select(TemplateText.source).where(TemplateText.language == "nl")).one() == (
            "<p>Geachte {{ customer.name }}</p>"
        )
        moved = session.scalars(select(Customer).where(Customer.code == "C1")).one()
        cluster = session.get_one(Cluster, moved.cluster_id)
        assert (moved.name, cluster.tag_name, moved.extra) == ("Mueller", "South", {"pin": "1234"})
        invoice = session.scalars(select(Invoice).where(Invoice.number == "I2")).one()
        assert (invoice.status, invoice.due_date) == ("approved", date(2026, 12, 24))
        size = select(TransformationResult.size).where(TransformationResult.file_name == "I2.pdf")
        assert session.scalars(size).one() == len("%PDF-1.4 two, fixed")
        assert len(session.scalars(select(AuditEntry).where(AuditEntry.action == "import")).all()) == 2
    assert not load(runtime, folder).changed_anything


def test_a_file_alone_refers_to_what_is_stored_and_leaves_the_rest(runtime: Runtime, tmp_path: Path) -> None:
    load(runtime, folders.write(tmp_path / "in"))
    header = "cluster,code,name,language,metadata.po,suspended\n"
    text = header + 'All,C3,New,,P1,true\nBoth,C2,"Smith, Inc.",en,P2,\n'
    alone = folders.write(tmp_path / "alone", {}, customers_csv=text)
    done = load(runtime, alone)
    assert done.counts == {"customers": MergeCounts(1, 1, 0)}
    with runtime.database.reading() as session:
        found = {c.code: (c.suspended, c.extra) for c in session.scalars(select(Customer))}
    assert found == {
        "C1": (False, {"pin": "1234"}),
        "C2": (False, {"pin": "", "po": "P2"}),
        "C3": (True, {"po": "P1"}),
    }


def test_suspended_stays_where_the_file_does_not_speak_of_it(runtime: Runtime, tmp_path: Path) -> None:
    folder = folders.write(tmp_path / "in")
    load(runtime, folder)
    with runtime.database.writing() as session:
        session.execute(update(Customer).values(suspended=True))
    assert not load(runtime, folder).changed_anything
    text = "code,name,cluster,language,suspended\nC1,Müller & Söhne,North,de,false\n"
    load(runtime, folders.write(tmp_path / "alone", {}, customers_csv=text))
    with runtime.database.reading() as session:
        assert session.execute(select(Customer.code, Customer.suspended).order_by(Customer.code)).all() == [
            ("C1", False), ("C2", True),
        ]  # fmt: skip


def test_a_dry_run_says_what_would_change_and_stores_nothing(runtime: Runtime, tmp_path: Path) -> None:
    done = load(runtime, folders.write(tmp_path / "in"), dry_run=True)
    assert done.counts["invoices"] == MergeCounts(2, 0, 0)
    with runtime.database.reading() as session:
        assert folders.rows_stored(session) == 0
    assert not list(Path(runtime.settings.store_url).rglob("*"))


def test_an_edge_may_be_turned_around(runtime: Runtime, tmp_path: Path) -> None:
    load(runtime, folders.write(tmp_path / "a", {}, clusters_csv="tag_name,parents\nA,\nB,A\nC,B\n"))
    load(runtime, folders.write(tmp_path / "b", {}, clusters_csv="tag_name,parents\nA,B\nB,C\nC,\n"))
    assert edges(runtime) == {("A", "B"), ("B", "C")}


def test_a_circle_is_told_at_the_line_that_closes_it(runtime: Runtime, tmp_path: Path) -> None:
    load(runtime, folders.write(tmp_path / "a", {}, clusters_csv="tag_name,parents\nTop,\nMiddle,Top\n"))
    text = "tag_name,parents\nOther,Middle\nTop,Other\nLast,Top\n"
    assert refused(runtime, folders.write(tmp_path / "b", {}, clusters_csv=text)) == [
        "clusters.csv:3: parents: closes a circle: Top → Other → Middle → Top"
    ]
    own = "tag_name,parents\nSelf,Self\n"
    assert refused(runtime, folders.write(tmp_path / "c", {}, clusters_csv=own)) == [
        "clusters.csv:2: parents: closes a circle: Self → Self"
    ]


def test_an_invoice_does_not_move_to_another_customer(runtime: Runtime, tmp_path: Path) -> None:
    folder = folders.write(tmp_path / "in")
    load(runtime, folder)
    folders.write(folder, {}, invoices_csv=folders.GOOD["invoices.csv"].replace("I1,C1", "I1,C2"))
    assert refused(runtime, folder) == [
        "invoices.csv:2: customer_code: invoice 'I1' is stored for customer 'C1'; an invoice cannot move"
    ]


def test_the_last_row_spoils_everything(runtime: Runtime, tmp_path: Path) -> None:
    text = folders.GOOD["transformation_results.csv"] + "I9,Invoice PDF,results/I1.pdf\n"
    folder = folders.write(tmp_path / "in", transformation_results_csv=text)
    assert refused(runtime, folder) == [
        "transformation_results.csv:4: invoice_number: "
        "there is no invoice 'I9', neither in invoices.csv nor stored"
    ]
    with runtime.database.reading() as session:
        assert folders.rows_stored(session) == 0
    assert not list(Path(runtime.settings.store_url).rglob("*"))


def test_windows_line_ends_a_bom_and_empty_lines_are_fine(runtime: Runtime, tmp_path: Path) -> None:
    text = "\ufeff" + folders.GOOD["customers.csv"].replace("\n", "\r\n\r\n")
    messaging = "\ufeff" + folders.MESSAGING.replace("\n", "\r\n")
    done = load(runtime, folders.write(tmp_path / "in", customers_csv=text, messaging_toml=messaging))
    assert done.counts["customers"] == MergeCounts(2, 0, 0)


@pytest.mark.parametrize("content", [None, {}, {"expected.json": "{}"}])
def test_a_folder_with_nothing_in_it_is_an_error(
    runtime: Runtime, tmp_path: Path, content: dict[str, str | bytes] | None
) -> None:
    folder = tmp_path / "in"
    if content is not None:
        folder.mkdir()
        folders.write(folder, content)
    [error] = refused(runtime, folder)
    assert str(folder) in error


def test_c7_each_cause_is_told_once_with_its_first_lines_and_the_number(
    runtime: Runtime, tmp_path: Path
) -> None:
    rows = "".join(f"C{n},billing,no address,\nX{n},billing,a{n}@b.test,\n" for n in range(1150))
    text = "customer_code,key,address,display_name\n" + rows
    with pytest.raises(ImportRefused) as refusal:
        load(runtime, folders.write(tmp_path / "in", emails_csv=text))
    wrong, unknown = refusal.value.errors
    assert wrong.startswith("emails.csv:2: address: 'no address' is not an email address")
    assert wrong.endswith("(in 1,150 lines: also 4, 6, 8, 10 and 1,145 more)")
    assert unknown.startswith("emails.csv:2: customer_code: there is no customer 'C0'")
    assert unknown.endswith("(in 2,298 lines: also 3, 5, 7, 8 and 2,293 more)")
    assert refusal.value.total == 1150 + 2298
    assert refusal.value.untold == 0


def test_c7_a_hundred_causes_are_told_in_order_and_the_rest_counted(runtime: Runtime, tmp_path: Path) -> None:
    extra = ",".join(f"own.{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(148))
    text = f"code,name,cluster,language,{extra}\nC1,First,Nope,en{',' * 148}\n"
    with pytest.raises(ImportRefused) as refusal:
        load(runtime, folders.write(tmp_path / "in", customers_csv=text))
    assert (len(refusal.value.errors), refusal.value.total) == (100, 152)
    assert str(refusal.value).endswith("\nand 52 more")
