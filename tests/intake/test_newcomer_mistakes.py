"""What is wrong in the files of a newcomer: told where it stands, explained first, or left out."""

from __future__ import annotations

from sqlalchemy import select

from tests.http_client import Browser
from tests.intake.conftest import Work
from tests.intake.exports import GROSS_ONLY, WITH_ADDRESSES
from tests.intake.newcomer import APPROVED, applied, customers_here, send
from tests.intake.pages import correct, page
from tests.world import World
from webapp.store.invoices import Invoice


def test_18_a_wrong_address_is_told_where_it_stands(browser: Browser, work_on: Work) -> None:
    set_id = send(browser, klanten=WITH_ADDRESSES.replace("info@hoekje.example", "info(at)hoekje"))
    work_on(set_id)
    assert "klanten.csv:4 E-mail" in page(browser, f"/imports/{set_id}")
    assert "customers.csv,4,E-mail" in browser.look(f"/imports/{set_id}/errors.csv").text


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
