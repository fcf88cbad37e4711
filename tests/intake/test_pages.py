"""Imports on the pages: uploaded, checked, corrected, applied, and seen afterwards."""

from __future__ import annotations

import io
import re

import pytest
from sqlalchemy import func, select

from tests import factories
from tests.http_client import LogIn, text_of
from tests.intake import exports
from tests.intake.conftest import Work
from tests.intake.pages import correct, page
from tests.world import World
from webapp.store.customers import Customer
from webapp.store.invoices import Invoice
from webapp.store.users import AuditEntry, ImportMapping


def count(world: World, model: type[Customer] | type[Invoice]) -> int:
    with world.runtime.database.reading() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def test_a_dutch_export_is_understood_corrected_and_applied(
    log_in: LogIn, world: World, work_on: Work
) -> None:
    with world.runtime.database.writing() as session:
        factories.recipient_key(session, "billing")
    browser = log_in("manager")
    set_id = exports.send(browser, exports.export())
    assert "Waiting for a worker" in page(browser, f"/imports/{set_id}")
    checked = work_on(set_id)
    assert (checked.state, checked.problem, checked.worker_id) == ("checked", "", None)
    [_, customers, _, invoices] = checked.files
    assert (customers["encoding"], customers["delimiter"], customers["kind"]) == (
        "cp1252",
        ";",
        "customers.csv",
    )
    assert (invoices["locale"], invoices["is_unsure"]) == ("nl", False)
    seen = page(browser, f"/imports/{set_id}")
    assert "2 errors, so nothing can be applied yet." in seen
    assert "Status no column of the file is this. Choose below which one is" in seen
    assert "Currency no column of the file is this. Choose below which one is" in seen
    assert "1 column is not recognised, and is left out: Telefoon." in seen
    assert count(world, Customer) == 0
    correct(
        browser, set_id,
        **{"3-fixed-status": "approved", "3-fixed-currency": "EUR", "1-column-4": "metadata.telefoon"},
    )  # fmt: skip
    assert work_on(set_id).summary["can_apply"]
    seen = page(browser, f"/imports/{set_id}")
    assert "Saves 21 new and 0 changed records, and removes 0." in seen
    assert browser.press(f"/imports/{set_id}/apply").status_code == 303
    applied = work_on(set_id)
    assert (applied.state, applied.worker_id, applied.problem) == ("applied", None, "")
    with world.runtime.database.reading() as session:
        invoice = session.scalars(select(Invoice).where(Invoice.number == "F2026-101")).one()
        cafe = session.get_one(Customer, invoice.customer_id)
        assert (str(invoice.gross_amount), invoice.period_end.isoformat()) == ("1210.50", "2026-10-31")
        assert (cafe.name, cafe.extra) == ("Café Zuid", {"telefoon": "050-1"})
        done = session.scalars(select(AuditEntry).where(AuditEntry.subject == f"import {set_id}")).all()
    assert [entry.action for entry in done] == ["upload", "apply", "import"]
    assert {entry.actor for entry in done} == {"manager@example.com"}
    assert "Applied by" in page(browser, f"/imports/{set_id}")
    assert re.search(rf"Import {set_id} .* 21 0 0 Applied", page(browser, "/imports"))


def test_the_next_file_with_these_columns_is_known(log_in: LogIn, world: World, work_on: Work) -> None:
    with world.runtime.database.writing() as session:
        factories.recipient_key(session, "billing")
    browser = log_in("manager")
    first = exports.send(browser, exports.export())
    work_on(first)
    correct(browser, first, **{"3-fixed-status": "approved", "3-fixed-currency": "EUR"})
    work_on(first)
    browser.look(f"/imports/{first}")
    browser.press(f"/imports/{first}/apply")
    work_on(first)
    with world.runtime.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(ImportMapping)) == 4
    changed = {**exports.export(), "facturen.csv": exports.invoices("1.310,50").encode("cp1252")}
    second = work_on(exports.send(browser, changed))
    assert second.summary["can_apply"]
    rows = [(kind, key, told) for _, kind, key, told, _read in second.summary["rows"]]
    assert ("changed", "F2026-101", ["gross_amount 1210.50 → 1310.50"]) in rows
    assert "changed" in browser.look(f"/imports/{second.id}/changes.csv").text


def test_errors_are_told_by_cause_and_downloaded_whole(log_in: LogIn, world: World, work_on: Work) -> None:
    browser = log_in("admin")
    lines = exports.invoices().replace("31-10-2026", "31-11-2026").replace("K5", "K9").encode("cp1252")
    set_id = exports.send(browser, {"facturen.csv": lines})
    work_on(set_id)
    seen = page(browser, f"/imports/{set_id}")
    assert "facturen.csv:2 Periode tot" in seen
    assert "there is no such day" in seen
    assert "lines 2, 3, 4, 5, 6 and 3 more" in seen
    whole = browser.look(f"/imports/{set_id}/errors.csv").text.splitlines()
    assert len([line for line in whole if "no such day" in line]) == 8
    assert f'action="/imports/{set_id}/apply"' not in browser.look(f"/imports/{set_id}").text
    refused = browser.press(f"/imports/{set_id}/apply")
    assert "The check has found errors." in page(browser, refused.location)


def test_a_file_that_is_not_known_is_said_to_be_so(log_in: LogIn, work_on: Work) -> None:
    browser = log_in("manager")
    set_id = exports.send(browser, {"calls.csv": b"From;To\n1;2\n"})
    assert not work_on(set_id).summary["can_apply"]
    seen = page(browser, f"/imports/{set_id}")
    assert "Nothing in these files is known as data. Choose below what each file is" in seen
    assert "It is not clear what this file is, so it is left out." in seen


@pytest.mark.security("C1")
def test_only_administrators_import_settings(log_in: LogIn) -> None:
    browser = log_in("manager")
    browser.look("/imports")
    answer = browser.press("/imports", files=[(io.BytesIO(b"[[sender]]"), "messaging.toml")])
    assert answer.status_code == 422
    assert "Only administrators may import “messaging.toml”." in text_of(answer)


@pytest.mark.security("C1")
@pytest.mark.parametrize(("role", "clusters"), [("viewer", ()), ("manager", ("left",)), ("admin", ("left",))])
def test_who_sees_a_part_imports_nothing_and_is_told_so(
    log_in: LogIn, role: str, clusters: tuple[str, ...]
) -> None:
    browser = log_in(role, *clusters)
    for url in ("/import", "/imports", "/imports/1", "/imports/example.zip", "/imports/1/errors.csv"):
        answer = browser.look(url)
        assert answer.status_code == 403
        assert "may import. Ask one of them." in text_of(answer)
    browser.look("/account")
    for url in ("/imports", "/imports/1", "/imports/1/apply", "/imports/1/cancel", "/imports/1/discard"):
        assert browser.press(url).status_code == 403
    assert 'href="/imports"' not in browser.look("/invoices").text


def test_18_discarded_is_one_word_and_cancelled_another(log_in: LogIn, work_on: Work) -> None:
    browser = log_in("manager")
    set_id = exports.send(browser, exports.export())
    work_on(set_id)
    browser.look(f"/imports/{set_id}")
    answer = browser.press(f"/imports/{set_id}/discard")
    seen = page(browser, answer.location)
    assert f"Import {set_id} is discarded." in seen
    assert "0 0 0 Discarded" in seen
    assert "Discarded by" in page(browser, f"/imports/{set_id}")
