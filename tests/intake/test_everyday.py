"""Everyday files as a worker reads them, on both databases; periods in words; what uploads are called."""

from __future__ import annotations

import io

import pytest
from sqlalchemy import select

from tests.intake import exports
from tests.intake.conftest import Work
from tests.world import World
from webapp.access import OPERATOR
from webapp.imports.kinds import issued_far_off
from webapp.intake import choosing, sets, uploaded_files
from webapp.intake.period_words import period_of
from webapp.intake.receiving import UploadLimits, receive
from webapp.intake.set_folders import new_folder
from webapp.store.customers import CustomerEmail
from webapp.store.invoices import Invoice


def test_18_all_of_it_comes_in_one_upload(world: World, work_on: Work) -> None:
    folder = new_folder(world.runtime.settings.import_folder)
    files = {"klanten.csv": exports.WITH_ADDRESSES, "facturen.csv": exports.GROSS_ONLY}
    sent = [(name, io.BytesIO(text.encode("cp1252"))) for name, text in files.items()]
    received = receive(folder, sent, UploadLimits(10_000_000, 100))
    with world.runtime.database.reading() as session:
        tables = uploaded_files.look_at_all(session, received)
    with world.runtime.database.writing() as session:
        set_id = sets.create(session, world.runtime.queue, OPERATOR, received, tables).id
    checked = work_on(set_id)
    assert checked.summary["unknown_clusters"] == ["Zuid", "Noord"]
    with world.runtime.database.writing() as session:
        typed = [{"clusters": "1"}, {"fixed-status": "approved"}]
        tables = [choosing.chosen(session, folder, table, each, checked.summary["unknown_clusters"])
                  for table, each in zip(tables, typed, strict=True)]  # fmt: skip
        sets.check_again(session, world.runtime.queue, OPERATOR, set_id, tables, {})
    checked = work_on(set_id)
    counts = {each["words"]: each["new"] for each in checked.summary["counts"]}
    assert counts == {"customer clusters": 2, "customers": 4, "customer emails": 3, "invoices": 4}
    read = {row[2]: row[4] for row in checked.summary["rows"] if row[0] == "invoices"}
    assert read["2610-002"]["gross_amount"].startswith("-45")
    with world.runtime.database.writing() as session:
        sets.apply(session, world.runtime.queue, OPERATOR, set_id, with_removals=False)
    assert work_on(set_id).state == "applied"
    with world.runtime.database.reading() as session:
        addresses = session.scalars(select(CustomerEmail.address)).all()
        invoice = session.scalars(select(Invoice).where(Invoice.number == "2610-001")).one()
    assert "administratie@bakkerij-zoe.example" in addresses
    assert (str(invoice.gross_amount.normalize()), int(invoice.net_amount)) == ("1210.5", 0)


@pytest.mark.parametrize(
    "text",
    ["2026-10", "10-2026", "10/2026", "2026/10", "202610", "okt 2026", "okt. 2026", "oktober 2026",
     "October 2026", "Okt-26", "2026 okt"],
)  # fmt: skip
def test_18_a_month_is_understood(text: str) -> None:
    assert period_of(text) == ("2026-10-01", "2026-10-31")


@pytest.mark.parametrize("text", ["2026Q4", "Q4 2026", "2026-K4", "4e kwartaal 2026", "4. Quartal 2026"])
def test_18_a_quarter_is_understood(text: str) -> None:
    assert period_of(text) == ("2026-10-01", "2026-12-31")


def test_18_a_year_is_understood_and_a_day_is_not() -> None:
    assert period_of("2026") == ("2026-01-01", "2026-12-31")
    for text in (
        "",
        "01-10-2026",
        "2026-10-01",
        "13-2026",
        "Q5 2026",
        "week 40 2026",
        "okt",
        "10",
        "2026-10 x",
    ):
        assert period_of(text) is None, text


def test_18_two_months_outside_of_the_period_are_the_limit() -> None:
    row = {"period_start": "2026-10-01", "period_end": "2026-10-31"}
    doubted = [day for day in ("2026-07-31", "2026-08-01", "2026-12-31", "2027-01-01")
               if list(issued_far_off({**row, "issue_date": day}))]  # fmt: skip
    assert doubted == ["2026-07-31", "2027-01-01"]


def test_18_the_names_of_many_files_end_with_an_ellipsis() -> None:
    names = sets.names_in_short([f"Factuur 2610-{n:03}.pdf" for n in range(100)])
    assert len(names) <= sets.NAMES_MAX
    assert names.endswith(".pdf, …")
    assert sets.names_in_short(["klanten.csv", "facturen.csv"]) == "klanten.csv, facturen.csv"
