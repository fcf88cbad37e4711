"""Invoices as a newcomer has them: a gross amount, a period in one column, PDFs beside them."""

from __future__ import annotations

from sqlalchemy import select

from tests.http_client import Browser
from tests.intake import exports
from tests.intake.conftest import Work
from tests.intake.exports import GROSS_ONLY
from tests.intake.newcomer import APPROVED, amounts_imported, applied, customers_here, invoices_here, send
from tests.intake.pages import correct, page
from tests.pdfs import pdf
from tests.world import World
from webapp.store.invoices import Invoice
from webapp.store.users import ImportMapping


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
    rows = ["1000,50;210,00;", ";210,00;1.210,50", "1.000,50;;1.210,50", "1,5;0,5;2"]
    stored = amounts_imported(browser, world, work_on, rows)
    assert stored[:3] == [("1000.50", "210.00", "1210.50", "approved")] * 3


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
