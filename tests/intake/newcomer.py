"""What a newcomer has: customers with their addresses in one file, invoices with a gross amount and a period
in one column, PDFs; nothing stored but a recipient key and a transformation."""

from __future__ import annotations

from tests.http_client import Browser
from tests.intake import exports
from tests.intake.conftest import Work
from tests.intake.exports import GROSS_ONLY, WITH_ADDRESSES
from tests.intake.pages import correct

APPROVED = {"0-fixed-status": "approved"}


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
