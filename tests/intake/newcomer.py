"""What a newcomer has: customers with their addresses in one file, invoices with a gross amount and a period
in one column, PDFs; nothing stored but a recipient key and a transformation."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from tests.http_client import Browser
from tests.intake import exports
from tests.intake.conftest import Work
from tests.intake.exports import GROSS_ONLY, WITH_ADDRESSES
from tests.intake.pages import correct
from tests.world import World
from webapp.store.invoices import Invoice

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


def amounts_imported(
    browser: Browser, world: World, work_on: Work, rows: Sequence[str]
) -> list[tuple[str, ...]]:
    """Import an invoice for each of these net, tax and gross amounts; what is stored of it: these and the
    status."""
    customers_here(browser, work_on)
    head = "Factuurnummer;Klantnr;Factuurdatum;Netto;BTW;Totaal;Valuta;Periode;Status\n"
    lines = [f"F-{n};K1001;31-10-2026;{row};EUR;okt 2026;goedgekeurd\n" for n, row in enumerate(rows)]
    set_id = send(browser, facturen=head + "".join(lines))
    assert work_on(set_id).summary["can_apply"]
    applied(browser, set_id, work_on)
    columns = (Invoice.net_amount, Invoice.tax_amount, Invoice.gross_amount, Invoice.status)
    query = select(*columns).where(Invoice.number.like("F-%")).order_by(Invoice.number)
    with world.runtime.database.reading() as session:
        return [tuple(map(str, row)) for row in session.execute(query)]
