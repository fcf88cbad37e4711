"""What a newcomer has: customers with their addresses in one file, invoices with a gross amount and a period
in one column, PDFs; nothing stored but a recipient key and a transformation."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from tests import factories
from tests.http_client import Browser, LogIn
from tests.intake import exports
from tests.intake.conftest import Work
from tests.intake.exports import GROSS_ONLY, WITH_ADDRESSES
from tests.intake.pages import correct, page
from tests.pdfs import pdf
from tests.world import World
from webapp.store.customers import Cluster, ClusterParent, Customer, CustomerEmail
from webapp.store.invoices import Invoice
from webapp.store.users import ImportMapping

APPROVED = {"0-fixed-status": "approved"}


@pytest.fixture
def browser(log_in: LogIn, world: World) -> Browser:
    """A manager; there is one recipient key, billing."""
    return log_in("manager")


def send(browser: Browser, **files: str) -> int:
    return exports.send(browser, {f"{name}.csv": text.encode("cp1252") for name, text in files.items()})


def applied(browser: Browser, set_id: int, work_on: Work) -> None:
    browser.look(f"/imports/{set_id}")
    assert browser.press(f"/imports/{set_id}/apply").status_code == 303
    row = work_on(set_id)
    assert (row.state, row.problem) == ("applied", "")


def customers_here(browser: Browser, work_on: Work) -> int:
    set_id = send(browser, klanten=WITH_ADDRESSES)
    work_on(set_id)
    correct(browser, set_id, **{"0-clusters": "1"})
    assert work_on(set_id).summary["can_apply"]
    applied(browser, set_id, work_on)
    return set_id


def invoices_here(browser: Browser, work_on: Work) -> None:
    """Customers, and an approved invoice of each."""
    customers_here(browser, work_on)
    set_id = send(browser, facturen=GROSS_ONLY)
    work_on(set_id)
    correct(browser, set_id, **APPROVED)
    work_on(set_id)
    applied(browser, set_id, work_on)


def test_18_customers_and_their_addresses_come_in_one_file(
    browser: Browser, world: World, work_on: Work
) -> None:
    set_id = send(browser, klanten=WITH_ADDRESSES)
    checked = work_on(set_id)
    assert checked.files[0]["columns"]["E-mail"] == "email.billing"
    seen = page(browser, f"/imports/{set_id}")
    assert "1 error" not in seen.replace("4 errors", "")
    assert "there are no clusters “Zuid”, “Noord” lines 2, 3, 4, 5" in seen
    assert "Create the 2 clusters that are missing: Zuid, Noord" in seen
    assert "Email address for key “billing”" in seen
    assert "1 line of klanten.csv has no email address, so it names none: line 5." in seen
    correct(browser, set_id, **{"0-clusters": "1", "0-clusters-below": world.everybody.tag_name})
    checked = work_on(set_id)
    counts = {each["words"]: each["new"] for each in checked.summary["counts"]}
    assert counts == {"customer clusters": 2, "customers": 4, "customer emails": 3}
    seen = page(browser, f"/imports/{set_id}")
    assert "Müller Installatie B.V.; Zuid; nl" in seen
    assert "K1001 billing administratie@bakkerij-zoe.example" in seen
    applied(browser, set_id, work_on)
    with world.runtime.database.reading() as session:
        rows = session.execute(
            select(Customer.code, CustomerEmail.address, Cluster.tag_name)
            .join(CustomerEmail, CustomerEmail.customer_id == Customer.id, isouter=True)
            .join(Cluster, Cluster.id == Customer.cluster_id)
            .where(Customer.code.like("K100%"))
            .order_by(Customer.code)
        ).all()
        parents = select(ClusterParent.parent_id).join(Cluster, Cluster.id == ClusterParent.child_id)
        above = session.scalars(parents.where(Cluster.tag_name.in_(("Zuid", "Noord")))).all()
    assert [tuple(row) for row in rows] == [
        ("K1001", "administratie@bakkerij-zoe.example", "Zuid"),
        ("K1002", "facturen@muller.example", "Zuid"),
        ("K1003", "info@hoekje.example", "Noord"),
        ("K1004", None, "Noord"),
    ]
    assert list(above) == [world.everybody.id] * 2


def test_18_an_empty_address_names_none_so_what_is_stored_stays(
    browser: Browser, world: World, work_on: Work
) -> None:
    customers_here(browser, work_on)
    again = send(
        browser,
        klanten=WITH_ADDRESSES.replace("info@hoekje.example", "").replace("administratie@", "nieuw@"),
    )
    checked = work_on(again)
    assert [tuple(row[:3]) for row in checked.summary["rows"]] == [
        ("customer emails", "removed", "K1001 billing administratie@bakkerij-zoe.example"),
        ("customer emails", "new", "K1001 billing nieuw@bakkerij-zoe.example"),
    ]


def test_18_several_columns_have_addresses_each_for_a_key(
    browser: Browser, world: World, work_on: Work
) -> None:
    with world.runtime.database.writing() as session:
        factories.recipient_key(session, "techniek")
    text = "Klantnr;Naam;E-mail billing;E-mail techniek;Mail 3;Taal;Groep\n"
    text += f"K1;Een;a@x.test, b@x.test;t@x.test;c@x.test;nl;{world.everybody.tag_name}\n"
    set_id = send(browser, klanten=text)
    checked = work_on(set_id)
    assert checked.files[0]["columns"] == {
        "Klantnr": "code", "Naam": "name", "E-mail billing": "email.billing",
        "E-mail techniek": "email.techniek", "Mail 3": "", "Taal": "language", "Groep": "cluster",
    }  # fmt: skip
    assert "These look like email addresses. Choose the recipient key" in page(browser, f"/imports/{set_id}")
    correct(browser, set_id, **{"0-column-4": "email.billing"})
    keys = [row[2] for row in work_on(set_id).summary["rows"] if row[0] == "customer emails"]
    assert keys == [
        "K1 billing a@x.test", "K1 billing b@x.test", "K1 techniek t@x.test", "K1 billing c@x.test",
    ]  # fmt: skip


def test_18_a_wrong_address_is_told_where_it_stands(browser: Browser, work_on: Work) -> None:
    set_id = send(browser, klanten=WITH_ADDRESSES.replace("info@hoekje.example", "info(at)hoekje"))
    work_on(set_id)
    assert "klanten.csv:4 E-mail" in page(browser, f"/imports/{set_id}")
    assert "customers.csv,4,E-mail" in browser.look(f"/imports/{set_id}/errors.csv").text


def test_18_a_row_of_addresses_without_one_is_left_out_and_told(
    browser: Browser, world: World, work_on: Work
) -> None:
    customers_here(browser, work_on)
    text = "Klantnr;E-mailadres\nK1001;x@y.example\nK1002;\n"
    set_id = send(browser, adressen=text)
    assert work_on(set_id).summary["can_apply"]
    seen = page(browser, f"/imports/{set_id}")
    assert "1 line of adressen.csv has no email address, so it names none: line 3." in seen


def test_18_a_gross_amount_and_one_column_for_the_period_are_enough(
    browser: Browser, world: World, work_on: Work
) -> None:
    customers_here(browser, work_on)
    set_id = send(browser, facturen=GROSS_ONLY)
    checked = work_on(set_id)
    assert [(each["column"], each["kind"]) for each in checked.summary["errors"]] == [("status", "no column")]
    seen = page(browser, f"/imports/{set_id}")
    assert "Approved: a run may mail it" in seen
    assert "Only approved invoices are mailed" in seen
    correct(browser, set_id, **APPROVED)
    work_on(set_id)
    seen = page(browser, f"/imports/{set_id}")
    assert "4 invoices have a gross amount only: their net amount and tax are shown as “not given”." in seen
    assert "K1001; € 1,210.50; € 0; € 0;" not in seen
    assert "1 to 31 October 2026; issued 31 Oct 2026" in seen
    applied(browser, set_id, work_on)
    with world.runtime.database.reading() as session:
        invoice = session.scalars(select(Invoice).where(Invoice.number == "2610-001")).one()
        amounts = (str(invoice.gross_amount), int(invoice.net_amount), int(invoice.tax_amount))
        days = (invoice.period_start.isoformat(), invoice.period_end.isoformat())
    assert (amounts, days) == (("1210.50", 0, 0), ("2026-10-01", "2026-10-31"))
    shown = page(browser, f"/invoices/{invoice.id}")
    assert "Net amount not given Tax not given Gross amount € 1,210.50" in shown
    with world.runtime.database.reading() as session:
        assert [each.fixed for each in session.scalars(select(ImportMapping))][-1]["status"] == "approved"


def test_18_two_amounts_give_the_third_as_the_file_writes_them(
    browser: Browser, world: World, work_on: Work
) -> None:
    customers_here(browser, work_on)
    head = "Factuurnummer;Klantnr;Factuurdatum;Netto;BTW;Totaal;Valuta;Periode;Status\n"
    rows = ["1000,50;210,00;", ";210,00;1.210,50", "1.000,50;;1.210,50", "1,5;0,5;2"]
    lines = [f"F-{n};K1001;31-10-2026;{row};EUR;okt 2026;goedgekeurd\n" for n, row in enumerate(rows)]
    set_id = send(browser, facturen=head + "".join(lines))
    assert work_on(set_id).summary["can_apply"]
    applied(browser, set_id, work_on)
    with world.runtime.database.reading() as session:
        stored = session.execute(
            select(Invoice.net_amount, Invoice.tax_amount, Invoice.gross_amount, Invoice.status)
            .where(Invoice.number.like("F-%")).order_by(Invoice.number)
        ).all()  # fmt: skip
    assert [tuple(map(str, row)) for row in stored[:3]] == [("1000.50", "210.00", "1210.50", "approved")] * 3


def test_18_no_period_is_remembered_for_the_next_month(browser: Browser, world: World, work_on: Work) -> None:
    customers_here(browser, work_on)
    without = "\n".join(line.rpartition(";")[0] for line in GROSS_ONLY.splitlines()) + "\n"
    set_id = send(browser, facturen=without)
    work_on(set_id)
    assert "Period no column of the file is this" in page(browser, f"/imports/{set_id}").replace(
        ", in one column", ""
    )
    correct(browser, set_id, **APPROVED, **{"0-fixed-period": "okt 2026"})
    assert work_on(set_id).summary["can_apply"]
    november = work_on(send(browser, facturen=without.replace("31-10", "30-11").replace("2610", "2611")))
    assert not november.summary["can_apply"]
    assert [each["column"] for each in november.summary["errors"]] == ["period"]
    assert november.files[0]["fixed"] == {"status": "approved", "due_date": ""}
    correct(browser, november.id, **{"0-fixed-period-source": "issue_month"})
    rows = work_on(november.id).summary["rows"]
    assert {row[4]["period_start"] for row in rows} == {"2026-11-01"}
    december = work_on(send(browser, facturen=without.replace("31-10", "31-12").replace("2610", "2612")))
    assert {row[4]["period_end"] for row in december.summary["rows"]} == {"2026-12-31"}


def test_18_an_issue_date_far_from_the_period_is_doubted(browser: Browser, work_on: Work) -> None:
    customers_here(browser, work_on)
    set_id = send(browser, facturen=GROSS_ONLY.replace(";2026-10\n2610-002", ";2026-07\n2610-002"))
    work_on(set_id)
    correct(browser, set_id, **APPROVED)
    assert work_on(set_id).summary["can_apply"]
    words = "is 2026-10-31, more than two months outside of the period 2026-07-01 to 2026-07-31"
    assert words in page(browser, f"/imports/{set_id}")


def test_18_what_explains_the_others_comes_first_with_the_way(browser: Browser, work_on: Work) -> None:
    set_id = send(browser, facturen=GROSS_ONLY.replace("99,95", "12,5x"))
    work_on(set_id)
    correct(browser, set_id, **APPROVED)
    errors = work_on(set_id).summary["errors"]
    assert [(each["column"], each["kind"]) for each in errors] == [
        ("customer_code", "unknown"),
        ("gross_amount", ""),
    ]
    seen = page(browser, f"/imports/{set_id}")
    assert "there are no customers “K1001”, “K1002”, “K1003”, “K1004”. Import the customers first" in seen
    assert "Upload them , then come back here and press “Check again”." in seen


def test_18_wrong_lines_are_left_out_and_the_rest_imported(
    browser: Browser, world: World, work_on: Work
) -> None:
    customers_here(browser, work_on)
    set_id = send(browser, facturen=GROSS_ONLY.replace("99,95", "12,5x").replace("1.210,50", "duizend"))
    work_on(set_id)
    assert "Leave out" not in page(browser, f"/imports/{set_id}"), "the status is missing for every line"
    correct(browser, set_id, **APPROVED)
    work_on(set_id)
    assert "Leave out these 2 lines and import the rest" in page(browser, f"/imports/{set_id}")
    correct(browser, set_id, leave_out="1")
    checked = work_on(set_id)
    assert (checked.summary["can_apply"], checked.summary["left_out"]) == (
        True,
        [["facturen.csv", 2, [2, 4]]],
    )
    assert "2 lines of facturen.csv are left out: 2, 4" in page(browser, f"/imports/{set_id}")
    correct(browser, set_id, **{"0-take-in": "1"})
    assert not work_on(set_id).summary["can_apply"]
    correct(browser, set_id, leave_out="1")
    work_on(set_id)
    applied(browser, set_id, work_on)
    assert "2 lines left out" in page(browser, "/imports")
    with world.runtime.database.reading() as session:
        numbers = session.scalars(select(Invoice.number).where(Invoice.number.like("2610-%"))).all()
    assert sorted(numbers) == ["2610-002", "2610-004"]


def test_18_a_wrong_address_alone_is_left_out(browser: Browser, world: World, work_on: Work) -> None:
    set_id = send(browser, klanten=WITH_ADDRESSES.replace("info@hoekje.example", "info(at)hoekje"))
    work_on(set_id)
    correct(browser, set_id, **{"0-clusters": "1"})
    work_on(set_id)
    correct(browser, set_id, **{"0-clusters": "1", "leave_out": "1"})
    counts = {each["words"]: each["new"] for each in work_on(set_id).summary["counts"]}
    assert (counts["customers"], counts["customer emails"]) == (4, 2)


def test_18_the_document_with_the_number_in_its_name_wins(browser: Browser, work_on: Work) -> None:
    invoices_here(browser, work_on)
    files = {"Factuur 2610-001.pdf": pdf("2610-001", "K1001"), "scan.pdf": pdf("Factuur 2610-001", "K1001")}
    checked = work_on(exports.send(browser, files))
    assert checked.summary["matched"] == 1
    [[path, why]] = checked.summary["unmatched"]
    assert path == "scan.pdf"
    assert why.startswith(
        "its text names invoice 2610-001, and Factuur 2610-001.pdf has that number in its name"
    )


def test_18_what_comes_next_is_said(browser: Browser, world: World, work_on: Work) -> None:
    set_id = customers_here(browser, work_on)
    assert "What comes next" in page(browser, f"/imports/{set_id}")
